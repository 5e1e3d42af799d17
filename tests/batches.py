"""Batches over in-memory fakes, as the tests of the use case make them."""

from dataclasses import replace

from framewatch.domain.labels import Label
from framewatch.services.ports import RawRecord
from framewatch.services.process_frames import BatchOutcome, process_batch
from tests.fakes import World
from tests.frames import PERSON, make_frame, make_record

ANA, BO = "+34600123456", "+34600654321"


def run(world: World, *records: RawRecord, remaining_s: float = 300.0) -> BatchOutcome:
    return process_batch(records, world.deps(), lambda: remaining_s)


def record(
    world: World, seq: int, *labels: Label, at: float | None = None, camera_id: str = "front", n: int | None = None
) -> RawRecord:
    """A frame in which vision will see these labels, a second after the one before unless told."""
    frame = make_frame(seq, at=float(seq) if at is None else at, camera_id=camera_id)
    world.vision.see(frame.jpeg, list(labels))
    return make_record(frame, n=n)


def failing_record(world: World, seq: int, error: Exception) -> RawRecord:
    frame = make_frame(seq, at=float(seq))
    world.vision.see(frame.jpeg, error)
    return make_record(frame)


def person(confidence: float) -> Label:
    return replace(PERSON, confidence=confidence)
