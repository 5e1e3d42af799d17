import { useEffect, useRef, useState } from "preact/hooks";
import { Chords, type Key } from "../state/keys";
import { singleKeysOn } from "./settings";

// The keys that work now: each view tells its own while it is shown, and the help lists them all.

export interface KeyGroup {
  heading: string;
  keys: readonly Key[];
}

const groups = new Map<symbol, KeyGroup>();
const listeners = new Set<() => void>();

function changed(): void {
  for (const listener of [...listeners]) listener();
}

/**
 * The keys of a view, under this heading of the help, for as long as it is shown. They are left alone while somebody
 * writes, a dialog is open, or a modifier is held, and by those who turned them off.
 */
export function useKeys(heading: string, keys: readonly Key[]): void {
  const newest = useRef(keys);
  newest.current = keys;
  const told = keys.map(({ press, words }) => `${press}\n${words}`).join("\n");
  useEffect(() => {
    const id = Symbol(heading);
    // What a key does is looked up when it is pressed: views make their functions anew with every rendering.
    const current = (press: string) => newest.current.find((key) => key.press === press);
    groups.set(id, {
      heading,
      keys: newest.current.map((key) => (key.run ? { ...key, run: (event) => current(key.press)?.run?.(event) } : key)),
    });
    changed();
    return () => {
      groups.delete(id);
      changed();
    };
  }, [heading, told]);
}

export function useKeyGroups(): readonly KeyGroup[] {
  const [shown, setShown] = useState<readonly KeyGroup[]>(() => [...groups.values()]);
  useEffect(() => {
    const look = () => setShown([...groups.values()]);
    look();
    listeners.add(look);
    return () => void listeners.delete(look);
  }, []);
  return shown;
}

/** Listens for all of them. For the shell, once. */
export function useKeyboard(): void {
  useEffect(() => {
    const chords = new Chords();
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
      if (!singleKeysOn() || takes(event.target, event.key) || document.querySelector("dialog[open]")) return;
      const own = [...groups.values()].flatMap(({ keys }) => keys).filter(({ run }) => run);
      const key = chords.press(event.key, event.timeStamp, own);
      if (!key?.run || (event.repeat && !key.repeats)) return;
      event.preventDefault();
      key.run(event);
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, []);
}

/** Whether what has the focus needs this key itself. */
function takes(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if ((key === "Enter" || key === " ") && target.closest("a, button, summary")) return true;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !["checkbox", "radio", "button", "range"].includes(target.type);
}
