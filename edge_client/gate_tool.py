"""`framewatch-edge gate`: what the motion gate would send of a clip or a camera, and why. The way to tune it.

Every sampled frame becomes a tile of a contact sheet (`--sheet`) or a picture of a video (`--video`): in colour if it
would have been sent, grey if not, with its reason and what moved in boxes. Nothing is sent anywhere, and privacy
masks are blacked out here, too.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from edge_client.explain import explain_open_failure
from edge_client.gate_settings import GateDecision, GateSettings, WithheldReason
from edge_client.opening import decode_in_this_process
from edge_client.sampler import EveryNth, PerSecond, Sampling, make_sampler
from edge_client.source import Source, parse_source
from framewatch.domain.errors import PermanentError
from framewatch.domain.frames import GateReason
from framewatch.domain.geometry import PolygonRel, checked_polygon

if TYPE_CHECKING:
    from edge_client.jpeg import FrameBGR

_EPILOG = """\
examples:
  framewatch-edge gate clips/yard.mp4 --sheet yard.png
  framewatch-edge gate yard --config cameras.yaml --seconds 300 --sheet yard.png
  framewatch-edge gate clips/yard.mp4 --sensitivity 0.7 --ignore "0,0 0.4,0 0.4,0.2 0,0.2"
  framewatch-edge gate 'rtsp://viewer:${CAM_PW}@192.0.2.7/sub' --seconds 120 --video yard.avi

