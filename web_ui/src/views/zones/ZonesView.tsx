import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Camera, Frame } from "../../api/types";
import { navigate, useApp, useConnection, usePoll } from "../../app/context";
import { feetOf, LEAST_POINTS, nearestSide, type Point } from "../../state/polygon";
import { searchOf } from "../../state/route";
import { edited, startOf, suggestedPoint, warningsOf, type Change, type Edit } from "../../state/zoneEdit";
import type { Layer, Shape } from "../../state/zonesYaml";
import { zones as words } from "../../strings/zones";
import "../../styles/zones.css";
import { CloseIcon, PictureIcon, PlusIcon, RedoIcon, UndoIcon, WarnIcon } from "../../ui/icons";
import { ZoneOutlines, type Outline } from "../../ui/ZoneOutlines";
import { isTyping } from "../../ui/ZoomStage";
import type { ViewProps } from "../view";
import { Drawing } from "./Drawing";
import { Feet, ShapePoints, usePointFocus } from "./ShapeEditor";
import { YamlPanel } from "./YamlPanel";

/** The picture and the boxes stay while somebody draws; "Newest picture" asks again. */
const ASK_EVERY_MS = 3_600_000;
const FRAME_COUNTS = [20, 50, 100] as const;
const LABELS_REMEMBERED = 200;
/** Pressed closer to a side than this, a point goes into it. */
const NEAR_SIDE_PX = 9;

/** What is drawn of each camera, while the page is open: a look at another view loses nothing. */
const drafts = new Map<string, Edit>();

