"""Frames that vision is not asked about: whose labels they have, what comes of them, and what is still analysed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framewatch.domain.analysis import Analysis
from framewatch.domain.budget import BudgetCause, BudgetState, BudgetStep, CameraStep
from framewatch.domain.errors import VisionThrottled
from framewatch.domain.frames import Frame, FrameRef, Gate, GateReason, VisionHint
from framewatch.domain.labels import Label
from framewatch.services.note_health import HealthNotes
from framewatch.services.ports import RawRecord
from framewatch.services.process_frames import process_batch
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.items import image_key
from tests.batches import run
from tests.fakes import Crash, World, make_site
from tests.frames import CAR, NOON, PERSON, make_frame, make_record
from tests.watch_fakes import FakeHealth

DARK = replace(PERSON, name="Dark", confidence=60.0, aliases=(), instances=())


class SparingWorld(World):
    def frame(
        self,
        seq: int,
        *labels: Label,
        like: Frame | FrameRef | None = None,
        screened_out: bool = False,
        at: float | None = None,
        camera_id: str = "front",
        gate: GateReason = GateReason.MOTION,
    ) -> Frame:
        """like: what it nearly equals. labels: what vision would see in it."""
        frame = make_frame(seq, at=float(seq) if at is None else at, camera_id=camera_id)
        ref = FrameRef(like.meta.boot_id, like.meta.seq, like.meta.captured_at) if isinstance(like, Frame) else like
        meta = replace(frame.meta, gate=Gate(gate), hint=VisionHint(ref, screened_out))
        self.vision.see(frame.jpeg, list(labels))
        return replace(frame, meta=meta)

    def of(self, frame: Frame) -> StoredFrame:
        return self.frames.stored[frame.meta.frame_id]

    def take(self, *frames: Frame) -> tuple[str, ...]:
        """Each a batch of its own: the records that failed."""
        return tuple(i for f in frames for i in run(self, make_record(f)).failed_record_ids)

    def step(self, step: BudgetStep, until_s: float = 3600) -> None:
        until = NOON + timedelta(seconds=until_s)
        self.budget.state = BudgetState({"front": CameraStep(step, BudgetCause.SITE_DAY, NOON, until)}, NOON)


def records(*frames: Frame) -> Sequence[RawRecord]:
    return [make_record(f) for f in frames]


def test_a_near_duplicate_has_the_labels_and_boxes_of_the_analysed_frame_and_asks_nobody() -> None:
    world = SparingWorld()
    first = world.frame(1, PERSON, DARK)
    again = world.frame(2, CAR, like=first)
    assert world.take(first, again) == ()
    stored = world.of(again)
    assert (stored.analysis, stored.labels, stored.watch_hit) == (Analysis.INHERITED, world.of(first).labels, True)
    assert stored.labels[0].instances[0].box_xyxy_rel == PERSON.instances[0].box_xyxy_rel
    assert stored.jpeg_bytes == len(again.jpeg)
    assert world.images.objects[image_key(again.meta)] == again.jpeg  # its own picture, not the other's
    assert world.vision.calls == [first.jpeg]
    assert [v.frame_count for v in world.visits.of("front", "Person")] == [2]
    counts = world.meter.counts
    assert (counts["FramesStored"], counts["FramesInherited"]) == (2, 1)


@pytest.mark.parametrize("workers", [1, 4])
def test_a_near_duplicate_may_come_in_the_batch_of_what_it_equals_even_before_it(workers: int) -> None:
    world = SparingWorld(workers=workers)
    first = world.frame(1, PERSON)
    others = [world.frame(seq, CAR, like=first) for seq in range(2, 8)]
    outcome = run(world, *records(*others[:3], first, *others[3:]))
    assert outcome.failed_record_ids == ()
    assert world.vision.calls == [first.jpeg]
    assert [world.of(f).analysis for f in others] == [Analysis.INHERITED] * 6
    assert [v.frame_count for v in world.visits.visits.values()] == [7]


def test_what_it_equals_is_read_with_the_batch_and_not_by_itself() -> None:
    world = SparingWorld()
    first = world.frame(1, PERSON)
    world.take(first)
    world.faults.steps.clear()
    asked: list[int] = []
    get_stored = world.frames.get_stored
    world.frames.get_stored = lambda metas: asked.append(len(metas)) or get_stored(metas)  # type: ignore
    run(world, *records(*(world.frame(seq, like=first) for seq in (2, 3))))
    assert asked == [3]


def test_a_near_duplicate_of_what_cannot_be_had_is_analysed() -> None:
    world = SparingWorld()
    first = world.frame(1, PERSON)
    world.take(first)
    heir = world.frame(2, like=first)
    world.take(heir)
    unfit = {
        "is not stored": world.frame(3, CAR, like=world.frame(99, at=1)),
        "was not analysed itself": world.frame(4, CAR, like=heir),
        "is another camera's": world.frame(5, CAR, like=first, camera_id="yard"),
        "is too old": world.frame(6, CAR, like=first, at=602),
        "is later": world.frame(7, CAR, like=first, at=0.5),
        "was captured at another time": world.frame(8, CAR, like=FrameRef(first.meta.boot_id, 1, NOON)),
    }
    world.take(*unfit.values())
    for why, frame in unfit.items():
        assert (why, world.of(frame).analysis) == (why, Analysis.ANALYSED)
        assert [label.name for label in world.of(frame).labels] == ["Car"]
    last = world.frame(9, CAR, like=first, at=601)
    world.take(last)
    assert world.of(last).analysis is Analysis.INHERITED


def test_when_what_it_equals_fails_in_its_batch_it_is_analysed_and_both_are_had() -> None:
    world = SparingWorld()
    first = world.frame(1, PERSON)
    world.vision.see(first.jpeg, VisionThrottled("slow down"))
    again = world.frame(2, CAR, like=first)
    (failed,) = run(world, *records(first, again)).failed_record_ids
    assert failed == make_record(first).record_id
    assert world.of(again).analysis is Analysis.ANALYSED
    world.vision.see(first.jpeg, [PERSON])
    run(world, *records(first, again))
    assert world.of(first).analysis is Analysis.ANALYSED
    assert [label.name for label in world.of(again).labels] == ["Car"]


def test_a_site_may_have_every_near_duplicate_analysed() -> None:
    world = SparingWorld(make_site(vision={"reuse_near_duplicates": False}))
    first = world.frame(1, PERSON)
    world.take(first, world.frame(2, PERSON, like=first))
    assert len(world.vision.calls) == 2


def test_a_near_duplicate_counts_in_its_visit_and_the_text_goes_once() -> None:
    """Three frames are wanted, and the second and third only nearly equal the first."""
    rule = {"id": "still-there", "labels": ["Person"], "min_frames": 3, "notify": ["ana"]}
    world = SparingWorld(make_site(watch={}, rules=[rule]))
    first = world.frame(1, PERSON)
    world.take(first, world.frame(2, like=first))
    assert world.texts.sent == []
    world.take(world.frame(3, like=first), world.frame(4, like=first))
    assert len(world.texts.sent) == 1


def test_labels_that_are_taken_over_are_watched_as_the_site_says_now() -> None:
    world = SparingWorld()
    first = world.frame(1, PERSON)
    world.take(first)
    world.site.config = make_site(watch={"labels": ["Car"], "notify": ["ana"]})
    again = world.frame(2, like=first)
    world.take(again)
    assert [label.name for label in world.of(again).labels] == ["Person"]
    assert not world.of(again).watch_hit


@pytest.mark.parametrize("trusted", [False, True])
def test_what_the_edge_found_empty_is_kept_and_analysed_only_where_the_site_does_not_trust_it(trusted: bool) -> None:
    world = SparingWorld(make_site(vision={"trust_screen": trusted}))
    empty = world.frame(1, PERSON, screened_out=True)
    assert world.take(empty) == ()
    assert image_key(empty.meta) in world.images.objects
    assert len(world.vision.calls) == (not trusted)
    assert world.of(empty).analysis is (Analysis.SCREENED if trusted else Analysis.ANALYSED)
    assert len(world.texts.sent) == (not trusted)
    assert world.meter.counts["FramesScreened"] == trusted


def test_at_the_last_step_every_frame_is_kept_and_counted_and_none_is_analysed() -> None:
    world = SparingWorld()
    world.step(BudgetStep.KEEP_ONLY)
    frames = [world.frame(seq, PERSON) for seq in range(5)]
    yard = world.frame(9, PERSON, camera_id="yard")
    assert run(world, *records(*frames, yard)).failed_record_ids == ()
    assert [(world.of(f).analysis, world.of(f).labels) for f in frames] == [(Analysis.BUDGET, ())] * 5
    assert set(world.images.objects) == {image_key(f.meta) for f in (*frames, yard)}
    assert world.vision.calls == [yard.jpeg]
    assert [v.camera_id for v in world.visits.visits.values()] == ["yard"]
    assert (world.meter.counts["FramesOverBudget"], world.meter.counts["FramesStored"]) == (5, 6)


def test_at_the_second_step_what_moves_is_analysed_and_a_still_picture_keeps_the_visit_going() -> None:
    world = SparingWorld()
    world.step(BudgetStep.ZONES_ONLY)
    moving = world.frame(0, PERSON)
    still = world.frame(25, PERSON, like=moving, gate=GateReason.KEEPALIVE)
    other = world.frame(26, CAR, gate=GateReason.KEEPALIVE)
    back = world.frame(50, PERSON)
    world.take(moving, still, other, back)
    assert [world.of(f).analysis for f in (moving, still, other, back)] == [
        Analysis.ANALYSED,
        Analysis.INHERITED,
        Analysis.BUDGET,
        Analysis.ANALYSED,
    ]
    assert [v.frame_count for v in world.visits.of("front", "Person")] == [3]
    assert len(world.texts.sent) == 1


def test_a_step_is_over_when_its_time_is_though_nobody_lifts_it() -> None:
    world = SparingWorld()
    world.step(BudgetStep.KEEP_ONLY, until_s=60)
    world.take(world.frame(1, PERSON))
    world.clock.advance(60)
    world.take(world.frame(2, PERSON))
    assert [f.analysis for f in world.frames.stored.values()] == [Analysis.BUDGET, Analysis.ANALYSED]


def test_a_visit_is_not_ended_by_frames_that_nobody_looked_at() -> None:
    """A frame without analysis says nothing: the next sighting within the gap is the same visit."""
    world = SparingWorld()
    world.take(world.frame(0, PERSON))
    world.step(BudgetStep.KEEP_ONLY)
    world.take(*(world.frame(seq, PERSON) for seq in range(1, 25, 4)))
    world.step(BudgetStep.FULL)
    world.take(world.frame(29, PERSON))
    assert [v.frame_count for v in world.visits.of("front", "Person")] == [2]


def test_what_needs_no_vision_is_stored_in_the_last_seconds_of_an_invocation() -> None:
    world = SparingWorld()
    first = world.frame(1, PERSON)
    world.take(first)
    batch = records(world.frame(2, PERSON), world.frame(3, like=first))
    left = iter([300.0] + [20.0] * 50)  # enough as it began, and then less than a detection may take
    outcome = process_batch(batch, world.deps(), lambda: next(left))
    assert outcome.failed_record_ids == (batch[0].record_id,)
    assert (outcome.counts["FramesDeferred"], outcome.counts["FramesInherited"]) == (1, 1)


def test_vision_that_nobody_asked_is_not_said_to_work() -> None:
    world = SparingWorld()
    world.step(BudgetStep.KEEP_ONLY)
    table = FakeHealth()
    notes = HealthNotes(table, world.clock)
    batch = records(world.frame(1), world.frame(2))
    notes.note(batch, {"VisionErrors": 1})
    world.clock.advance(40)
    notes.note(batch, run(world, *batch).counts)
    (health,) = table.all()
    assert (health.at, health.vision_failing_since) == (world.clock.now(), NOON)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_however_they_come_no_stored_frame_is_analysed_again_and_each_is_counted_as_one_thing(
    data: st.DataObject,
) -> None:
    """Any batches, redelivered, in any order, with crashes: the pictures that vision saw are those that say so."""
    world = SparingWorld(make_site(vision={"trust_screen": True}), workers=data.draw(st.sampled_from([1, 3])))
    frames = [world.frame(0, PERSON)]
    for seq in range(1, data.draw(st.integers(1, 9))):
        like = data.draw(st.none() | st.sampled_from(frames))
        frames.append(world.frame(seq, PERSON, like=like, screened_out=data.draw(st.booleans())))
    crashes = 0
    for _ in range(data.draw(st.integers(1, 4))):
        batch = data.draw(st.lists(st.sampled_from(frames), max_size=6))
        world.step(data.draw(st.sampled_from(BudgetStep)))
        if data.draw(st.booleans()):
            world.faults.clear()
            world.faults.crash_at(data.draw(st.integers(0, 40)))
        try:
            run(world, *records(*batch))
        except Crash:
            crashes += 1
        world.faults.clear()
    world.step(BudgetStep.FULL)
    assert run(world, *records(*frames)).failed_record_ids == ()
    by_picture = {f.jpeg: world.of(f) for f in frames}
    seen = [by_picture[jpeg].frame_id for jpeg in world.vision.calls]
    analysed = {f.frame_id for f in world.frames.stored.values() if f.analysis is Analysis.ANALYSED}
    if not crashes:
        assert sorted(seen) == sorted(analysed)
    assert analysed <= set(seen)
    for stored in world.frames.stored.values():
        has_labels = stored.analysis in (Analysis.ANALYSED, Analysis.INHERITED)
        assert [label.name for label in stored.labels] == (["Person"] if has_labels else [])
    before = len(world.vision.calls)
    assert run(world, *records(*frames)).failed_record_ids == ()
    assert len(world.vision.calls) == before