Points are x,y as shares of the picture, 0,0 at the top left.
"""
SHEET_SUFFIXES, VIDEO_SUFFIXES = (".png", ".jpg", ".jpeg"), (".avi", ".mp4")
_LIVE_SECONDS = 60.0
_SAMPLING = PerSecond(1.0)
_WHY: dict[GateReason | WithheldReason, str] = {
    GateReason.FIRST: "the first picture of its size",
    GateReason.KEEPALIVE: "nothing was sent for so long",
    GateReason.FORCED: "the gate is off",
    WithheldReason.NO_MOTION: "nothing large enough above the threshold",
    WithheldReason.LIGHT_CHANGE: "the light changed, nothing in it",
}


@dataclass(frozen=True, slots=True)
class GateSubject:
    """What is looked at, and with which settings: from the command line, or a camera of the edge file."""

    name: str
    source: Source
    settings: GateSettings
    masks: tuple[PolygonRel, ...] = ()
    sampling: Sampling = _SAMPLING


@dataclass(frozen=True, slots=True)
class _Look:
    at_s: float
    decision: GateDecision


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "gate",
        help="show what the motion gate would send of a clip or a camera, and why",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "subject", metavar="CAMERA|FILE", help="a clip, a folder or a URL; with --config, a camera of that file"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="the edge file that CAMERA stands in")
    parser.add_argument("--sheet", type=Path, metavar="PNG|JPG", help="write a contact sheet of every sampled frame")
    parser.add_argument("--video", type=Path, metavar="AVI|MP4", help="write a video of them, with boxes")
    rate = parser.add_mutually_exclusive_group()
    rate.add_argument("--fps", type=float, metavar="F", help="frames a second that are considered (default 1)")
    rate.add_argument("--every", type=int, metavar="N", help="consider every Nth frame instead")
    parser.add_argument("--seconds", type=float, metavar="S", help="end after S seconds (a live camera: 60)")
    parser.add_argument("--sensitivity", type=float, metavar="0..1", help="by day")
    parser.add_argument("--night-sensitivity", type=float, metavar="0..1", help="in the dark or under infrared")
    parser.add_argument("--min-area-share", type=float, metavar="SHARE", help="the smallest thing that counts")
    parser.add_argument("--keepalive-s", type=float, metavar="S", help="a frame at least this often")
    for option, what in (
        ("--zone", "only what touches a zone counts"),
        ("--ignore", "nothing in it counts"),
        ("--mask", "black it out"),
    ):
        parser.add_argument(
            option, action="append", type=_polygon, metavar='"X,Y X,Y X,Y"', help=f"{what}; repeatable"
        )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    try:
        return show_gate(args)
    except (ValueError, PermanentError) as error:
        parser.error(str(error))
    except BrokenPipeError:  # whoever read the table is gone, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1


def show_gate(args: argparse.Namespace) -> int:
    """Returns 0, or 1 where nothing could be read or written.

    Raises ValueError or PermanentError for arguments or an edge file that make no sense.
    """
    # OpenCV takes a third of a second to load, which the other commands need not wait for.
    from edge_client.gate_pictures import CannotWrite, Sheet, Video  # noqa: PLC0415
    from edge_client.opening import OpenFailed  # noqa: PLC0415

    subject = _subject(args)
    _check_path(args.sheet, SHEET_SUFFIXES)
    _check_path(args.video, VIDEO_SUFFIXES)
    decode_in_this_process()
    outputs: list[Sheet | Video] = []
    if args.sheet:
        outputs.append(Sheet(args.sheet))
    if args.video:
        outputs.append(Video(args.video))
    looks: list[_Look] = []
    try:
        for frame_bgr, look in _looks(subject, args.seconds):
            looks.append(look)
            for output in outputs:
                output.add(frame_bgr, look.decision, _caption(look))
        for output in outputs:
            output.close()
    except OpenFailed as error:
        print(explain_open_failure(subject.name, subject.source, error.why, error.detail, []), file=sys.stderr)
        return 1
    except CannotWrite as error:
        print(f"{error}.", file=sys.stderr)
        return 1
    print("\n".join(report_lines(subject.name, looks)))
    for output in outputs:
        print(f"written: {', '.join(map(str, output.written))}")
    return 0


def _check_path(path: Path | None, suffixes: Sequence[str]) -> None:
    if path is None:
        return
    if path.suffix.lower() not in suffixes:
        raise ValueError(f"{path}: its name has to end in {' or '.join(suffixes)}")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"{path}: there is no folder {path.absolute().parent}; make it first")


def _subject(args: argparse.Namespace) -> GateSubject:
    if args.config is not None:
        found = _camera_of(args.config, args.subject)
    else:
        source = parse_source(args.subject)
        found = GateSubject(source.redacted, source, GateSettings())
    asked: dict[str, Any] = {
        "sensitivity": args.sensitivity,
        "night_sensitivity": args.night_sensitivity,
        "min_area_share": args.min_area_share,
        "keepalive_s": args.keepalive_s,
        "zones": args.zone,
        "ignore": args.ignore,
    }
    given = {key: value for key, value in asked.items() if value is not None}
    try:
        settings = GateSettings.model_validate({**found.settings.model_dump(), **given})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"--{str(first['loc'][0]).replace('_', '-')}: {first['msg']}") from None
    sampling = found.sampling
    if args.fps is not None:
        sampling = PerSecond(args.fps)
    elif args.every is not None:
        sampling = EveryNth(args.every)
    return replace(found, settings=settings, sampling=sampling, masks=(*found.masks, *(args.mask or ())))


def _camera_of(path: Path, camera_id: str) -> GateSubject:
    """Raises EdgeFileError, SourceError, or ValueError where the file cannot be read or holds no such camera."""
    from edge_client.config import read_edge_text  # noqa: PLC0415 - reads no file for `gate FILE`

    try:
        config = read_edge_text(path.read_bytes(), str(path))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}; name an edge file that can be read") from None
    for section in config.cameras:
        if section.id == camera_id:
            camera = config.edge_camera(section)
            gate = camera.gate or GateSettings(enabled=False)
            return GateSubject(camera_id, parse_source(camera.source), gate, camera.privacy_masks, camera.sampling)
    known = ", ".join(section.id for section in config.cameras)
    raise ValueError(f"{path}: there is no camera {camera_id!r}; there are {known}")


def _polygon(text: str) -> PolygonRel:
    try:
        points = [(float(x), float(y)) for x, y in (point.split(",") for point in text.split())]
    except ValueError:
        raise argparse.ArgumentTypeError(f'{text!r} is not a polygon such as "0,0 0.5,0 0.5,1"') from None
    try:
        return checked_polygon(points)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _looks(subject: GateSubject, seconds: float | None) -> Iterator[tuple["FrameBGR", _Look]]:
    """Every sampled frame, masked, with the gate's decision. Raises OpenFailed."""
    from edge_client.gate import MotionGate  # noqa: PLC0415
    from edge_client.masks import PrivacyMasks  # noqa: PLC0415
    from edge_client.opening import OpenFailed  # noqa: PLC0415
    from edge_client.reader import open_reader  # noqa: PLC0415

    if seconds is None and subject.source.is_live:
        seconds = _LIVE_SECONDS
    reader = open_reader(subject.source)
    masks, sampler = PrivacyMasks(subject.masks), make_sampler(subject.sampling)
    gate = MotionGate(subject.settings, subject.masks)
    started_s, index, found = time.monotonic(), 0, False
    try:
        while reader.grab():
            at_s = time.monotonic() - started_s if subject.source.is_live else reader.media_time_s
            if seconds is not None and at_s > seconds:
                break
            if sampler.wants(index, at_s) and (frame_bgr := reader.retrieve()) is not None:
                found = True
                masks.apply(frame_bgr)
                yield frame_bgr, _Look(at_s, gate.consider(frame_bgr, at_s))
            index += 1
    finally:
        reader.close()
    if not found:
        raise OpenFailed("no_frames")


