import type { CameraStatuses } from "../../api/types";
import { linkTo, may, navigate, useApp, usePoll } from "../../app/context";
import { useKeys } from "../../app/keys";
import { searchOf } from "../../state/route";
import { bannerLines } from "../../state/budget";
import { alertsThatFit, countMoods, gridFor, groupsOf, neighbour, pollEveryMs, wallAddress, withParams, type Mood } from "../../state/wall";
import { budgetWords } from "../../strings/budget";
import { wallStrings } from "../../strings/wall";
import "../../styles/wall.css";
import { ageWords } from "../../time/words";
import { SiteClock } from "../../ui/Header";
import { BigIcon, SmallIcon, WarnIcon } from "../../ui/icons";
import { useNarrow } from "../../ui/Navigation";
import { Switch } from "../../ui/Switch";
import { useTicking } from "../../ui/ticker";
import type { ViewProps } from "../view";
import { IN_SIGHT } from "./ahead";
import { AlertStrip } from "./AlertStrip";
import { Tile } from "./Tile";
import { useRoom } from "./useRoom";
import { useScreen } from "./useScreen";
import { shortTime } from "./words";

/** Of wall.css: what is below a picture, and between two tiles, as shares of the root's font size. */
const CAPTION_REM = 1.9;
const GAP_PX = 8;
const MOODS: readonly Mood[] = ["live", "stale", "offline", "never", "off"];

/** The newest picture of each camera, for a screen that nobody touches all day. */
export function WallView({ params }: ViewProps) {
  const { client, site, zone, serverNow } = useApp();
  const { group, boxes } = wallAddress(params);
  const { data } = usePoll("wall", pollEveryMs(site.cameras.length), (signal) => client.cameras(signal));
  const screen = useScreen(params);
  const narrow = useNarrow();
  const { room, ref } = useRoom();
  const change = (changes: Record<string, string | null>) => navigate(searchOf("wall", withParams(params, changes)));
  const setBoxes = (on: boolean) => change({ boxes: on ? null : "off" });

  useKeys(wallStrings.keys.heading, [
    { press: "b", words: wallStrings.keys.boxes, run: () => setBoxes(!boxes) },
    { press: "f", words: wallStrings.keys.screen, run: screen.toggle },
    ...(screen.full ? [{ press: "Escape", words: wallStrings.keys.leave, run: screen.leave }] : []),
    { press: "ArrowRight", words: wallStrings.keys.arrows },
    { press: "Enter", words: wallStrings.keys.open },
  ]);

  const cameras = data?.cameras.filter((camera) => group === null || camera.group === group) ?? [];
  const remPx = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const grid = narrow || !room ? { columns: 1, rowPx: null } : gridFor(cameras.length, room, CAPTION_REM * remPx, GAP_PX);
  const onArrow = (event: KeyboardEvent) => {
    const tiles = [...(ref.current?.querySelectorAll<HTMLElement>(".wall-tile") ?? [])];
    const index = tiles.findIndex((tile) => tile.contains(event.target as Node));
    const next = index < 0 ? null : neighbour(index, event.key, grid.columns, tiles.length);
    if (next === null) return;
    event.preventDefault();
    tiles[next]?.querySelector<HTMLElement>("a")?.focus();
  };

  return (
    <main id="main" class="wall" tabIndex={-1} aria-label={wallStrings.heading} aria-busy={!data}>
      <div class="wall-bar" role="group" aria-label={wallStrings.toolbar}>
        {screen.full && (
          <div>
            <h1 class="wall-site">{site.name}</h1>
            <SiteClock zone={zone} serverNow={serverNow} />
          </div>
        )}
        {data && <Summary cameras={cameras} serverNow={serverNow} />}
        <GroupSelect chosen={group} onChoose={(chosen) => change({ group: chosen })} />
        <Switch words={wallStrings.boxes} isOn={boxes} onChange={setBoxes} />
        <button type="button" class="button" aria-pressed={screen.full} onClick={screen.toggle}>
          {screen.full ? <SmallIcon /> : <BigIcon />}
          {screen.full ? wallStrings.leaveScreen : wallStrings.screen}
        </button>
      </div>
      {data && data.troubles.length > 0 && <Troubles troubles={data.troubles} zone={zone} serverNow={serverNow} />}
      {data && <BudgetBanner cameras={cameras} />}
      <AlertStrip fit={alertsThatFit((room?.widthPx ?? 0) / remPx, narrow)} />
      <div class="wall-room" ref={ref}>
        {!data && <p class="view-loading hint">{wallStrings.asking}</p>}
        {data && cameras.length === 0 && <Nothing group={group} />}
        <ul
          class={`wall-grid ${grid.rowPx === null ? "" : "is-fitted"}`}
          style={{ "--columns": String(grid.columns), "--row": grid.rowPx === null ? "auto" : `${grid.rowPx}px` }}
          onKeyDown={onArrow}
        >
          {cameras.map((camera, index) => (
            <Tile
              key={camera.camera_id}
              camera={camera}
              zone={zone}
              boxes={boxes}
              first={index < IN_SIGHT}
              serverNow={serverNow}
            />
          ))}
        </ul>
      </div>
    </main>
  );
}

