// Which key does what: single ones, and two one after another ("g w").

export interface Key {
  /** As KeyboardEvent.key says it; a letter in lower case; two with a space between are pressed one after another. */
  press: string;
  /** What it does, for the help. */
  words: string;
  /** Absent: somebody else listens for it, and only the help is told here. */
  run?: (event: KeyboardEvent) => void;
  /** Held down, it does so again and again. */
  repeats?: boolean;
}

/** How long the second key of a pair may take. */
export const PAIR_MS = 1_500;

export class Chords {
  private first: { key: string; atMs: number } | null = null;

  /** What this press completes, of these; null where it completes nothing. */
  press<T extends { press: string }>(key: string, atMs: number, keys: readonly T[]): T | null {
    const pressed = key.length === 1 ? key.toLowerCase() : key;
    const { first } = this;
    this.first = null;
    if (first && atMs - first.atMs <= PAIR_MS) {
      const pair = keys.find(({ press }) => press === `${first.key} ${pressed}`);
      if (pair) return pair;
    }
    if (keys.some(({ press }) => press.startsWith(`${pressed} `))) this.first = { key: pressed, atMs };
    return keys.find(({ press }) => press === pressed) ?? null;
  }
}
