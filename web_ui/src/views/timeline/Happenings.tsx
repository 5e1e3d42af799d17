import { useEffect, useState } from "preact/hooks";
import { useApp } from "../../app/context";
import { markOf, type Item } from "../../state/timelineItems";
import type { TimelineData } from "../../state/timelineLoad";
import { sentenceOf } from "../../state/timelineWords";
import { timeline as words } from "../../strings/timeline";
import { frameLink, reviewLink } from "./Card";
import { AlertMark } from "./Marks";

const STEP = 40;
const MOST = 200;

/** Everything of the window in words, newest first: for a phone, and for whoever listens to the page. */
export function Happenings({ items, data, place }: { items: readonly Item[]; data: TimelineData; place: string }) {
  const { zone } = useApp();
  const [most, setMost] = useState(STEP);
  useEffect(() => setMost(STEP), [place]);
  const shown = items.slice(Math.max(0, items.length - most)).reverse();
  const visits = items.filter(({ kind }) => kind === "visit").length;
  const left = items.length - shown.length;
  return (
    <section class="tl-list" aria-labelledby="tl-list-heading">
      <h2 id="tl-list-heading">{words.list.heading}</h2>
      <p class="hint">{words.list.hint(visits, items.length - visits)}</p>
      <ol>
        {shown.map((item) => {
          const review = item.kind === "alert" ? reviewLink(item, data) : null;
          return (
            <li key={item.key} class={`tl-entry is-${item.kind}`}>
              {item.kind === "alert" ? (
                <AlertMark {...markOf({ key: "", kind: "alert", x: 0, width: 0, items: [item], fromMs: 0, toMs: 0 })} />
              ) : (
                <i class="tl-entry-dot" aria-hidden="true" />
              )}
              <span>
                <a class="tl-entry-words" {...frameLink(item)}>
                  {sentenceOf(item, zone)}
                </a>
                {review && (
                  <a class="link tl-entry-review" {...review}>
                    {words.card.review}
                  </a>
                )}
              </span>
            </li>
          );
        })}
      </ol>
      {left > 0 && most < MOST && (
        <button type="button" class="button" onClick={() => setMost(Math.min(MOST, most + STEP))}>
          {words.list.more(Math.min(left, STEP))}
        </button>
      )}
      {left > 0 && most >= MOST && <p class="hint">{words.list.rest(left)}</p>}
    </section>
  );
}
