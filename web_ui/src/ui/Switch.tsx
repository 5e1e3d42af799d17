interface Props {
  words: string;
  isOn: boolean;
  onChange: (on: boolean) => void;
}

export function Switch({ words, isOn, onChange }: Props) {
  return (
    <label class="switch">
      <input type="checkbox" role="switch" checked={isOn} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span class="switch-track" aria-hidden="true" />
      {words}
    </label>
  );
}
