import { useEffect, useState } from "preact/hooks";
import type { ApiClient } from "../api/client";
import { Deeds, type Deed } from "../state/reviewActions";
import { useApp } from "./context";

const boards = new WeakMap<ApiClient, Deeds>();

/** What was done about alerts since the page was opened, whichever view was shown. */
export function useDeeds(): { deeds: Deeds; all: readonly Deed[] } {
  const { client, serverNow } = useApp();
  let deeds = boards.get(client);
  if (!deeds) {
    deeds = new Deeds({
      answer: (alert, kind, minutes) => client.answer(alert, kind, minutes),
      note: (alert, text) => client.note(alert, text),
      serverNow,
    });
    boards.set(client, deeds);
  }
  const board = deeds;
  const [all, setAll] = useState(board.all);
  useEffect(() => {
    setAll(board.all);
    return board.subscribe(() => setAll(board.all));
  }, [board]);
  return { deeds: board, all };
}
