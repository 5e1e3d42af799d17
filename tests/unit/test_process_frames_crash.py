"""A crash, an error or a conflict at any step of a batch, and redelivery as Kinesis does it.

The reference is computed from the set of frames alone: whatever happened on the way must not show.
"""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framewatch.domain.alert_settings import WATCH_RULE_ID
from framewatch.domain.errors import (
    NotificationUnavailable,
    RetryableError,
    StorageUnavailable,
    VisionUnavailable,
    WriteConflict,
)
from framewatch.domain.frames import Frame
from framewatch.domain.visits import AlertState
from framewatch.services.process_frames import process_batch
from framewatch.services.send_alerts import continue_alert
from framewatch.services.tally import Tally
from framewatch.wire.items import image_key
from tests.fakes import Crash, World, make_site
from tests.frames import CAR, NOON, PERSON, make_frame, make_record

GAP_S = 30.0
SCENES = {"person": [PERSON], "car": [CAR], "both": [PERSON, CAR], "empty": []}
SHOWS = {"Human": {"person", "both"}, "Vehicle": {"car", "both"}}


def new_world(workers: int = 1) -> World:
    """Every visit is worth a text: nothing is held back, and no two are one incident."""
    watch = {"labels": ["Human", "Vehicle"], "min_confidence": 80, "notify": ["ana", "bo"], "cool_down_s": 0}
    return World(
        make_site(watch=watch, alerts={"incident_window_s": 0}, limits={"per_contact_and_hour": 100}), workers=workers
    )


def deliver(world: World, frames: Sequence[Frame], tries: int = 20) -> int:
    """As an event source does: from the lowest that failed, all of it after a crash. Returns the deliveries."""
    for frame in frames:
        scene = frame.jpeg[3:].partition(b"/")[0].decode()
        world.vision.see(frame.jpeg, SCENES[scene])
    records = [make_record(f) for f in frames]
    for n in range(1, tries + 1):
        try:
            failed = process_batch(records, world.deps(), lambda: 300.0).failed_record_ids
        except Crash:
            world.faults.clear()
            continue
        if not failed:
            return n
        records = records[[r.record_id for r in records].index(failed[0]) :]
    raise AssertionError(f"still failing after {tries} deliveries")


def watch_over(world: World) -> None:
    """What the watchdog does about alerts, as long as there is anything: minutes later, and again after its lease."""
    for _ in range(20):
        work, _held = world.alerts.open_work()
        if not work:
            return
        world.clock.advance(130)
        for each in work:
            try:
                continue_alert(each, world.config, world.sending(), Tally())
            except RetryableError:
                continue
    raise AssertionError("the work does not end")


def expected_visits(frames: Sequence[Frame], camera_id: str, label: str) -> list[tuple[float, float, int]]:
    times = sorted(
        {
            f.meta.frame_id: (f.meta.captured_at - NOON).total_seconds()
            for f in frames
            if f.meta.camera_id == camera_id and f.jpeg[3:].partition(b"/")[0].decode() in SHOWS[label]
        }.values()
    )
    found: list[tuple[float, float, int]] = []
    for t in times:
        if found and t - found[-1][1] <= GAP_S:
            found[-1] = (found[-1][0], t, found[-1][2] + 1)
        else:
            found.append((t, t, 1))
    return found


def check_nothing_lost_or_doubled(world: World, frames: Sequence[Frame]) -> None:
    ids = {f.meta.frame_id for f in frames}
    assert set(world.frames.stored) == ids
    assert world.images.objects == {image_key(f.meta): f.jpeg for f in frames}
    for camera_id in ("front", "yard"):
        for label in SHOWS:
            visits = world.visits.of(camera_id, label)
            spans = [
                ((v.first_seen - NOON).total_seconds(), (v.last_seen - NOON).total_seconds(), v.frame_count)
                for v in visits
            ]
            assert spans == expected_visits(frames, camera_id, label)
            # Every sighting here is confident, so every visit has alerted, and nothing is left half done.
            assert [v.alerts[WATCH_RULE_ID].state for v in visits] == [AlertState.SENT] * len(visits)


BATCH = [
    make_frame(0, at=0, scene="person"),
    make_frame(1, at=1, scene="both"),
    make_frame(2, at=2, scene="empty"),
    make_frame(3, at=100, scene="car"),
    make_frame(0, camera_id="yard", at=1, scene="person"),
]
TEXTS_OF_BATCH = 4 * 2  # front: one Human visit, two Vehicle visits; yard: one Human; to two contacts


def steps_of_batch() -> list[str]:
    world = new_world()
    deliver(world, BATCH)
    return list(world.faults.steps)