function Summary({ cameras, serverNow }: Pick<CameraStatuses, "cameras"> & { serverNow: () => number }) {
  const words = useTicking(() => {
    const counts = countMoods(cameras, serverNow());
    const found = MOODS.filter((mood) => counts[mood] > 0);
    return found.map((mood) => wallStrings.count(counts[mood], wallStrings.moods[mood])).join(" · ");
  });
  return (
    <p class="wall-summary" role="status">
      <strong>{wallStrings.total(cameras.length)}</strong> {words}
    </p>
  );
}

function GroupSelect({ chosen, onChoose }: { chosen: string | null; onChoose: (group: string | null) => void }) {
  const { site } = useApp();
  const groups = groupsOf(site.cameras);
  if (groups.length === 0 && chosen === null) return null;
  return (
    <label class="wall-group">
      <span>{wallStrings.group}</span>
      <select value={chosen ?? ""} onChange={(event) => onChoose(event.currentTarget.value || null)}>
        <option value="">{wallStrings.allGroups(site.cameras.length)}</option>
        {groups.map(({ name, cameras }) => (
          <option key={name} value={name}>
            {wallStrings.oneGroup(name, cameras)}
          </option>
        ))}
        {chosen !== null && !groups.some(({ name }) => name === chosen) && <option value={chosen}>{chosen}</option>}
      </select>
    </label>
  );
}

/** What is given up, so that nobody takes a quiet wall for a quiet site. */
function BudgetBanner({ cameras }: Pick<CameraStatuses, "cameras">) {
  const { me, zone, serverNow } = useApp();
  const lines = JSON.parse(useTicking(() => JSON.stringify(bannerLines(cameras, serverNow(), zone)))) as string[];
  if (lines.length === 0) return null;
  return (
    <div class="wall-budget" role="status" aria-label={budgetWords.label}>
      <WarnIcon />
      <div>
        {lines.map((line) => (
          <p key={line}>{line}</p>
        ))}
      </div>
      {may(me, "operator") && (
        <a class="link" {...linkTo("costs")}>
          {budgetWords.more}
        </a>
      )}
    </div>
  );
}

function Troubles({ troubles, zone, serverNow }: Pick<CameraStatuses, "troubles"> & { zone: string; serverNow: () => number }) {
  return (
    <div role="alert">
      <ul class="wall-troubles">
        {troubles.map(({ kind, since }) => (
        <li key={`${kind} ${since}`}>
          <WarnIcon />
          <TroubleWords words={wallStrings.troubles[kind] ?? kind} sinceMs={Date.parse(since)} zone={zone} serverNow={serverNow} />
        </li>
      ))}
      </ul>
    </div>
  );
}

function TroubleWords({ words, sinceMs, zone, serverNow }: { words: string; sinceMs: number; zone: string; serverNow: () => number }) {
  const line = useTicking(() => {
    const nowMs = serverNow();
    return wallStrings.troubleSince(words, shortTime(sinceMs, nowMs, zone), ageWords(nowMs - sinceMs));
  });
  return <span>{line}</span>;
}

function Nothing({ group }: { group: string | null }) {
  return (
    <div class="notice">
      <p class="notice-text">{group === null ? wallStrings.noCameras : wallStrings.noSuchGroup(group)}</p>
      {group !== null && (
        <a class="button" {...linkTo("wall")}>
          {wallStrings.showAll}
        </a>
      )}
    </div>
  );
}
