"""A batch of records, each seen through to the end, over in-memory fakes."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from framewatch.domain.errors import (
    ImageRejected,
    SiteFileError,
    StorageUnavailable,
    VisionDenied,
    VisionThrottled,
    VisionUnavailable,
)
from framewatch.domain.labels import Label
from framewatch.services.process_frames import process_batch
from framewatch.wire.envelope import encode_envelope
from framewatch.wire.items import image_key
from tests.batches import failing_record, person, record, run
from tests.fakes import Crash, World, make_site
from tests.frames import CAR, NOON, PERSON, make_frame, make_record

# -- what is stored ------------------------------------------------------------------------------------------------


def test_a_frame_is_stored_with_its_picture_labels_and_watch_hit() -> None:
    world = World()
    frame = make_frame(3)
    world.vision.see(frame.jpeg, [PERSON, Label("Door", 70)])
    assert run(world, make_record(frame)).failed_record_ids == ()
    stored = world.frames.stored[frame.meta.frame_id]
    assert world.images.objects == {image_key(frame.meta): frame.jpeg}
    assert stored.image_key == image_key(frame.meta)
    assert [(label.name, label.watch_hit) for label in stored.labels] == [("Person", True), ("Door", False)]
    assert stored.watch_hit


def test_a_watched_label_below_the_watchs_confidence_is_no_hit() -> None:
    world = World()
    run(world, record(world, 0, person(79.9)))
    assert not next(iter(world.frames.stored.values())).watch_hit


def test_old_footage_that_is_replayed_lives_as_long_as_new() -> None:
    world = World()
    frame = make_frame(0, at=NOON - timedelta(days=400))
    run(world, make_record(frame))
    assert world.frames.expiry[frame.meta.frame_id] == world.clock.now() + timedelta(days=90)


def test_a_duplicate_in_the_batch_is_done_once_and_shares_the_outcome() -> None:
    world = World()
    good, bad = record(world, 0, PERSON), failing_record(world, 1, VisionThrottled("slow down"))
    again = [replace(good, record_id="8"), replace(bad, record_id="9")]
    outcome = run(world, good, bad, *again)
    assert outcome.failed_record_ids == (bad.record_id, "9")
    assert len(world.vision.calls) == 2
    assert world.visits.of("front", "Person")[0].frame_count == 1


def test_a_stored_frame_is_not_analysed_again_and_its_stored_labels_count() -> None:
    world = World()
    world.faults.on("visits near", StorageUnavailable("down"))
    r = record(world, 0, PERSON)
    assert run(world, r).failed_record_ids == (r.record_id,)
    world.vision.answers.clear()  # analysed anew it would be empty
    assert run(world, r).failed_record_ids == ()
    assert len(world.vision.calls) == 1
    assert [v.frame_count for v in world.visits.of("front", "Person")] == [1]


def test_of_two_deliveries_that_race_the_first_ones_labels_count() -> None:
    world = World(make_site(watch={"labels": ["Person", "Car"], "min_confidence": 80}))
    run(world, record(world, 0, PERSON))
    frame = make_frame(0)
    world.vision.see(frame.jpeg, [CAR])
    stored, world.frames.stored = world.frames.stored, {}  # not yet seen by the batch's first read
    original = world.frames.put

    def put_late(*args: object) -> bool:
        world.frames.stored = stored
        return original(*args)  # type: ignore[arg-type]

    world.frames.put = put_late  # type: ignore[method-assign,assignment]
    outcome = run(world, make_record(frame))
    assert outcome.failed_record_ids == ()
    assert outcome.counts["FramesDuplicate"] == 1
    assert [(v.label, v.frame_count) for v in world.visits.visits.values()] == [("Person", 1)]


# -- one bad record costs one record ---------------------------------------------------------------------------------


def damaged(how: str) -> bytes:
    whole = encode_envelope(make_frame(1))
    return {
        "truncated": whole[:-5],
        "cut in the prefix": whole[:5],
        "cut in the header": whole[:40],
        "version": b"FWF2" + whole[4:],
        "not ours": b"\x80\x04\x95" + whole,
        "crc": whole[:-4] + bytes([whole[-4] ^ 1]) + whole[-3:],
        "header length": whole[:4] + b"\x7f\xff\xff\xff" + whole[8:],
        "not a jpeg": encode_envelope(replace(make_frame(1), jpeg=b"\x89PNG....")),
        "empty": b"",
    }[how]


@pytest.mark.parametrize(
    "how",
    [
        "truncated",
        "cut in the prefix",
        "cut in the header",
        "version",
        "not ours",
        "crc",
        "header length",
        "not a jpeg",
        "empty",
    ],
)
def test_a_damaged_record_is_kept_raw_and_costs_itself_alone(how: str) -> None:
    world = World()
    bad = make_record(damaged(how), n=1)
    outcome = run(world, record(world, 0, PERSON), bad, record(world, 2, PERSON))
    assert outcome.failed_record_ids == ()
    assert outcome.counts["RecordsRejected"] == 1
    ((kept, reason, name),) = world.failures.kept.values()
    assert (kept.data, name) == (bad.data, "EnvelopeError")
    assert reason
    assert len(world.frames.stored) == 2
    assert len(world.texts.sent) == 1


def test_an_unknown_camera_and_a_foreign_partition_key_are_kept_raw() -> None:
    world = World()
    stranger = record(world, 0, PERSON, camera_id="attic")
    foreign = replace(record(world, 1, PERSON), partition_key="yard")
    assert run(world, stranger, foreign).failed_record_ids == ()
    names = {record_id: name for record_id, (name, _) in world.failures.reasons.items()}
    assert names == {stranger.record_id: "UnknownCamera", foreign.record_id: "UnknownCamera"}
    assert "no camera 'attic'" in world.failures.reasons[stranger.record_id][1]
    assert world.vision.calls == []


def test_a_picture_that_vision_refuses_is_kept_raw_with_every_record_of_it() -> None:
    world = World()
    bad = failing_record(world, 0, ImageRejected("under 80 pixels"))
    outcome = run(world, bad, replace(bad, record_id="9"), record(world, 1, PERSON))
    assert outcome.failed_record_ids == ()
    assert set(world.failures.reasons.values()) == {("ImageRejected", "under 80 pixels")}
    assert len(world.failures.kept) == 2
    assert len(world.frames.stored) == 1


def test_a_bad_record_that_cannot_be_kept_is_delivered_again() -> None:
    world = World()
    bad = make_record(b"junk", n=5)
    world.faults.on("keep", StorageUnavailable("S3 is down"))
    assert run(world, bad, record(world, 6, PERSON)).failed_record_ids == (bad.record_id,)
    assert run(world, bad).failed_record_ids == ()
    assert len(world.failures.kept) == 1


@pytest.mark.parametrize("error", [VisionThrottled("x"), VisionUnavailable("x"), VisionDenied("x")])
def test_a_vision_error_sends_that_frame_alone_round_again(error: Exception) -> None:
    world = World()
    bad = failing_record(world, 1, error)
    outcome = run(world, record(world, 0, PERSON), bad, record(world, 2, PERSON))
    assert outcome.failed_record_ids == (bad.record_id,)
    assert (outcome.counts["VisionErrors"], outcome.counts[type(error).__name__]) == (1, 1)
    assert world.failures.kept == {}
    assert len(world.frames.stored) == 2


@pytest.mark.parametrize("step", ["image put", "frame put"])
def test_a_store_that_fails_sends_that_frame_alone_round_again(step: str) -> None:
    world = World(workers=1)
    world.faults.on(step, StorageUnavailable("down"))
    first, second = record(world, 0, PERSON), record(world, 1, PERSON)
    assert run(world, first, second).failed_record_ids == (first.record_id,)
    assert run(world, first, second).failed_record_ids == ()
    assert [v.frame_count for v in world.visits.of("front", "Person")] == [2]


def test_a_mistake_of_ours_costs_one_record_and_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    bad = failing_record(world, 0, KeyError("a bug"))
    outcome = run(world, bad, record(world, 1, PERSON))
    assert outcome.failed_record_ids == (bad.record_id,)
    assert outcome.counts["UnexpectedErrors"] == 1
    assert "a bug" in caplog.text


def test_a_process_that_is_told_to_die_dies() -> None:
    world = World()
    world.faults.on("image put", Crash("told to"))
    with pytest.raises(Crash):
        run(world, record(world, 0, PERSON))


def test_when_it_cannot_be_known_what_is_stored_nothing_is_analysed() -> None:
    world = World()
    world.faults.on("frames get", StorageUnavailable("down"))
    records = [record(world, n, PERSON) for n in range(3)]
    assert run(world, *records).failed_record_ids == tuple(r.record_id for r in records)
    assert world.vision.calls == []


def test_without_a_site_file_every_record_waits_and_none_is_judged() -> None:
    world = World()
    world.site.error = SiteFileError("there never was one")
    junk = make_record(b"junk", n=1)
    outcome = run(world, record(world, 0, PERSON), junk)
    assert len(outcome.failed_record_ids) == 2
    assert world.failures.kept == {}
    assert world.meter.counts["SiteUnavailable"] == 1


def test_an_empty_batch_is_nothing() -> None:
    assert run(World()).failed_record_ids == ()


# -- side by side, within bounds -------------------------------------------------------------------------------------


def test_detections_overlap_up_to_the_number_of_workers() -> None:
    world = World(workers=4)
    together = threading.Barrier(4)
    at_once, most = [0], [0]
    lock = threading.Lock()
    detect = world.vision.detect

    def watched(jpeg: bytes, **limits: object) -> list[Label]:
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        together.wait(timeout=30)  # passes only when four are here
        with lock:
            at_once[0] -= 1
        return detect(jpeg, **limits)  # type: ignore[arg-type]

    world.vision.detect = watched  # type: ignore[method-assign,assignment]
    assert run(world, *[record(world, n) for n in range(12)]).failed_record_ids == ()
    assert most == [4]


def test_a_slow_vision_leaves_the_rest_for_the_next_invocation() -> None:
    world = World(workers=1)
    left = [100.0]
    detect = world.vision.detect

    def slow(jpeg: bytes, **limits: object) -> list[Label]:
        left[0] -= 20
        return detect(jpeg, **limits)  # type: ignore[arg-type]

    world.vision.detect = slow  # type: ignore[method-assign,assignment]
    records = [record(world, n, PERSON) for n in range(8)]
    outcome = process_batch(records, world.deps(), lambda: left[0])
    done = [r for r in records if r.record_id not in outcome.failed_record_ids]
    assert done == records[:4]  # at 100, 80, 60 and 40 s left; 20 are under the margin
    assert outcome.counts["FramesDeferred"] == 4
    assert len(world.texts.sent) == 1  # what was done is seen through


def test_a_time_limit_shorter_than_the_margin_still_makes_headway() -> None:
    world = World()
    assert run(world, record(world, 0, PERSON), remaining_s=10).failed_record_ids == ()
