"""report.json: what became of every frame, checked against the table and the bucket, not against what was said."""

import base64
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from edge_client.client import EdgeReport
from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.visit_table import DynamoVisitTable
from framewatch.domain.alerts import Alert
from framewatch.domain.errors import EnvelopeError
from framewatch.domain.labels import fold
from framewatch.domain.site import SiteConfig
from framewatch.domain.visits import Visit
from framewatch.wire.envelope import decode_envelope, format_utc
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.items import day_of, frame_sort_key, index_key, index_name
from local_cloud.clients import ClientFactory
from local_cloud.journal import FrameTrace, Journal, SeenSms, SendState
from local_cloud.problem import LocalProblem

_GIVEN_UP_PREFIX = "aws/lambda/"  # Lambda's own, for batches whose retries are used up
_LOOK_S = 20  # how long a message that was looked at stays out of sight; longer than looking at all takes


@dataclass(frozen=True, slots=True)
class Places:
    """Where the deployed stack keeps things."""

    table: str
    bucket: str
    failure_queue_url: str


@dataclass(slots=True)
class Found:
    """What is really there, read back through the AWS APIs."""

    stored: dict[str, StoredFrame] = field(default_factory=dict)
    kept_raw: dict[str, str] = field(default_factory=dict)  # frame id -> object key
    kept_unnamed: list[str] = field(default_factory=list)  # object keys of records that name no frame
    reasons: dict[str, str] = field(default_factory=dict)  # by object key, as the failure queue says
    alerts: list[Alert] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)


def read_back(client: ClientFactory, places: Places, frames: Sequence[FrameTrace]) -> Found:
    found = Found()
    objects = set(_list_keys(client("s3"), places.bucket, "frames/"))
    table = DynamoTable(client("dynamodb"), places.table)
    for stored in _stored_frames(table, frames):
        # Half of a frame is no frame: the item without its picture shows an empty box.
        if stored.image_key in objects:
            found.stored[stored.frame_id] = stored
    _read_kept(client("s3"), places.bucket, found)
    if found.kept_raw or found.kept_unnamed:
        found.reasons = dict(_read_pointers(client("sqs"), places.failure_queue_url))
    alerts, visits = DynamoAlertTable(table), DynamoVisitTable(table)
    for camera_id, day in sorted({(f.camera_id, day_of(f.captured_at)) for f in frames}):
        found.alerts += [alert for _, alert in alerts.newest_first(camera_id, day)]
        found.visits += [visit for _, visit in visits.newest_first(camera_id, day)]
    return found


