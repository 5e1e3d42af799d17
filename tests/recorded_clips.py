"""What a real model saw in real clips (recorded by tests/events/record.py), put through the image processor."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from framewatch.adapters.aws.rekognition import RekognitionDetector
from framewatch.domain.site import SiteConfig
from framewatch.services.ports import RawRecord
from tests.batches import record, run
from tests.fakes import NOON, World

EVENTS = Path(__file__).resolve().parent / "events"
# By eye, in seconds: when somebody is in the room of one-by-one-person.mp4.
PRESENT_S = [(6.0, 20.0), (22.7, 45.0), (50.5, 70.0), (74.5, 86.8), (92.7, 120.0), (123.7, 136.3)]


class Answers:
    """Stands where boto3's client does."""

    def __init__(self, labels: list[Any]) -> None:
        self._labels = labels

    def detect_labels(self, *, MinConfidence: float, **_: Any) -> dict[str, Any]:
        return {"Labels": [label for label in self._labels if label["Confidence"] >= MinConfidence]}


def replayed(
    name: str,
    *,
    gap_s: float,
    min_confidence: float = 50.0,
    cool_down_s: float = 0.0,
    watch: tuple[str, ...] = ("Person",),
    rule: Mapping[str, object] | None = None,
    sent: Collection[int] | None = None,
) -> World:
    """The clip, one frame a second, as frames of one camera in batches of 20.

    rule: what a watch list cannot say; then it is a rule. sent: which of the frames; None: all.
    """
    told = {"labels": watch, "min_confidence": min_confidence, "notify": ["ana"], "cool_down_s": cool_down_s}
    site = SiteConfig.model_validate(
        {
            "cameras": [{"id": "front"}],
            "contacts": [{"id": "ana", "phone": "+34600123456"}],
            "visits": {"gap_s": gap_s},
            **({"watch": told} if rule is None else {"rules": [{"id": "exam", **told, **rule}]}),
        }
    )
    world = World(site)
    records = records_of(name, world, sent)
    for start in range(0, len(records), 20):
        assert run(world, *records[start : start + 20]).failed_record_ids == ()
    return world


def records_of(name: str, world: World, sent: Collection[int] | None = None) -> list[RawRecord]:
    """What the camera puts into the stream; the world's vision then answers as the model did."""
    site, records = world.config, []
    for seq, frame in enumerate(json.loads((EVENTS / f"{name}.json").read_text("utf-8"))["frames"]):
        if sent is not None and seq not in sent:
            continue
        detector = RekognitionDetector(Answers(frame["labels"]))  # type: ignore[arg-type]
        labels = detector.detect(b"", min_confidence=site.vision.min_confidence, max_labels=site.vision.max_labels)
        records.append(record(world, seq, *labels, at=frame["media_time_s"]))
    return records


def spans_s(world: World, label: str) -> list[tuple[float, float]]:
    return [
        ((visit.first_seen - NOON).total_seconds(), (visit.last_seen - NOON).total_seconds())
        for visit in world.visits.of("front", label)
    ]


def alerts_s(world: World) -> list[float]:
    """When the frames were captured that texts were sent for, in the clip."""
    told = [a for a in world.alerts.alerts.values() if a.deliveries]
    return sorted((a.captured_at - NOON).total_seconds() for a in told)
