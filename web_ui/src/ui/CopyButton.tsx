import { useEffect, useRef, useState } from "preact/hooks";
import { strings } from "../strings";
import "../styles/zoom.css";
import { CopyIcon } from "./icons";

interface Props {
  /** What is copied when the button is pressed. */
  text: () => string;
  words: string;
  done: string;
  /** What the field is called that holds the text where a browser does not let pages copy. */
  fallback: string;
}

const DONE_FOR_MS = 4_000;

/** Copies, and says that it did; where it may not, shows the text to be copied by hand. */
export function CopyButton({ text, words, done, fallback }: Props) {
  const [answer, setAnswer] = useState<{ kind: "none" | "done" } | { kind: "failed"; text: string }>({ kind: "none" });
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (answer.kind === "failed") {
      field.current?.focus();
      field.current?.select();
    }
    if (answer.kind !== "done") return;
    const timer = setTimeout(() => setAnswer({ kind: "none" }), DONE_FOR_MS);
    return () => clearTimeout(timer);
  }, [answer]);
  const copy = async () => {
    const wanted = text();
    try {
      await navigator.clipboard.writeText(wanted);
      setAnswer({ kind: "done" });
    } catch {
      setAnswer({ kind: "failed", text: wanted }); // refused, or no clipboard without https
    }
  };
  return (
    <div class="copy">
      <button type="button" class="button" onClick={() => void copy()}>
        <CopyIcon />
        {words}
      </button>
      <span class="copy-answer" role="status">
        {answer.kind === "done" ? done : answer.kind === "failed" ? strings.copy.failed : ""}
      </span>
      {answer.kind === "failed" && (
        <textarea ref={field} class="copy-field" readOnly aria-label={fallback} rows={Math.min(8, answer.text.split("\n").length)} value={answer.text} />
      )}
    </div>
  );
}