def build_report(
    journal: Journal,
    edge: EdgeReport,
    found: Found,
    site: SiteConfig,
    *,
    vision: dict[str, Any],
    errors: Sequence[str],
) -> dict[str, Any]:
    """errors: sentences of the run itself; those of cameras and lost frames are added here."""
    frames = journal.snapshot()
    by_id = {f.frame_id: f for f in frames}
    lost = [f for f in frames if f.frame_id not in found.stored and f.frame_id not in found.kept_raw]
    media = _MediaTimes(frames)
    texts = _texts(journal.seen_texts(), found.alerts)
    return {
        "frames": {
            "read": sum(c.read for c in edge.cameras.values()),
            "sampled": len(frames),
            "gated": sum(c.gated for c in edge.cameras.values()),
            "sent": sum(c.sent for c in edge.cameras.values()),
            "processed": sum(1 for f in frames if journal.deliveries[f.frame_id] > 0),
            "stored": sum(1 for f in frames if f.frame_id in found.stored),
            "kept_raw": sum(1 for f in frames if f.frame_id in found.kept_raw),
            "dropped": sum(c.dropped for c in edge.cameras.values()),
            "lost": len(lost),
            "duplicates": sum(n - 1 for n in journal.deliveries.values() if n > 1),
        },
        "cameras": [
            {
                "camera": camera_id,
                "read": c.read,
                "sampled": c.sampled,
                "stored": sum(1 for f in frames if f.camera_id == camera_id and f.frame_id in found.stored),
                "failed": camera_id in journal.failed_cameras,
            }
            for camera_id, c in sorted(edge.cameras.items())
        ],
        "labels": _labels(found.stored.values()),
        "visits": [
            {
                "camera": v.camera_id,
                "label": _as_watched(site, v.label),
                "first_seen_s": media.of(v.camera_id, v.first_seen),
                "last_seen_s": media.of(v.camera_id, v.last_seen),
                "first_seen_at": format_utc(v.first_seen),
                "last_seen_at": format_utc(v.last_seen),
                "frames": v.frame_count,
                "best_confidence": v.best.confidence,
                "best_frame_id": v.best.frame_id,
            }
            for v in sorted(found.visits, key=lambda v: (v.camera_id, v.first_seen, v.label))
        ],
        "alerts": [
            {
                "camera": a.camera_id,
                "label": _as_watched(site, a.label),
                "confidence": a.confidence,
                "captured_at": format_utc(a.captured_at),
                "media_time_s": media.of(a.camera_id, a.captured_at),
                "frame_id": a.frame_id,
            }
            for a in sorted(found.alerts, key=lambda a: (a.captured_at, a.alert_id))
        ],
        "sms": [{"number": t.number, "text": t.text, "sent_at": format_utc(t.sent_at)} for t in texts],
        "latency_ms": {
            "capture_to_stored": _percentiles(
                [_ms(s.stored_at - by_id[i].read_at) for i, s in found.stored.items() if i in by_id]
            ),
            "capture_to_sms": _percentiles(
                [_ms(t.sent_at - by_id[t.frame_id].read_at) for t in texts if t.frame_id in by_id]
            ),
        },
        "vision_ms": {k: (vision.get("vision_ms") or {}).get(k) for k in ("p50", "p95", "count")},
        "errors": [*errors, *_sentences(journal, edge, found, lost)],
    }


@dataclass(frozen=True, slots=True)
class _Text:
    number: str
    text: str
    sent_at: datetime
    frame_id: str | None


def _texts(seen: Sequence[SeenSms], alerts: Sequence[Alert]) -> list[_Text]:
    """The emulator keeps no time of sending; the alert that the text is of does."""
    sent = {d.message_id: (d.at, a.frame_id) for a in alerts for d in a.deliveries.values() if d.message_id}
    texts = []
    for s in seen:
        at, frame_id = sent.get(s.sms.message_id, (s.noticed_at, None))
        texts.append(_Text(s.sms.number, s.sms.text, at, frame_id))
    return sorted(texts, key=lambda t: t.sent_at)


def _sentences(journal: Journal, edge: EdgeReport, found: Found, lost: Sequence[FrameTrace]) -> list[str]:
    sentences = list(dict.fromkeys([*edge.errors, *journal.failed_cameras.values()]))
    states = Counter(f.state for f in lost)
    why = {
        SendState.SENT: "were sent, and are neither stored nor kept as failed",
        SendState.WAITING: "were never sent",
        SendState.FAILED: "did not get into the stream",
        SendState.DROPPED: "were dropped, because the camera was faster than the stream",
    }
    sentences += [f"{n} of {len(journal.frames)} sampled frames {why[state]}." for state, n in sorted(states.items())]
    return sentences + _kept_sentences(found)


def _kept_sentences(found: Found) -> list[str]:
    """One for each camera and reason: a camera whose every picture is refused would bury all else."""
    alike: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for frame_id, key in found.kept_raw.items():
        alike[f"of {frame_id.partition('.')[0]}", _reason(found, key)].append((frame_id, key))
    for key in found.kept_unnamed:
        alike["like it", _reason(found, key)].append(("A record that is no frame", key))
    sentences = []
    for (which, reason), [(name, key), *others] in alike.items():
        rest = f" The same holds for {len(others)} more {which}." if others else ""
        sentences.append(f"{name} could not be processed ({reason}); the raw record is {key}.{rest}")
    return sentences


