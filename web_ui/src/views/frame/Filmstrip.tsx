import { useEffect, useRef } from "preact/hooks";
import type { Frame } from "../../api/types";
import { labelsInOrder, labelsInWords, noLabelsInShort } from "../../state/labels";
import { frame as words } from "../../strings/frame";
import { siteTimeAt } from "../../time/zone";
import { LeftIcon, RightIcon } from "../../ui/icons";
import { Picture } from "../../ui/Picture";

interface Props {
  /** Oldest first. */
  frames: readonly Frame[];
  /** The id of the frame that is shown; null: none of them. */
  shown: string | null;
  earlier: Frame | null;
  later: Frame | null;
  /** What lies on either side is known. */
  isKnown: boolean;
  zone: string;
  epoch: number;
  linkOf: (frame: Frame) => { href: string; onClick: (event: MouseEvent) => void };
  onGo: (frame: Frame) => void;
  onRenew: (frame: Frame) => Promise<Frame | null>;
}

/** What was captured before and after, oldest first. */
export function Filmstrip({ frames, shown, earlier, later, isKnown, zone, epoch, linkOf, onGo, onRenew }: Props) {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const item = list.current?.querySelector<HTMLElement>('[aria-current="true"]');
    if (!list.current || !item) return;
    // Not scrollIntoView: the page itself stays where it is.
    list.current.scrollLeft = item.offsetLeft - (list.current.clientWidth - item.clientWidth) / 2;
  }, [shown, frames.length]);
  return (
    <nav class="strip" aria-label={words.strip}>
      <button type="button" class="button" aria-label={words.earlier} title={words.earlier} aria-disabled={!earlier} onClick={() => earlier && onGo(earlier)}>
        <LeftIcon />
      </button>
      <ul ref={list} class="strip-list">
        {isKnown && !earlier && <li class="strip-end hint">{words.noneBefore}</li>}
        {frames.map((each) => {
          const at = siteTimeAt(Date.parse(each.captured_at), zone);
          const labels = labelsInOrder(each);
          const first = labels[0];
          const isShown = each.frame_id === shown;
          return (
            <li key={each.frame_id}>
              <a
                class={`strip-frame ${each.watch_hit ? "is-watch" : ""}`}
                aria-current={isShown ? "true" : undefined}
                title={words.stripItem(`${at.time} ${at.zone}`, labelsInWords(each))}
                data-strip={each.frame_id}
                {...linkOf(each)}
              >
                <span class="strip-picture">
                  <Picture frame={each} alt="" eager boxes="none" epoch={epoch} onRenew={onRenew} />
                </span>
                <span class="digits">{at.time}</span>
                <span class="strip-label">{first ? first.name : noLabelsInShort(each)}</span>
              </a>
            </li>
          );
        })}
        {isKnown && !later && <li class="strip-end hint">{words.noneAfter}</li>}
      </ul>
      <button type="button" class="button" aria-label={words.later} title={words.later} aria-disabled={!later} onClick={() => later && onGo(later)}>
        <RightIcon />
      </button>
    </nav>
  );
}
