import type { Site } from "../api/types";
import { linkTo } from "../app/context";
import type { View } from "../state/route";
import { strings } from "../strings";
import { siteTimeAt, zoneAbbreviation } from "../time/zone";
import { Logo, SignOutIcon } from "./icons";
import { useTicking } from "./ticker";

/** Whoever is signed in; null where a site asks for no sign-in. */
export interface Account {
  who: string;
  onSignOut: () => void;
}

interface Props {
  site: Site | null;
  /** null before anything can be shown. */
  view: View | null;
  account: Account | null;
  serverNow: () => number;
}

/** A frame is looked at from wherever it was found: it has no place of its own. */
const IN_NAVIGATION = ["wall", "review", "timeline", "frames", "charts", "zones", "snoozes"] as const;

export function Header({ site, view, account, serverNow }: Props) {
  return (
    <>
      <div class="header-row">
        <Logo />
        <div class="header-name">
          <h1>{site?.name ?? strings.product}</h1>
          {site && <SiteClock zone={site.time_zone} serverNow={serverNow} />}
        </div>
        {view && <Navigation view={view} />}
        {account && (
          <>
            <p class="who" title={account.who}>
              <span class="who-words">{strings.signIn.signedInAs} </span>
              {account.who}
            </p>
            <button
              type="button"
              class="button button-quiet sign-out"
              aria-label={strings.signIn.signOut}
              title={strings.signIn.signOut}
              onClick={account.onSignOut}
            >
              <SignOutIcon />
              <span class="sign-out-word">{strings.signIn.signOut}</span>
            </button>
          </>
        )}
      </div>
    </>
  );
}

function Navigation({ view }: { view: View }) {
  return (
    <nav class="nav" aria-label={strings.nav.label}>
      <ul>
        {IN_NAVIGATION.map((each) => (
          <li key={each}>
            <a class="nav-link" {...linkTo(each)} aria-current={each === view ? "page" : undefined}>
              {strings.nav.views[each]}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function SiteClock({ zone, serverNow }: { zone: string; serverNow: () => number }) {
  const time = useTicking(() => siteTimeAt(serverNow(), zone).time);
  return (
    <p class="site-clock" title={strings.header.zoneTitle(zone)}>
      <span class="site-clock-words">{strings.header.siteTime} </span>
      <span class="digits">{time}</span> {zoneAbbreviation(serverNow(), zone)}
      <span class="site-zone"> · {zone}</span>
    </p>
  );
}
