import { useEffect, useMemo, useState } from "preact/hooks";

/** Heights of a row. A wall's type is larger than a desk's, and so are its rows. */
const ROW_REM = 5.25;
const ROW_NARROW_REM = 6.5;

export function useRowPx(): number {
  const rootPx = useRootPx();
  return (useMedia("(width < 720px)") ? ROW_NARROW_REM : ROW_REM) * rootPx;
}

export function useMedia(query: string): boolean {
  const media = useMemo(() => window.matchMedia(query), [query]);
  const [matches, setMatches] = useState(media.matches);
  useEffect(() => {
    const onChange = () => setMatches(media.matches);
    onChange();
    media.addEventListener("change", onChange);
    return () => media.removeEventListener("change", onChange);
  }, [media]);
  return matches;
}

function useRootPx(): number {
  const read = () => Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const [px, setPx] = useState(read);
  useEffect(() => {
    const onResize = () => setPx(read());
    window.addEventListener("resize", onResize);
    return () => window.removeEventListener("resize", onResize);
  }, []);
  return px;
}
