import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Deed } from "../../state/reviewActions";
import { review } from "../../strings/review";

const NOTE_MAX_CHARS = 500;

interface Props {
  field: RefObject<HTMLTextAreaElement | null>;
  deeds: readonly Deed[];
  onNote: (text: string) => void;
}

export function NoteForm({ field, deeds, onNote }: Props) {
  const [text, setText] = useState("");
  const newest = deeds.filter(({ kind }) => kind === "note").at(-1);
  // What was typed stays until it is saved.
  const sent = useRef<string | null>(null);
  useEffect(() => {
    if (newest?.phase !== "done" || newest.text !== sent.current) return;
    sent.current = null;
    setText((typed) => (typed.trim() === newest.text ? "" : typed));
  }, [newest]);
  const submit = () => {
    const note = text.trim();
    if (!note || newest?.phase === "sending") return;
    sent.current = note;
    onNote(note);
  };
  const left = NOTE_MAX_CHARS - text.length;
  return (
    <form
      class="note-form"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <textarea
        ref={field}
        rows={2}
        value={text}
        maxLength={NOTE_MAX_CHARS}
        aria-label={review.detail.noteLabel}
        placeholder={review.detail.noteLabel}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          submit();
        }}
      />
      <div class="note-foot">
        <span class="hint">{left <= 100 ? review.detail.noteHint(left) : ""}</span>
        <button type="submit" class="button" aria-disabled={!text.trim() || newest?.phase === "sending"}>
          {review.detail.addNote}
        </button>
      </div>
    </form>
  );
}