/** Zones and privacy masks, drawn on a camera's newest picture and copied as YAML. */
export function ZonesView({ params }: ViewProps) {
  const { site } = useApp();
  const asked = params.get("camera");
  const camera = asked === null ? site.cameras[0] : site.cameras.find(({ camera_id }) => camera_id === asked);
  if (site.cameras.length === 0) {
    return (
      <main id="main" tabIndex={-1} aria-label={words.label}>
        <div class="notice">
          <PictureIcon />
          <h2>{words.noCameras}</h2>
          <p>{words.noCamerasText}</p>
        </div>
      </main>
    );
  }
  const set = (change: Record<string, string | null>) =>
    navigate(searchOf("zones", { ...Object.fromEntries(params), ...change }), { replace: !("camera" in change) });
  return (
    <main id="main" class="zones" tabIndex={-1} aria-label={words.label}>
      <header class="zones-head">
        <h2>{words.heading}</h2>
        <label class="zones-field">
          {words.camera}
          <select value={camera?.camera_id ?? ""} onChange={(event) => set({ camera: event.currentTarget.value })}>
            {!camera && <option value="" />}
            {site.cameras.map(({ camera_id, name }) => (
              <option key={camera_id} value={camera_id}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <p class="hint">{words.intro}</p>
      </header>
      {camera ? (
        <Editor key={camera.camera_id} camera={camera} params={params} set={set} />
      ) : (
        <p class="zones-unknown">{words.unknownCamera(asked ?? "")}</p>
      )}
    </main>
  );
}

interface EditorProps {
  camera: Camera;
  params: URLSearchParams;
  set: (change: Record<string, string | null>) => void;
}

function Editor({ camera, params, set }: EditorProps) {
  const { client, site, zone } = useApp();
  const { epoch } = useConnection();
  const cameraId = camera.camera_id;
  const layer: Layer = params.get("draw") === "masks" ? "masks" : "zones";
  const label = params.get("label");
  const count = FRAME_COUNTS.find((each) => String(each) === params.get("frames")) ?? 100;

  const [edit, setEdit] = useState<Edit>(() => drafts.get(cameraId) ?? startOf(camera.zones));
  const change = (next: Change) =>
    setEdit((now) => {
      const after = edited(now, next);
      drafts.set(cameraId, after);
      return after;
    });
  const shapes = edit.now[layer];
  const [chosen, setChosen] = useState(0);
  const index = Math.min(chosen, shapes.length - 1);
  const shape = shapes[index];
  const [active, setActive] = useState<number | null>(null);
  const [focus, setFocus] = useState<{ point: number } | null>(null);
  usePointFocus(focus);
  const nameOf = (n: number, of: Layer = layer) => (of === "masks" ? words.maskName(n + 1) : edit.now.zones[n]?.id || words.unnamed(n + 1));
  const onActive = (point: number | null, moveFocus: boolean) => {
    setActive(point);
    if (moveFocus && point !== null) setFocus({ point });
  };
  const choose = (n: number) => {
    setChosen(n);
    setActive(null);
  };

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || isTyping(event.target)) return;
      const key = event.key.toLowerCase();
      const type = key === "y" || (key === "z" && event.shiftKey) ? "redo" : key === "z" ? "undo" : null;
      if (type === null) return;
      event.preventDefault();
      change({ type });
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [cameraId]);

  const newest = usePoll(`newest ${cameraId}`, ASK_EVERY_MS, (signal) => client.frames({ camera: cameraId, limit: 1 }, signal));
  const recent = usePoll(`recent ${cameraId} ${label} ${count}`, ASK_EVERY_MS, (signal) =>
    client.frames({ camera: cameraId, label, limit: count }, signal),
  );
  const labels = useLabels(site.watch_labels, label, recent.data?.frames);
  const picture = newest.data?.frames[0] ?? null;
  const isPolygon = shape !== undefined && shape.points.length >= LEAST_POINTS;
  const feet = useMemo(
    () => feetOf(recent.data?.frames ?? [], label, isPolygon ? shape.points : []),
    [recent.data, label, isPolygon, shape?.points],
  );

  const onTap = (at: Point, widthPx: number, heightPx: number) => {
    if (!shape) {
      change({ type: "add-shape", layer, points: [at] });
      choose(shapes.length);
      onActive(0, true);
      return;
    }
    const near = shape.points.length >= 2 ? nearestSide(shape.points, at, widthPx, heightPx) : null;
    const place = near && near.distancePx <= NEAR_SIDE_PX ? near.side + 1 : shape.points.length;
    change({ type: "add-point", layer, shape: index, point: at, at: place });
    onActive(place, true);
  };
  const addShape = () => {
    change({ type: "add-shape", layer });
    choose(shapes.length);
  };
  const addPoint = () => {
    if (!shape) return;
    const { point, at } = suggestedPoint(shape.points);
    change({ type: "add-point", layer, shape: index, point, at });
    onActive(at, true);
  };
  const removePoint = () => {
    if (!shape || active === null || !shape.points[active]) return;
    change({ type: "remove-point", layer, shape: index, at: active });
    setActive(shape.points.length > 1 ? Math.max(0, active - 1) : null);
  };

  const warnings = warningsOf(layer, shapes, {
    cameraId,
    before: camera.zones.map(({ zone_id }) => zone_id),
    rules: site.rules,
    others: new Map(
      site.cameras.filter((other) => other.camera_id !== cameraId).map((other) => [other.camera_id, other.zones.map(({ zone_id }) => zone_id)]),
    ),
  });
  const other: Layer = layer === "zones" ? "masks" : "zones";
  const outlines: Outline[] = [
    ...edit.now[other].map(({ points }, n): Outline => ({ name: nameOf(n, other), points, kind: "other" })),
    ...shapes.map(({ points }, n): Outline => ({ name: nameOf(n), points, kind: layer === "masks" ? "mask" : n === index ? "zone" : "other" })),
  ];
  return (
    <>
      <div class="zones-tools" role="group" aria-label={words.layer}>
        <div class="segments">
          {(["zones", "masks"] as const).map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={layer === each}
              onClick={() => {
                set({ draw: each === "masks" ? "masks" : null });
                choose(0);
              }}
            >
              {words.layers[each]}
            </button>
          ))}
        </div>
        <button type="button" class="button" aria-disabled={edit.past.length === 0} onClick={() => change({ type: "undo" })}>
          <UndoIcon />
          {words.undo}
        </button>
        <button type="button" class="button" aria-disabled={edit.future.length === 0} onClick={() => change({ type: "redo" })}>
          <RedoIcon />
          {words.redo}
        </button>
        <button
          type="button"
          class="button"
          title={words.refreshTitle}
          onClick={() => {
            newest.again();
            recent.again();
          }}
        >
          <PictureIcon />
          {words.refresh}
        </button>
      </div>
      <Drawing
        cameraName={camera.name}
        picture={picture}
        isAsked={newest.data !== null || newest.problem !== null}
        hasFailed={newest.data === null && newest.problem !== null}
        epoch={epoch}
        zone={zone}
        onRenew={(frame) => client.renew(frame)}
        onTap={onTap}
      >
        {(layout, stage) => (
          <>
            <ZoneOutlines outlines={outlines} layout={layout} stage={stage} />
            <Feet feet={feet} layout={layout} stage={stage} />
            {shape && (
              <ShapePoints
                key={`${layer} ${index}`}
                layer={layer}
                shape={shape}
                index={index}
                name={nameOf(index)}
                layout={layout}
                active={active}
                onActive={onActive}
                onChange={change}
              />
            )}
          </>
        )}
      </Drawing>
      <div class="zones-side">
        <section aria-labelledby="shapes-title">
          <h3 id="shapes-title">{words.shapes[layer]}</h3>
          <p class="hint">{words.aboutLayer[layer]}</p>
          {shapes.length === 0 && <p>{words.none[layer]}</p>}
          <ul class="zones-list">
            {shapes.map(({ points }, n) => (
              <li key={n} class={n === index ? "is-chosen" : ""}>
                <button type="button" class="zones-choose" aria-pressed={n === index} onClick={() => choose(n)}>
                  <span class="zones-name">{nameOf(n)}</span>
                  <span class="hint">{words.points(points.length)}</span>
                </button>
                <button
                  type="button"
                  class="button button-quiet"
                  aria-label={words.remove(nameOf(n))}
                  title={words.remove(nameOf(n))}
                  onClick={() => {
                    change({ type: "remove-shape", layer, shape: n });
                    choose(Math.max(0, n - 1));
                  }}
                >
                  <CloseIcon />
                </button>
              </li>
            ))}
          </ul>
          {shape && layer === "zones" && (
            <label class="zones-field zones-id">
              {words.id}
              <input
                value={shape.id}
                maxLength={80}
                autocomplete="off"
                spellcheck={false}
                onInput={(event) => change({ type: "rename", shape: index, id: event.currentTarget.value })}
              />
            </label>
          )}
          <div class="zones-buttons">
            <button type="button" class="button" onClick={addShape}>
              <PlusIcon />
              {words.add[layer]}
            </button>
            <button type="button" class="button" aria-disabled={!shape} onClick={addPoint}>
              {words.addPoint}
            </button>
            <button type="button" class="button" aria-disabled={active === null || !shape?.points[active]} onClick={removePoint}>
              {words.removePoint}
            </button>
          </div>
          <p class="hint" role="status">
            {active !== null && shape?.points[active] ? words.pointAt(active + 1, ...shape.points[active]) : ""}
          </p>
          <p class="hint">{words.help}</p>
        </section>
        <section aria-labelledby="boxes-title">
          <h3 id="boxes-title">{words.boxes}</h3>
          <div class="zones-buttons">
            <label class="zones-field">
              {words.boxesOf}
              <select value={label ?? ""} onChange={(event) => set({ label: event.currentTarget.value || null })}>
                <option value="">{words.anyLabel}</option>
                {labels.map((each) => (
                  <option key={each} value={each}>
                    {each}
                  </option>
                ))}
              </select>
            </label>
            <label class="zones-field">
              {words.frames}
              <select value={String(count)} onChange={(event) => set({ frames: event.currentTarget.value })}>
                {FRAME_COUNTS.map((each) => (
                  <option key={each} value={String(each)}>
                    {words.lastFrames(each)}
                  </option>
                ))}
              </select>
            </label>
          </div>
          <p class="zones-count" role="status">
            {recent.data === null
              ? recent.problem
                ? words.countingFailed
                : words.counting
              : feet.length === 0
                ? words.noBoxes
                : isPolygon
                  ? words.inside(feet.filter(({ inside }) => inside).length, feet.length)
                  : words.drawFirst}
          </p>
          {feet.length > 0 && <p class="hint">{words.legend}</p>}
        </section>
        <section aria-labelledby="warnings-title">
          <h3 id="warnings-title">{words.warnings}</h3>
          <div role="status">
            <ul class="zones-warnings">
              {warnings.length === 0 && <li>{words.allGood}</li>}
              {warnings.map((warning, n) => (
                <li key={n} class={warning.refused ? "is-bad" : "is-warn"}>
                  <WarnIcon />
                  <span>{words.warning(warning, (each) => nameOf(each))}</span>
                </li>
              ))}
            </ul>
          </div>
        </section>
        <YamlPanel
          layer={layer}
          cameraId={cameraId}
          shapes={shapes}
          refusals={warnings.filter(({ refused }) => refused).length}
          onUse={(next: Shape[]) => {
            change({ type: "replace", layer, shapes: next });
            choose(0);
          }}
        />
      </div>
    </>
  );
}

/** The site's words and what was seen lately, each once. */
function useLabels(watched: readonly string[], chosen: string | null, frames: readonly Frame[] | undefined): string[] {
  const seen = useRef(new Set<string>(watched));
  if (chosen !== null) seen.current.add(chosen);
  for (const frame of frames ?? []) {
    for (const { name, instances } of frame.labels) if (instances.length && seen.current.size < LABELS_REMEMBERED) seen.current.add(name);
  }
  return [...seen.current].sort((a, b) => a.localeCompare(b, "en"));
}
