"""The main job's logic on what a real model saw in real clips (recorded by tests/events/record.py)."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from framewatch.adapters.aws.rekognition import RekognitionDetector
from framewatch.domain.site import SiteConfig
from tests.batches import record, run
from tests.fakes import NOON, World

EVENTS = Path(__file__).resolve().parent.parent / "events"
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
    watch: tuple[str, ...] = ("Person",),
    sent: Collection[int] | None = None,
) -> World:
    """The clip, one frame a second, as frames of one camera in batches of 20. sent: which of them; None: all."""
    site = SiteConfig.model_validate(
        {
            "cameras": [{"id": "front"}],
            "contacts": [{"id": "ana", "phone": "+34600123456"}],
            "watch": {"labels": watch, "min_confidence": min_confidence, "notify": ["ana"], "cool_down_s": 0},
            "visits": {"gap_s": gap_s},
        }
    )
    world = World(site)
    records = []
    for seq, frame in enumerate(json.loads((EVENTS / f"{name}.json").read_text("utf-8"))["frames"]):
        if sent is not None and seq not in sent:
            continue
        detector = RekognitionDetector(Answers(frame["labels"]))  # type: ignore[arg-type]
        labels = detector.detect(b"", min_confidence=site.vision.min_confidence, max_labels=site.vision.max_labels)
        records.append(record(world, seq, *labels, at=frame["media_time_s"]))
    for start in range(0, len(records), 20):
        assert run(world, *records[start : start + 20]).failed_record_ids == ()
    return world


def spans_s(world: World, label: str) -> list[tuple[float, float]]:
    return [
        ((visit.first_seen - NOON).total_seconds(), (visit.last_seen - NOON).total_seconds())
        for visit in world.visits.of("front", label)
    ]


def test_six_people_one_after_the_other_are_six_visits_and_six_texts() -> None:
    world = replayed("one-by-one-yolox", gap_s=2)
    spans = spans_s(world, "Person")
    assert [(pytest.approx(start, abs=2), pytest.approx(end, abs=2)) for start, end in PRESENT_S] == spans
    assert len(world.texts.sent) == 6


def test_with_a_long_gap_the_same_people_are_one_visit_and_one_text() -> None:
    world = replayed("one-by-one-yolox", gap_s=30)
    assert len(spans_s(world, "Person")) == 1
    assert len(world.texts.sent) == 1


def test_the_default_model_finds_every_one_of_the_six_and_nobody_in_the_empty_room() -> None:
    spans = spans_s(replayed("one-by-one-ssd", gap_s=2), "Person")
    for start, end in PRESENT_S:
        assert any(first <= end and last >= start for first, last in spans), f"nobody seen in {start}..{end} s"
    for first, last in spans:
        assert any(start - 1 <= first and last <= end + 1 for start, end in PRESENT_S), f"in vain: {first}..{last}"


def test_a_cyclist_is_one_visit_of_each_watched_word_that_means_her() -> None:
    world = replayed("bikes-ssd", gap_s=30, watch=("Human", "Bicycle", "Vehicle"))
    assert {label: len(spans_s(world, label)) for label in ("Human", "Bicycle", "Vehicle")} == {
        "Human": 1,
        "Bicycle": 1,
        "Vehicle": 1,
    }
    # One cyclist is one incident, whatever words she is.
    assert len(world.texts.sent) == 1


def test_a_watch_list_that_the_clip_never_meets_texts_nobody() -> None:
    world = replayed("bikes-ssd", gap_s=30, watch=("Elephant",))
    assert world.visits.visits == {}
    assert world.texts.sent == []