def report_lines(name: str, looks: Sequence[_Look]) -> list[str]:
    """A table of counts by reason, and what happened when."""
    sent = sum(look.decision.send for look in looks)
    frames = "1 frame" if len(looks) == 1 else f"{len(looks)} frames"
    lines = [f"{name}: {frames} considered, {sent} sent, {1 - sent / len(looks):.0%} saved", ""]
    for reason, count in Counter(look.decision.reason for look in looks).most_common():
        verdict = "sent" if isinstance(reason, GateReason) else "withheld"
        lines.append(f"  {verdict:8}  {reason:12}  {count:6}  {count / len(looks):6.1%}")
    repeats = sum(look.decision.repeats for look in looks)
    if repeats:
        lines.append(f"  {repeats} of those sent repeat an earlier one, whose labels they may have")
    nights = sum(look.decision.night for look in looks)
    if nights:
        lines.append(f"  {nights} of them by night sensitivity: dark, or without colour")
    lines += ["", f"  {'from':>7}  {'to':>7}  {'frames':>6}  {'what':12}  why"]
    for reason, group in groupby(looks, key=lambda look: look.decision.reason):
        run_of = list(group)
        first, last = _clock(run_of[0].at_s), _clock(run_of[-1].at_s)
        lines.append(f"  {first:>7}  {last:>7}  {len(run_of):6}  {reason:12}  {_why(reason, run_of)}")
    return [*lines, ""]


def _why(reason: GateReason | WithheldReason, looks: Sequence[_Look]) -> str:
    largest = max((_largest_share(look.decision) for look in looks), default=0.0)
    if reason is GateReason.MOTION:
        return f"something new; the largest box is {largest:.1%} of the picture"
    if reason is WithheldReason.DUPLICATE:
        return f"something is there ({largest:.1%}), as in the last frame sent"
    if reason in (GateReason.FIRST, GateReason.FORCED):
        return _WHY[reason]
    changed = max(look.decision.changed_share for look in looks)
    gains = [look.decision.gain for look in looks]
    light = f"; brightness x{min(gains):.2f}..x{max(gains):.2f}" if max(gains) - min(gains) > 0.01 else ""
    return f"{_WHY[reason]}; at most {changed:.1%} of the pixels changed{light}"


def _caption(look: _Look) -> str:
    night = " night" if look.decision.night else ""
    return f"{_clock(look.at_s)} {look.decision.reason} {look.decision.changed_share:.1%}{night}"


def _largest_share(decision: GateDecision) -> float:
    return max(((r - x) * (b - y) for x, y, r, b in decision.boxes_xyxy_rel), default=0.0)


def _clock(at_s: float) -> str:
    return f"{int(at_s // 60)}:{at_s % 60:04.1f}"
