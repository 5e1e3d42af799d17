import { useEffect, useState } from "preact/hooks";

// How this browser likes the page; nothing of the site, and nobody's secret. What stands as it was is not stored.

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const THEME = "framewatch.theme";
const SINGLE_KEYS = "framewatch.single-keys";
const CHANGED = "framewatch:settings";

function stored(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // a browser that blocks storage
  }
}

function store(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // It holds until the page is loaded again.
  }
  window.dispatchEvent(new Event(CHANGED));
}

export function theme(): Theme {
  return THEMES.find((each) => each === stored(THEME)) ?? "auto";
}

/** As stored, on the page. */
export function applyTheme(chosen: Theme = theme()): void {
  if (chosen === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  // A browser paints what is around the page by these, of which index.html has one for each look of the system.
  for (const meta of document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]')) {
    const ofSystem = (meta.dataset.media ??= meta.media);
    meta.media = chosen === "auto" ? ofSystem : ofSystem.includes(chosen) ? "all" : "not all";
  }
}

export function chooseTheme(chosen: Theme): void {
  applyTheme(chosen);
  store(THEME, chosen === "auto" ? null : chosen);
}

/** Off for those whose speech or hands press letters that they do not mean. */
export function singleKeysOn(): boolean {
  return stored(SINGLE_KEYS) !== "off";
}

export function setSingleKeys(on: boolean): void {
  store(SINGLE_KEYS, on ? null : "off");
}

export function useSettings(): { theme: Theme; singleKeys: boolean } {
  const read = () => ({ theme: theme(), singleKeys: singleKeysOn() });
  const [settings, setSettings] = useState(read);
  useEffect(() => {
    const changed = () => setSettings(read());
    window.addEventListener(CHANGED, changed);
    window.addEventListener("storage", changed);
    return () => {
      window.removeEventListener(CHANGED, changed);
      window.removeEventListener("storage", changed);
    };
  }, []);
  return settings;
}
