import { useEffect, useRef, useState } from "preact/hooks";
import { linkTo, may, useApp } from "../app/context";
import { useUnreviewed } from "../app/unreviewed";
import type { View } from "../state/route";
import { unreviewedWords } from "../state/unreviewed";
import { strings } from "../strings";
import { MoreIcon, VIEW_ICONS } from "./icons";

/** A frame is looked at from wherever it was found: it has no place of its own. */
const IN_NAVIGATION = ["wall", "review", "timeline", "frames", "charts", "costs", "zones", "snoozes"] as const;
/** Of these, what only who answers alerts may see. */
const FOR_OPERATORS: ReadonlySet<View> = new Set<View>(["costs"]);
/** What fits under a thumb; the others lie behind one more. */
const ON_A_PHONE = 4;
const NARROW = "(width < 720px)";

/** Whether the views are a bar at the bottom, within reach of a thumb. */
export function useNarrow(): boolean {
  const [narrow, setNarrow] = useState(() => matchMedia(NARROW).matches);
  useEffect(() => {
    const query = matchMedia(NARROW);
    const changed = () => setNarrow(query.matches);
    changed();
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  return narrow;
}

function useViews(): readonly View[] {
  const { me } = useApp();
  return IN_NAVIGATION.filter((each) => !FOR_OPERATORS.has(each) || may(me, "operator"));
}

export function Navigation({ view }: { view: View }) {
  const views = useViews();
  return (
    <nav class="nav" aria-label={strings.nav.label}>
      <ul>
        {views.map((each) => (
          <li key={each}>
            <NavLink to={each} view={view} />
          </li>
        ))}
      </ul>
    </nav>
  );
}

export function BottomNavigation({ view }: { view: View }) {
  const [open, setOpen] = useState(false);
  const nav = useRef<HTMLElement>(null);
  const more = useRef<HTMLButtonElement>(null);
  const views = useViews();
  const hidden = views.slice(ON_A_PHONE);
  const current = hidden.find((each) => each === view);
  useEffect(() => setOpen(false), [view]);
  useEffect(() => {
    if (!open) return;
    const onPress = (event: Event) => nav.current?.contains(event.target as Node) || setOpen(false);
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      setOpen(false);
      more.current?.focus();
    };
    document.addEventListener("pointerdown", onPress);
    document.addEventListener("keydown", onKey);
    return () => {
      document.removeEventListener("pointerdown", onPress);
      document.removeEventListener("keydown", onKey);
    };
  }, [open]);
  return (
    <nav class="bottom-nav" aria-label={strings.nav.label} ref={nav}>
      <ul>
        {views.slice(0, ON_A_PHONE).map((each) => (
          <li key={each}>
            <NavLink to={each} view={view} icon />
          </li>
        ))}
        <li>
          <button
            ref={more}
            type="button"
            class={`nav-link ${current ? "is-current" : ""}`}
            aria-label={current && strings.nav.moreWith(strings.nav.views[current])}
            aria-expanded={open}
            aria-controls="more-views"
            onClick={() => setOpen(!open)}
          >
            <MoreIcon />
            {current ? strings.nav.views[current] : strings.nav.more}
          </button>
        </li>
      </ul>
      <ul id="more-views" class="more-views" hidden={!open}>
        {hidden.map((each) => (
          <li key={each}>
            <NavLink to={each} view={view} icon />
          </li>
        ))}
      </ul>
    </nav>
  );
}

function NavLink({ to, view, icon = false }: { to: View; view: View; icon?: boolean }) {
  const Icon = VIEW_ICONS[to];
  return (
    <a class="nav-link" {...linkTo(to)} aria-current={to === view ? "page" : undefined}>
      {icon && <Icon />}
      {strings.nav.views[to]}
      {to === "review" && <ReviewCount />}
    </a>
  );
}

function ReviewCount() {
  const words = unreviewedWords(useUnreviewed());
  if (!words) return null;
  return (
    <>
      {" "}
      <span class="nav-count" aria-hidden="true">
        {words}
      </span>
      <span class="sr-only">{strings.nav.unreviewed(words)}</span>
    </>
  );
}
