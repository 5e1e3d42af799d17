import { linkTo, useApp, usePoll } from "../../app/context";
import { unansweredQuery, waitingAlerts } from "../../state/wall";
import { wallStrings } from "../../strings/wall";
import { WarnIcon } from "../../ui/icons";
import { shortTime } from "./words";

const POLL_MS = 5_000;
const { alerts: words } = wallStrings;

/** What waits for somebody to say that they have it. It always has its row, so that the wall does not move for it. */
export function AlertStrip({ fit }: { fit: number }) {
  const { client, zone, serverNow } = useApp();
  const { data } = usePoll("wall alerts", POLL_MS, (signal) => client.alerts(unansweredQuery(serverNow()), signal));
  const waiting = data && waitingAlerts(data.alerts, fit, data.next_cursor !== null);
  return (
    <section class="wall-alerts" aria-label={words.label}>
      {waiting && waiting.shown.length > 0 ? (
        <ul>
          {waiting.shown.map((alert) => (
            <li key={alert.alert_id}>
              <a
                class={`wall-alert is-${alert.severity}`}
                {...linkTo("review", { alert: alert.alert_id, camera: alert.camera_id, at: alert.captured_at })}
              >
                <WarnIcon />
                <span>
                  <strong>
                    {words.severity[alert.severity]}
                    {words.words(alert.label, alert.camera_name, shortTime(Date.parse(alert.captured_at), serverNow(), zone))}
                  </strong>
                  {" · "}
                  {words.nobody}
                </span>
              </a>
            </li>
          ))}
          {(waiting.more > 0 || waiting.cut) && (
            <li>
              <a class="wall-alert is-more" {...linkTo("review", { answered: "false" })}>
                {words.more(waiting.more, waiting.cut)}
              </a>
            </li>
          )}
        </ul>
      ) : (
        <p class="hint">{waiting ? words.none : words.asking}</p>
      )}
    </section>
  );
}