STEPS = steps_of_batch()
every_step = pytest.mark.parametrize(
    "step", range(len(STEPS)), ids=[f"{n}-{name.replace(' ', '-')}" for n, name in enumerate(STEPS)]
)


def test_the_batch_without_a_fault() -> None:
    world = new_world()
    assert deliver(world, BATCH) == 1
    check_nothing_lost_or_doubled(world, BATCH)
    assert len(world.texts.sent) == TEXTS_OF_BATCH == len(set(world.alerts.alerts)) * 2


def test_effects_are_in_order_so_that_a_crash_between_any_two_can_be_repaired() -> None:
    effects = ["after detect", "after image put", "after frame put", "after visits apply", "after text send"]
    firsts = [STEPS.index(effect) for effect in effects]
    assert firsts == sorted(firsts)


@every_step
def test_a_crash_at_any_step_loses_nothing_and_doubles_nothing(step: int) -> None:
    world = new_world()
    world.faults.crash_at(step)
    deliver(world, BATCH)
    deliver(world, BATCH)
    check_nothing_lost_or_doubled(world, BATCH)
    # The one window: published, and dead before that could be written down.
    window = STEPS[step] in {"after text send", "before delivery"}
    assert len(world.texts.sent) == TEXTS_OF_BATCH + window
    # Billed again only when the analysis was lost before it could be stored.
    unstored = STEPS[step] in {"after detect", "before image put", "after image put", "before frame put"}
    assert len(world.vision.calls) == len(BATCH) + unstored


@every_step
def test_a_failure_at_any_step_is_repaired_by_the_retry(step: int) -> None:
    world = new_world()
    name = STEPS[step].partition(" ")[2]
    error = {"detect": VisionUnavailable("x"), "text send": NotificationUnavailable("x")}.get(
        name, StorageUnavailable("x")
    )
    world.faults.at(step, error)
    deliver(world, BATCH)
    deliver(world, BATCH)
    watch_over(world)
    check_nothing_lost_or_doubled(world, BATCH)
    window = STEPS[step] in {"after text send", "before delivery"}
    assert len(world.texts.sent) == TEXTS_OF_BATCH + window


frames = st.lists(
    st.tuples(st.sampled_from(["front", "yard"]), st.integers(0, 300), st.sampled_from(sorted(SCENES))),
    min_size=1,
    max_size=14,
).map(lambda specs: [make_frame(n, camera_id=c, at=float(t), scene=s) for n, (c, t, s) in enumerate(specs)])


@settings(deadline=None, max_examples=150)
@given(frames, st.data())
def test_any_order_any_batches_and_faults_anywhere_give_the_same_visits(
    all_frames: list[Frame], data: st.DataObject
) -> None:
    world = new_world()
    left = data.draw(st.permutations(all_frames))
    faults = 0
    while left:
        size = data.draw(st.integers(1, len(left)))
        batch = left[:size]
        left = left[size:]
        world.faults.clear()
        for _ in range(data.draw(st.integers(0, 2))):
            error = data.draw(st.sampled_from([StorageUnavailable("x"), NotificationUnavailable("x")]))
            world.faults.at(data.draw(st.integers(0, 60)), error)
            faults += 1
        for _ in range(data.draw(st.integers(0, 2))):
            world.faults.on("visits apply", WriteConflict("x"))
        if data.draw(st.booleans()):
            world.faults.crash_at(data.draw(st.integers(0, 60)))
            faults += 1
        deliver(world, batch)
        if data.draw(st.booleans()):
            deliver(world, data.draw(st.permutations(batch)))
    world.faults.clear()
    deliver(world, all_frames)
    watch_over(world)
    check_nothing_lost_or_doubled(world, all_frames)
    # Two visits that a late frame joined may both have alerted before; each fault may have hit the one window.
    alerts = world.alerts.alerts.values()
    assert len(alerts) == len({a.visit_id for a in alerts}) >= len(world.visits.visits)
    assert 2 * len(world.visits.visits) <= len(world.texts.sent) <= 2 * len(alerts) + faults


@settings(deadline=None, max_examples=100)
@given(frames, st.data())
def test_frames_in_order_are_one_text_a_visit_whatever_the_batches_and_redeliveries(
    all_frames: list[Frame], data: st.DataObject
) -> None:
    world = new_world(workers=4)
    left = sorted(all_frames, key=lambda f: f.meta.captured_at)
    while left:
        size = data.draw(st.integers(1, len(left)))
        batch, left = left[:size], left[size:]
        for _ in range(data.draw(st.integers(1, 3))):
            deliver(world, batch)
    check_nothing_lost_or_doubled(world, all_frames)
    visits = len(world.visits.visits)
    assert len(world.alerts.alerts) == visits
    assert len(world.texts.sent) == visits * 2
    assert len(world.vision.calls) == len(all_frames)
