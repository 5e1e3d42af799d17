import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { windowAround } from "../../api/client";
import type { Frame } from "../../api/types";
import { linkTo, navigate, useApp, useConnection, usePoll } from "../../app/context";
import { useKeys } from "../../app/keys";
import { fileNameOf, foundOf, momentOf, nearestOf, paramsOf, stripOf, type Found, type Moment } from "../../state/frameMoment";
import { searchOf } from "../../state/route";
import { WHOLE } from "../../state/zoom";
import { strings } from "../../strings";
import { frame as words } from "../../strings/frame";
import "../../styles/frame.css";
import { siteTimeAt } from "../../time/zone";
import { CopyButton } from "../../ui/CopyButton";
import { FrameFacts, FrameLabels } from "../../ui/FrameDetails";
import { FrameHeading } from "../../ui/FrameHeading";
import { DownloadIcon, PictureIcon } from "../../ui/icons";
import { Picture } from "../../ui/Picture";
import { Switch } from "../../ui/Switch";
import { ZoneOutlines } from "../../ui/ZoneOutlines";
import { styleOf, ZoomStage } from "../../ui/ZoomStage";
import type { ViewProps } from "../view";
import { BoxTags } from "./BoxTags";
import { Claims } from "./Claims";
import { Filmstrip } from "./Filmstrip";

/** A picture's address works for 15 minutes. */
const FRAME_EVERY_MS = 5 * 60_000;
const AROUND_EVERY_MS = 30_000;
const NEIGHBOURS = 8;
/** Around a frame on the timeline. */
const TIMELINE_MS = 10 * 60_000;
const REMEMBERED = 200;

/** One frame as large as the window, closer by up to four times its own size, and what came before and after. */
export function FrameView({ params }: ViewProps) {
  const { site } = useApp();
  const moment = useMemo(() => momentOf(params), [params]);
  if (!moment) return <Notice title={words.noAddress} text={words.noAddressText} camera={null} />;
  // Not asked for: the API would say no more than this.
  if (!site.cameras.some(({ camera_id }) => camera_id === moment.camera)) {
    return <Notice title={words.noCamera(moment.camera)} text={words.noCameraText} camera={null} />;
  }
  return <MomentView key={moment.camera} moment={moment} boxes={params.get("boxes") !== "off"} zones={params.get("zones") === "on"} />;
}

