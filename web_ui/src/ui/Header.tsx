import type { ComponentChildren } from "preact";
import type { Site } from "../api/types";
import { strings } from "../strings";
import { siteTimeAt, zoneAbbreviation } from "../time/zone";
import { HelpIcon, Logo, SignOutIcon } from "./icons";
import { useTicking } from "./ticker";

/** Whoever is signed in; null where a site asks for no sign-in. */
export interface Account {
  who: string;
  onSignOut: () => void;
}

interface Props {
  site: Site | null;
  account: Account | null;
  serverNow: () => number;
  /** Absent before anything can be shown. */
  onHelp?: () => void;
  /** The views, where they have their place here. */
  children?: ComponentChildren;
}

export function Header({ site, account, serverNow, onHelp, children }: Props) {
  return (
    <>
      <div class="header-row">
        <Logo />
        <div class="header-name">
          <h1>{site?.name ?? strings.product}</h1>
          {site && <SiteClock zone={site.time_zone} serverNow={serverNow} />}
        </div>
        {children}
        {onHelp && (
          <button
            type="button"
            class="button button-quiet help-button"
            aria-label={strings.help.title}
            aria-haspopup="dialog"
            title={strings.help.titleWithKey}
            onClick={onHelp}
          >
            <HelpIcon />
          </button>
        )}
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

export function SiteClock({ zone, serverNow }: { zone: string; serverNow: () => number }) {
  const time = useTicking(() => siteTimeAt(serverNow(), zone).time);
  return (
    <p class="site-clock" title={strings.header.zoneTitle(zone)}>
      <span class="site-clock-words">{strings.header.siteTime} </span>
      <span class="digits">{time}</span> {zoneAbbreviation(serverNow(), zone)}
      <span class="site-zone"> · {zone}</span>
    </p>
  );
}
