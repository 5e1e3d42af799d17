import type { ComponentChild } from "preact";

interface Props {
  words: string;
  icon?: ComponentChild;
  isOn: boolean;
  onChange: (on: boolean) => void;
}

export function Switch({ words, icon, isOn, onChange }: Props) {
  return (
    <label class="switch">
      <input type="checkbox" role="switch" checked={isOn} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span class="switch-track" aria-hidden="true" />
      {icon}
      {words}
    </label>
  );
}
