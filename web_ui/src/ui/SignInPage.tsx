import { useEffect, useRef } from "preact/hooks";
import type { SessionState } from "../auth/session";
import { strings } from "../strings";
import { Header } from "./Header";
import { PersonIcon, WarnIcon } from "./icons";

interface Props {
  state: Exclude<SessionState, { kind: "signedIn" }>;
  onSignIn: () => void;
  onRetry: () => void;
  onSignOut: () => void;
}

/** What stands in the place of the dashboard while nobody who may see it is signed in. */
export function SignInPage(props: Props) {
  useEffect(() => {
    document.title = strings.signIn.title(strings.product);
  }, []);
  return (
    <>
      <header class="header">
        <Header site={null} account={null} serverNow={Date.now} />
      </header>
      <main>
        <Notice {...props} />
      </main>
    </>
  );
}

function Notice({ state, onSignIn, onRetry, onSignOut }: Props) {
  // Each is its own thing to read: the heading takes the focus anew.
  switch (state.kind) {
    case "signingIn":
    case "signingOut":
      return (
        <p class="notice is-passing" role="status">
          {strings.signIn[state.kind]}
        </p>
      );
    case "forbidden":
      return (
        <div key="forbidden" class="notice is-bad">
          <WarnIcon />
          <FocusedHeading words={strings.signIn.forbiddenTitle} />
          <p class="notice-text">{strings.signIn.forbidden(state.who)}</p>
          <p>{strings.signIn.forbiddenHelp}</p>
          <div class="notice-actions">
            <button type="button" class="button button-main" onClick={onRetry}>
              {strings.signIn.tryAgain}
            </button>
            <button type="button" class="button" onClick={onSignOut}>
              {strings.signIn.signOut}
            </button>
          </div>
        </div>
      );
    case "stopped": {
      const { title, text } = strings.signIn.stopped[state.why];
      const bad = state.why !== "signedOut" && state.why !== "unfinished" && state.why !== "cancelled";
      return (
        <div key={state.why} class={`notice ${bad ? "is-bad" : ""}`}>
          {bad ? <WarnIcon /> : <PersonIcon />}
          <FocusedHeading words={title} />
          <p>{text}</p>
          {bad && state.detail && <p class="hint notice-text">{strings.signIn.detail(state.detail)}</p>}
          <button type="button" class="button button-main" onClick={onSignIn}>
            {bad ? strings.signIn.tryAgain : strings.signIn.signIn}
          </button>
        </div>
      );
    }
  }
}

/** Takes the focus, so that a screen reader begins here and Tab goes on to the buttons. */
function FocusedHeading({ words }: { words: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <h2 ref={heading} tabIndex={-1}>
      {words}
    </h2>
  );
}
