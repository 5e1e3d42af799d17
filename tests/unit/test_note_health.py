"""What the image processor says of its shard: how far behind, and since when vision fails."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from framewatch.domain.errors import StorageUnavailable
from framewatch.domain.silence import ShardHealth
from framewatch.services.note_health import HealthNotes
from framewatch.services.ports import RawRecord
from tests.fakes import FakeClock
from tests.frames import NOON, make_frame, make_record
from tests.watch_fakes import FakeHealth

SHARD = "shardId-000000000001"
SEEN, FAILED, BEATS = {"FramesStored": 1}, {"VisionErrors": 2}, {"HeartbeatsStored": 1}


class Processor:
    """One process, whose batches arrived behind_s before they are done with."""

    def __init__(self, table: FakeHealth, clock: FakeClock):
        self.table, self.clock, self.notes = table, clock, HealthNotes(table, clock)

    def batch(self, counts: Mapping[str, int], after_s: float = 0, behind_s: float = 2.0) -> ShardHealth | None:
        self.clock.advance(after_s)
        arrived_at = self.clock.now() - timedelta(seconds=behind_s)
        self.notes.note([record(arrived_at - timedelta(seconds=50)), record(arrived_at)], counts)
        return self.table.stored.get(SHARD)


def record(arrived_at: datetime | None) -> RawRecord:
    return replace(make_record(make_frame()), arrived_at=arrived_at)


@pytest.fixture
def processor() -> Processor:
    return Processor(FakeHealth(), FakeClock())


def test_the_newest_record_of_a_batch_says_how_far_behind_its_shard_is(processor: Processor) -> None:
    assert processor.batch(SEEN, behind_s=7) == ShardHealth(SHARD, NOON, 7.0)


def test_it_is_written_every_30_s_at_most(processor: Processor) -> None:
    for _ in range(60):
        processor.batch(SEEN, after_s=1)
    assert processor.table.puts == 2
    processor.batch(SEEN, after_s=40)
    assert processor.table.puts == 3


def test_a_clock_that_was_set_back_does_not_silence_it(processor: Processor) -> None:
    processor.batch(SEEN)
    found = processor.batch(SEEN, after_s=-3600)
    assert found is not None and found.at == NOON - timedelta(hours=1)
    processor.batch(SEEN, after_s=1)
    assert processor.table.puts == 2


def test_that_vision_begins_or_stops_failing_is_written_at_once_and_the_beginning_stays(processor: Processor) -> None:
    processor.batch(SEEN)
    for counts, after_s, since_s, puts in [
        (FAILED, 5, 5, 2),
        (FAILED, 5, 5, 2),
        (FAILED, 40, 5, 3),
        (SEEN, 1, None, 4),
        (SEEN, 1, None, 4),
        (FAILED, 1, 53, 5),
    ]:
        found = processor.batch(counts, after_s=after_s)
        since = None if since_s is None else NOON + timedelta(seconds=since_s)
        assert found is not None
        assert (found.vision_failing_since, processor.table.puts) == (since, puts)


def test_while_some_frames_pass_vision_does_not_fail(processor: Processor) -> None:
    found = processor.batch(SEEN | FAILED)
    assert found is not None
    assert found.vision_failing_since is None


def test_frames_that_are_stored_unseen_do_not_say_that_vision_works(processor: Processor) -> None:
    processor.batch(FAILED)
    spared = {"FramesStored": 3, "FramesInherited": 1, "FramesScreened": 1, "FramesOverBudget": 1}
    for counts in (spared, spared | FAILED):
        found = processor.batch(counts, after_s=40)
        assert found is not None
        assert found.vision_failing_since == NOON


def test_another_process_of_the_same_shard_keeps_since_when_vision_fails(processor: Processor) -> None:
    processor.batch(FAILED)
    other = Processor(processor.table, processor.clock)
    found = other.batch(BEATS, after_s=10)  # says nothing of vision
    assert found == ShardHealth(SHARD, NOON + timedelta(seconds=10), 2.0, NOON)
    found = other.batch(FAILED, after_s=10)
    assert found is not None
    assert found.vision_failing_since == NOON


def test_a_clock_behind_the_streams_is_not_ahead_of_its_records(processor: Processor) -> None:
    found = processor.batch(SEEN, behind_s=-3)
    assert found is not None
    assert found.behind_s == 0


@pytest.mark.parametrize("error", [StorageUnavailable("down"), ZeroDivisionError("odd")])
def test_a_note_that_fails_fails_no_batch_and_comes_with_the_next(processor: Processor, error: Exception) -> None:
    processor.table.faults.on("health put", error)
    assert processor.batch(SEEN) is None
    assert processor.batch(SEEN, after_s=1) is not None


def test_records_without_an_arrival_say_nothing(processor: Processor) -> None:
    processor.notes.note([record(None)], SEEN)
    processor.notes.note([], SEEN)
    assert processor.table.stored == {}
