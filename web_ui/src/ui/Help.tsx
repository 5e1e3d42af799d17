import { useEffect, useRef } from "preact/hooks";
import { useKeyGroups } from "../app/keys";
import { chooseTheme, setSingleKeys, THEMES, useSettings } from "../app/settings";
import { strings } from "../strings";
import { CloseIcon } from "./icons";
import { Switch } from "./Switch";

/** Which keys there are now, and how the page looks in this browser. */
export function Help({ open, onClose }: { open: boolean; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open && !dialog.current?.open) dialog.current?.showModal();
    if (!open && dialog.current?.open) dialog.current.close();
  }, [open]);
  if (!open) return null;
  return (
    <dialog
      ref={dialog}
      class="help"
      aria-labelledby="help-title"
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}
    >
      <div class="help-sheet">
        <div class="help-head">
          <h2 id="help-title">{strings.help.title}</h2>
          <button type="button" class="button button-quiet" aria-label={strings.help.close} onClick={() => dialog.current?.close()}>
            <CloseIcon />
          </button>
        </div>
        <Appearance />
        <Keys />
      </div>
    </dialog>
  );
}

function Appearance() {
  const { theme, singleKeys } = useSettings();
  return (
    <section class="help-settings">
      <div class="help-setting">
        <h3 id="help-theme">{strings.help.theme}</h3>
        <div class="segments" role="group" aria-labelledby="help-theme">
          {THEMES.map((each) => (
            <button type="button" key={each} aria-pressed={each === theme} onClick={() => chooseTheme(each)}>
              {strings.help.themes[each]}
            </button>
          ))}
        </div>
      </div>
      <Switch words={strings.help.singleKeys} isOn={singleKeys} onChange={setSingleKeys} />
    </section>
  );
}

function Keys() {
  const groups = useKeyGroups();
  return (
    <>
      {groups.map(({ heading, keys }) => (
        <section key={heading}>
          <h3>{heading}</h3>
          <dl class="help-keys">
            {keys.map(({ press, words }) => (
              <div key={press}>
                <dt>
                  {press.split(" ").map((one) => (
                    <kbd key={one}>{strings.help.keyNames[one] ?? one}</kbd>
                  ))}
                </dt>
                <dd>{words}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </>
  );
}
