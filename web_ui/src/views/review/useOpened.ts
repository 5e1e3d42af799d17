import { useCallback, useEffect, useState } from "preact/hooks";
import { ApiProblem, windowAround } from "../../api/client";
import type { Alert } from "../../api/types";
import { useApp, usePoll } from "../../app/context";
import type { OpenAlert } from "../../state/reviewAddress";
import { joinAlerts, type ReviewEntry } from "../../state/reviewEntries";
import { refusalWords } from "../../state/reviewWords";

const ALERT_POLL_MS = 5_000;

/** The alert that the address names: from the list at once, and by itself, so that it is there on no page of the list, too. */
export function useOpened(open: OpenAlert | null, entries: readonly ReviewEntry[]) {
  const { client, serverNow } = useApp();
  const [own, setOwn] = useState<Alert | null>(null);
  const learn = useCallback(
    (next: Alert) => setOwn((known) => (known?.alert_id === next.alert_id ? joinAlerts(known, next, serverNow()) : known)),
    [serverNow],
  );
  const poll = usePoll<{ alert: Alert | null } | null>(
    `review alert ${open?.alertId ?? ""}`,
    open ? ALERT_POLL_MS : 3_600_000,
    async (signal) => {
      if (!open) return null;
      const { alerts } = await client.alerts({ camera: open.cameraId, ...windowAround(open.at) }, signal);
      return { alert: alerts.find(({ alert_id }) => alert_id === open.alertId) ?? null };
    },
  );
  const listed = entries.find(({ id }) => id === open?.alertId);
  const inList = listed?.kind === "alert" ? listed.alert : null;
  const found = poll.data?.alert ?? null;
  useEffect(() => {
    for (const alert of [inList, found]) {
      if (alert) setOwn((known) => (known?.alert_id === alert.alert_id ? joinAlerts(known, alert, serverNow()) : alert));
    }
  }, [inList, found]);
  const alert = own?.alert_id === open?.alertId ? own : (inList ?? found);
  const refused = poll.problem instanceof ApiProblem && poll.problem.kind === "refused" ? refusalWords(poll.problem) : null;
  return { alert, gone: !alert && (refused !== null || (poll.data !== null && found === null)), why: refused, learn };
}