function MomentView({ moment, boxes, zones }: { moment: Moment; boxes: boolean; zones: boolean }) {
  const { client, zone } = useApp();
  const { epoch } = useConnection();
  const { camera, at, id } = moment;
  // What a neighbour's answer brought is shown at once; the question for the frame itself renews it.
  const known = useRef(new Map<string, Frame>());
  const asked = usePoll<Found>(`frame ${camera} ${at} ${id}`, FRAME_EVERY_MS, async (signal) =>
    foundOf((await client.frames({ camera, ...windowAround(at) }, signal)).frames, id),
  );
  const around = usePoll(`around ${camera} ${at}`, AROUND_EVERY_MS, (signal) => client.around(camera, at, NEIGHBOURS, signal));
  if (around.data) {
    for (const each of [...around.data.before, ...around.data.after]) known.current.set(each.frame_id, each);
    for (const old of known.current.keys()) if (known.current.size > REMEMBERED) known.current.delete(old);
  }
  const kept = id === null ? undefined : known.current.get(id);
  const found: Found | null = asked.data ?? (kept ? { kind: "found", frame: kept } : null);
  const frame = found?.kind === "found" ? found.frame : null;
  if (frame) known.current.set(frame.frame_id, frame);

  const options = { boxes, zones };
  // Until the neighbours of this one are known, those of the one before: quick fingers do not wait for answers.
  const row = useRef<Frame[]>([]);
  if (around.data) row.current = stripOf(around.data, frame);
  else if (frame && !row.current.some(({ frame_id }) => frame_id === frame.frame_id)) row.current = [frame];
  const strip = row.current;
  const place = strip.findIndex(({ frame_id }) => frame_id === frame?.frame_id);
  const neighbours = {
    earlier: (place >= 0 ? strip[place - 1] : around.data?.before[0]) ?? null,
    later: (place >= 0 ? strip[place + 1] : around.data?.after[0]) ?? null,
  };
  const go = (to: Frame) => navigate(searchOf("frame", paramsOf(to, options)), { replace: true });
  const near = id === null && found?.kind === "gone" && around.data ? nearestOf(around.data, at) : null;
  useEffect(() => {
    if (near) go(near);
  }, [near?.frame_id]);

  useKeys(words.label, [
    { press: "ArrowLeft", words: words.earlierKey, run: () => neighbours.earlier && go(neighbours.earlier), repeats: true },
    { press: "ArrowRight", words: words.laterKey, run: () => neighbours.later && go(neighbours.later), repeats: true },
  ]);

  const filmstrip = (
    <Filmstrip
      frames={strip}
      shown={frame?.frame_id ?? null}
      {...neighbours}
      isKnown={around.data !== null}
      zone={zone}
      epoch={epoch}
      linkOf={(each) => linkTo("frame", paramsOf(each, options))}
      onGo={go}
      onRenew={(each) => client.renew(each)}
    />
  );
  if (frame) {
    return (
      <FrameBody frame={frame} boxes={boxes} zones={zones} epoch={epoch}>
        {filmstrip}
      </FrameBody>
    );
  }
  const time = siteTimeAt(Date.parse(at), zone);
  const atWords = `${time.longDate}, ${time.time} ${time.zone}`;
  if (found?.kind === "other") {
    return (
      <Notice title={words.other} text={words.otherText(atWords)} camera={camera}>
        <a class="button button-main" {...linkTo("frame", paramsOf(found.frame, options))}>
          {words.openOther}
        </a>
      </Notice>
    );
  }
  // Without an id it is a time that was asked for: nothing says that there ever was a frame.
  if (found?.kind === "gone" && (id !== null || (around.data !== null && near === null))) {
    const [title, text] = id === null ? [words.none, words.noneText(atWords)] : [words.gone, words.goneText(atWords)];
    return (
      <Notice title={title} text={text} camera={camera} below={strip.length > 0 && filmstrip} at={at} />
    );
  }
  if (asked.problem?.kind === "refused") return <Notice title={words.refused} text={asked.problem.message} camera={camera} />;
  return (
    <main id="main" class="frame" tabIndex={-1} aria-label={words.label} aria-busy="true">
      <p class="view-loading hint">{words.loading}</p>
    </main>
  );
}

interface BodyProps {
  frame: Frame;
  boxes: boolean;
  zones: boolean;
  epoch: number;
  children: ComponentChildren;
}

