import { useId } from "preact/hooks";
import { hours as words } from "../strings/hours";

/** In a form of class `fields`: for how long what it sets is to hold. */
export function HoursField({ hours, onChoose }: { hours: number; onChoose: (hours: number) => void }) {
  const id = useId();
  return (
    <p>
      <label for={id}>{words.label}</label>
      <select id={id} value={String(hours)} onChange={(event) => onChoose(Number(event.currentTarget.value))}>
        {words.spans.map((span) => (
          <option key={span.hours} value={String(span.hours)}>
            {span.words}
          </option>
        ))}
      </select>
    </p>
  );
}