def _reason(found: Found, key: str) -> str:
    given_up = key.startswith(_GIVEN_UP_PREFIX)
    return found.reasons.get(key) or ("given up after its retries" if given_up else "the failure queue says why")


class _MediaTimes:
    """Capture time to the position in the clip, through the frames that were sampled."""

    def __init__(self, frames: Iterable[FrameTrace]) -> None:
        self._exact: dict[tuple[str, datetime], float] = {}
        self._first: dict[str, tuple[datetime, float]] = {}
        for f in frames:
            self._exact[f.camera_id, f.captured_at] = f.media_time_s
            self._first.setdefault(f.camera_id, (f.captured_at, f.media_time_s))

    def of(self, camera_id: str, at: datetime) -> float | None:
        if (exact := self._exact.get((camera_id, at))) is not None:
            return round(exact, 3)
        if camera_id not in self._first:
            return None
        first_at, first_media = self._first[camera_id]
        return round(first_media + (at - first_at).total_seconds(), 3)


def _as_watched(site: SiteConfig, folded: str) -> str:
    """The label as the rules spell it; the table knows it folded."""
    return next((w for w in site.watch_words if fold(w) == fold(folded)), folded)


def _labels(stored: Iterable[StoredFrame]) -> list[dict[str, Any]]:
    seen: dict[str, list[float]] = defaultdict(list)
    for frame in stored:
        for label in frame.labels:
            seen[label.name].append(label.confidence)
    rows = [{"name": n, "count": len(c), "best_confidence": max(c)} for n, c in seen.items()]
    return sorted(rows, key=lambda row: (-row["count"], row["name"]))


def _ms(span: timedelta) -> float:
    return span.total_seconds() * 1000


def _percentiles(values: list[float]) -> dict[str, float | int | None]:
    """By nearest rank; None where nothing was measured."""
    ordered = sorted(values)

    def at(share: float) -> float | None:
        return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 1) if ordered else None

    return {"count": len(ordered), "p50": at(0.50), "p95": at(0.95)}


def _stored_frames(table: DynamoTable, frames: Sequence[FrameTrace]) -> Iterable[StoredFrame]:
    keys = (
        (index_key(index_name(f.camera_id), day_of(f.captured_at)), frame_sort_key(f.captured_at, f.frame_id))
        for f in frames
    )
    return (StoredFrame.read(item["doc"]["S"]) for item in table.batch_get(keys))


def _list_keys(s3: Any, bucket: str, prefix: str) -> Iterable[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            yield entry["Key"]


def _read_kept(s3: Any, bucket: str, found: Found) -> None:
    """Records kept raw by the image processor, and batches that the event source gave up with their records."""
    for key in _list_keys(s3, bucket, "failed/"):
        _note_kept(found, key, s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    for key in _list_keys(s3, bucket, _GIVEN_UP_PREFIX):
        batch = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        for record in json.loads(batch["payload"])["Records"]:
            _note_kept(found, key, base64.b64decode(record["kinesis"]["data"]))


def _read_pointers(sqs: Any, queue_url: str) -> Iterable[tuple[str, str]]:
    """(object key, reason) of every record in the failure queue. The messages stay in it."""
    while messages := sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, VisibilityTimeout=_LOOK_S).get(
        "Messages"
    ):
        for message in messages:
            pointer = json.loads(message["Body"])
            yield pointer["key"], pointer["reason"]


def _note_kept(found: Found, key: str, data: bytes) -> None:
    try:
        found.kept_raw[decode_envelope(data).meta.frame_id] = key
    except EnvelopeError:
        found.kept_unnamed.append(key)


def write_json(path: Path, body: Any) -> None:
    """Whole or not at all. Raises LocalProblem."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise LocalProblem(f"The report cannot be written to {path}: {error.strerror}.") from None