function FrameBody({ frame, boxes, zones, epoch, children }: BodyProps) {
  const { client, site, zone, serverNow } = useApp();
  const [look, setLook] = useState(WHOLE);
  const [highlight, setHighlight] = useState<string | null>(null);
  useEffect(() => setHighlight(null), [frame.frame_id]);
  const camera = site.cameras.find(({ camera_id }) => camera_id === frame.camera_id);
  const capturedMs = Date.parse(frame.captured_at);
  const at = siteTimeAt(capturedMs, zone);
  const outlines = (camera?.zones ?? []).map(({ zone_id, points }) => ({ name: zone_id, points, kind: "zone" as const }));
  const change = (next: { boxes?: boolean; zones?: boolean }) =>
    navigate(searchOf("frame", paramsOf(frame, { boxes, zones, ...next })), { replace: true });
  const link = () => `${location.origin}/${searchOf("frame", paramsOf(frame, { boxes, zones }))}`;
  const size = { width: frame.width, height: frame.height };
  return (
    <main id="main" class="frame" tabIndex={-1} aria-label={words.label}>
      <header class="frame-head">
        <FrameHeading frame={frame} zone={zone} serverNow={serverNow} />
        <Switch words={words.boxes} isOn={boxes} onChange={(on) => change({ boxes: on })} />
        {outlines.length > 0 && <Switch words={words.zones} isOn={zones} onChange={(on) => change({ zones: on })} />}
      </header>
      <div class="frame-stage" style={{ "--ratio": String(frame.width > 0 && frame.height > 0 ? frame.width / frame.height : 16 / 9) }}>
        <ZoomStage picture={size} look={look} onLook={setLook}>
          {(layout, stage) => (
            <>
              <div class="zoom-picture" style={styleOf(layout)}>
                <Picture
                  key={frame.frame_id}
                  frame={frame}
                  alt={strings.card.alt(frame.camera_name, `${at.time} ${at.zone}`)}
                  eager
                  boxes={boxes ? "lines" : "none"}
                  highlight={highlight}
                  epoch={epoch}
                  onRenew={(each) => client.renew(each)}
                />
              </div>
              {zones && <ZoneOutlines outlines={outlines} layout={layout} stage={stage} />}
              {boxes && <BoxTags frame={frame} layout={layout} stage={stage} highlight={highlight} />}
            </>
          )}
        </ZoomStage>
        {children}
        <p class="hint frame-keys">{words.keys}</p>
      </div>
      <div class="frame-side">
        <div class="frame-actions">
          <Download frame={frame} zone={zone} />
          <CopyButton text={link} words={words.copyLink} done={words.linkCopied} fallback={words.linkField} />
        </div>
        <ul class="frame-links">
          <li>
            <a class="link" {...linkTo("timeline", aroundOnTimeline(frame.camera_id, capturedMs))}>
              {words.timeline}
            </a>
          </li>
          <li>
            <a class="link" {...linkTo("frames", { camera: frame.camera_id })}>
              {words.allFrames}
            </a>
          </li>
          <li>
            {outlines.length === 0 && <span class="hint">{words.noZones} </span>}
            <a class="link" {...linkTo("zones", { camera: frame.camera_id })}>
              {words.drawZones}
            </a>
          </li>
        </ul>
        <section aria-labelledby="labels-title">
          <h3 id="labels-title">{words.labels}</h3>
          <FrameLabels frame={frame} onHighlight={setHighlight} filterOf={(label) => linkTo("frames", { camera: frame.camera_id, label })} />
        </section>
        <Claims key={frame.frame_id} frame={frame} />
        <FrameFacts frame={frame} />
      </div>
    </main>
  );
}

function aroundOnTimeline(camera: string, atMs: number): Record<string, string> {
  return { camera, from: new Date(atMs - TIMELINE_MS).toISOString(), to: new Date(atMs + TIMELINE_MS).toISOString() };
}

/** A browser saves under a name only what comes from the page's own origin; the rest it opens. */
function Download({ frame, zone }: { frame: Frame; zone: string }) {
  const name = fileNameOf(frame, zone);
  const isOwn = new URL(frame.image_url, location.href).origin === location.origin;
  const where = isOwn ? {} : { target: "_blank" };
  return (
    <a
      class="button"
      href={frame.image_url}
      download={name}
      rel="noopener noreferrer"
      title={isOwn ? words.downloadTitle(name) : words.openPictureTitle(name)}
      {...where}
    >
      <DownloadIcon />
      {isOwn ? words.download : words.openPicture}
    </a>
  );
}

interface NoticeProps {
  title: string;
  text: string;
  camera: string | null;
  at?: string;
  children?: ComponentChildren;
  below?: ComponentChildren;
}

/** Why there is nothing to see, and where to go on. */
function Notice({ title, text, camera, at, children, below }: NoticeProps) {
  return (
    <main id="main" class="frame-nothing" tabIndex={-1} aria-label={words.label}>
      <div class="notice">
        <PictureIcon />
        <h2>{title}</h2>
        <p class="notice-text">{text}</p>
        <div class="notice-actions">
          {children}
          {camera !== null && at !== undefined && (
            <a class="button" {...linkTo("timeline", aroundOnTimeline(camera, Date.parse(at)))}>
              {words.timeline}
            </a>
          )}
          {camera !== null && (
            <a class="button" {...linkTo("frames", { camera })}>
              {words.allFrames}
            </a>
          )}
          <a class="button" {...linkTo("wall")}>
            {words.wall}
          </a>
        </div>
      </div>
      {below && (
        <>
          <p class="hint frame-around">{words.goneAround}</p>
          {below}
        </>
      )}
    </main>
  );
}
