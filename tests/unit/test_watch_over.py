"""The watchdog's rounds: minutes tick, boxes speak or fall silent, alerts wait for an answer."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from framewatch.domain.alerts import Alert, Answer, AnswerKind, Delivery, DeliveryState, OpenAlert
from framewatch.domain.errors import (
    NotificationRejected,
    NotificationUnavailable,
    RetryableError,
    SiteFileError,
    StorageUnavailable,
)
from framewatch.domain.heartbeats import CameraState
from framewatch.domain.limits import Held
from framewatch.domain.silence import ShardHealth
from framewatch.domain.site import Camera
from framewatch.domain.trouble_life import Stage
from framewatch.domain.visits import AlertState
from framewatch.services.frame_merge import newest_frame
from framewatch.services.tell_troubles import read_signs
from framewatch.services.watch_over import watch_over
from tests.fakes import Crash, make_site
from tests.frames import NOON
from tests.tables import EXPIRES, Tables, seen
from tests.watch_fakes import FakePages, WatchWorld, frame_of

ANA, BO = "+34600123456", "+34600654321"
CAMERAS = [Camera(id="front", name="Front door"), Camera(id="yard"), Camera(id="attic"), Camera(id="shed")]
BOTH = {"labels": ["Person"], "notify": ["ana", "bo"]}


def world_of(**sections: Any) -> WatchWorld:
    return WatchWorld(make_site(**({"cameras": CAMERAS} | sections)))


def with_a_box(**sections: Any) -> WatchWorld:
    """Two cameras on one box, a third on another, all alive for some minutes."""
    world = world_of(**sections)
    world.live("shop-1", "front", "yard")
    world.live("shop-2", "attic")
    assert world.tick(5) == []
    return world


# -- silent, and back ----------------------------------------------------------------------------------------------


def test_a_silent_camera_is_one_text_and_so_is_its_return() -> None:
    world = with_a_box()
    world.die("front")
    assert world.tick(4) == []  # the grace, and time for what fails with it
    assert world.tick() == ["Framewatch: Front door camera silent since 13:05 (CET). Shop"]
    assert world.tick(60) == []
    world.live("shop-1", "front")
    assert world.tick() == ["Framewatch: Front door camera is back, silent 13:05 to 14:11 (CET). Shop"]
    assert world.tick(60) == []
    assert world.troubles.lives == {}
    assert world.texts.sent[0][0] == ANA


def test_a_camera_that_its_box_cannot_reach_is_silent_since_it_was_first_said() -> None:
    world = with_a_box()
    world.live("shop-1", "front", state=CameraState.RECONNECTING)
    assert world.tick(5) == []
    assert world.tick() == ["Framewatch: Front door camera silent since 13:06 (CET). Shop"]
    world.live("shop-1", "front")
    assert world.tick() == ["Framewatch: Front door camera is back, silent 13:06 to 13:12 (CET). Shop"]


def test_a_camera_that_reconnects_in_time_is_never_told() -> None:
    world = with_a_box()
    for _ in range(10):
        world.live("shop-1", "front", state=CameraState.RECONNECTING)
        assert world.tick(3) == []
        world.live("shop-1", "front")
        assert world.tick(1) == []
    assert world.troubles.lives == {}


def test_what_is_well_again_before_it_was_told_is_never_told() -> None:
    world = with_a_box()
    world.die("front")
    world.tick(4)
    assert [life.stage for life in world.troubles.lives.values()] == [Stage.OPEN]
    world.live("shop-1", "front")
    assert world.tick(5) == []
    assert world.troubles.lives == {}


def test_a_dead_line_with_three_boxes_and_twelve_cameras_is_one_text_and_one_back() -> None:
    ids = [f"camera-{n:02d}" for n in range(12)]
    world = world_of(cameras=[Camera(id=i) for i in ids])
    for n, camera_id in enumerate(ids):
        world.live(f"shop-{n % 3}", camera_id)
    world.tick(5)
    # Within the last minute the boxes speak at different moments.
    for box in range(3):
        world.clock.advance(19)
        alive = world.alive
        world.alive = {c: b for c, b in alive.items() if b[0] == f"shop-{box}"}
        world.beat()
        world.alive = alive
    world.die(*ids)
    told = world.tick(30)
    assert len(told) == 1
    assert "3 boxes (12 cameras) silent" in told[0]
    for n, camera_id in enumerate(ids):
        world.live(f"shop-{n % 3}", camera_id)
    (back,) = world.tick(10)
    assert "3 boxes (12 cameras) are back" in back
    assert world.meter.counts["TroublesTold"] == 4  # the boxes, and that nothing comes from anywhere


def test_two_cameras_that_fail_within_a_minute_are_one_text() -> None:
    world = with_a_box()
    world.live("shop-1", "shed")
    world.tick(2)
    world.die("front")
    world.tick()
    world.die("yard")
    (text,) = world.tick(10)
    assert "2 cameras silent" in text


def test_a_camera_that_dies_with_its_box_is_not_told_to_be_back_by_that() -> None:
    world = with_a_box()
    world.die("front")
    world.tick(6)
    world.die("yard")
    (text,) = world.tick(10)
    assert "Box shop-1" in text
    assert "back" not in text
    world.live("shop-1", "yard")
    told = world.tick(10)
    assert [("Box shop-1" in t, "Front door" in t) for t in told] == [(True, False)]
    world.live("shop-1", "front")
    (back,) = world.tick(2)
    assert back.startswith("Framewatch: Front door camera is back, silent 13:05 to")


def test_a_flapping_camera_is_silent_once_in_half_an_hour_and_told_when_it_lasts() -> None:
    world = with_a_box()
    told = []
    for _ in range(5):
        world.die("front")
        told += world.tick(6)
        world.live("shop-1", "front")
        told += world.tick(2)
    assert [("silent since" in t, "is back" in t) for t in told] == [
        (True, False),
        (False, True),
        (True, False),
        (False, True),
    ]
    world.die("front")
    assert world.tick(15) == []
    (text,) = world.tick(30)
    assert "silent since" in text


def test_what_was_silent_a_moment_ago_has_its_whole_grace_again() -> None:
    world = with_a_box()
    world.die("front")
    world.tick(6)
    world.live("shop-1", "front")
    world.tick(1)
    world.live("shop-1", "front", state=CameraState.STALLED)
    world.tick(2)
    (life,) = world.troubles.lives.values()
    assert (life.stage, life.since) == (Stage.SUSPECTED, NOON + timedelta(minutes=13))


def test_a_camera_that_is_switched_off_or_leaves_the_site_file_is_not_told_to_be_back() -> None:
    world = with_a_box()
    world.die("front", "attic")
    world.tick(6)
    world.live("shop-1", "front", state=CameraState.DISABLED)
    world.site.config = make_site(cameras=[c for c in CAMERAS if c.id != "attic"])
    assert world.tick(10) == []
    assert world.troubles.lives == {}


def test_a_box_whose_cameras_all_speak_from_another_is_back() -> None:
    world = with_a_box()
    world.die("front", "yard")
    world.tick(6)
    world.live("shop-9", "front", "yard")
    (text,) = world.tick(3)
    assert text.startswith("Framewatch: Box shop-1 is back")


def test_a_camera_without_heartbeats_is_missed_by_its_frames() -> None:
    world = world_of()
    for _ in range(3):
        world.pages.frames.append(frame_of("front", world.clock.now() + timedelta(seconds=60)))
        assert world.tick() == []
    (text,) = world.tick(10)
    assert text == "Framewatch: Front door camera silent since 13:03 (CET). Shop"
    world.pages.frames.append(frame_of("front", world.clock.now() + timedelta(seconds=60)))
    assert len(world.tick()) == 1


def test_only_a_camera_without_heartbeats_costs_queries_and_two_at_most() -> None:
    world = with_a_box()
    world.pages.frames = [frame_of("shed", NOON), frame_of("front", NOON)]
    world.pages.queries = 0
    read_signs(world.config, world.watch_deps().for_troubles())
    assert world.pages.queries == 2
    pages = FakePages([frame_of("shed", NOON, captured_at=NOON - timedelta(days=40))])
    newest = newest_frame(pages, "shed")
    assert newest is not None and (newest.stored_at, pages.queries) == (NOON, 2)
    assert newest_frame(pages, "front") is None


def test_a_stream_that_lags_and_vision_that_fails_are_told_and_over() -> None:
    world = world_of()

    def note(behind_s: float, failing_since: Any = None) -> list[str]:
        now = world.clock.now() + timedelta(seconds=59)
        world.health.stored["a"] = ShardHealth("a", now, behind_s, failing_since)
        return world.tick()

    assert note(1) + note(400) == []
    assert note(460) == ["Framewatch: Frames are 7 min late since 12:55 (CET). Shop"]
    assert note(2) == ["Framewatch: Frames are in time again, late 12:55 to 13:04 (CET). Shop"]
    since = world.clock.now()
    told = [text for _ in range(6) for text in note(2, since)]
    assert told == ["Framewatch: Pictures cannot be analysed since 13:04 (CET). Shop"]
    assert note(2) == ["Framewatch: Pictures are analysed again, interrupted 13:04 to 13:11 (CET). Shop"]


def test_a_watchdog_that_is_switched_off_looks_at_nothing_but_alerts() -> None:
    world = world_of(watchdog={"enabled": False})
    world.live("shop-1", "front")
    world.tick(2)
    world.die("front")
    assert world.tick(20) == []
    assert (world.troubles.lives, world.troubles.turn_until) == ({}, None)


def test_the_gauge_says_how_many_cameras_are_silent_also_when_none_is() -> None:
    world = with_a_box()
    assert world.meter.counts["CamerasSilent"] == 0
    assert "CamerasSilent" in world.meter.counts
    world.die("front", "yard")
    world.tick(4)
    assert world.meter.counts["CamerasSilent"] == 2
    world.tick(1)
    assert world.meter.counts["CamerasSilent"] == 4


# -- who is told ---------------------------------------------------------------------------------------------------


def test_each_contact_is_told_and_a_rejected_number_stops_no_other() -> None:
    world = with_a_box(watch=BOTH)
    world.texts.errors[ANA] = [NotificationRejected("no such number")]
    world.die("front")
    world.tick(10)
    assert [phone for phone, _ in world.texts.sent] == [BO]
    assert world.meter.counts["TextsRejected"] == 1


def test_a_contact_whose_text_failed_is_told_a_minute_later_and_the_others_only_once() -> None:
    world = with_a_box(watch=BOTH)
    world.die("front")
    world.tick(4)
    world.texts.errors[ANA] = [NotificationUnavailable("down")]
    with pytest.raises(RetryableError, match=r"not all was watched over.*troubles: down"):
        world.tick()
    assert [phone for phone, _ in world.texts.sent] == [BO]
    world.tick(5)
    assert [phone for phone, _ in world.texts.sent] == [BO, ANA]


def test_who_has_left_the_site_file_is_not_told_that_it_is_over() -> None:
    world = with_a_box(watch=BOTH)
    world.die("front")
    world.tick(6)
    world.texts.sent.clear()
    world.site.config = make_site(cameras=CAMERAS, contacts=[{"id": "ana", "phone": ANA}])
    world.live("shop-1", "front")
    world.tick(31)
    assert [phone for phone, _ in world.texts.sent] == [ANA]
    assert world.troubles.lives == {}


def test_nobody_to_tell_is_logged_and_a_contact_that_is_added_hears_of_what_lasts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = with_a_box(watchdog={"notify": ["mail"]}, contacts=[{"id": "mail", "topic": True}], watch={})
    world.die("front")
    assert world.tick(5) == []
    assert "nobody is told: name a contact with a phone in watchdog.notify" in caplog.text
    world.site.config = make_site(cameras=CAMERAS)
    assert len(world.tick()) == 1


def test_its_texts_count_and_pass_every_limit() -> None:
    limits = {"per_contact_and_hour": 1, "per_day": 1, "critical_passes": False}
    world = with_a_box(limits=limits)
    world.die("front")
    world.tick(6)
    world.die("attic")
    world.tick(10)
    assert len(world.texts.sent) == 2
    state = world.alerts.limit_state()
    assert sum(state.texts_by_day.values()) == 2


def test_a_text_that_cannot_be_counted_is_sent_all_the_same() -> None:
    world = with_a_box()
    world.die("front")
    world.tick(4)
    world.faults.on("limits put", StorageUnavailable("down"))
    assert len(world.tick()) == 1
    assert world.tick(10) == []


# -- two at once, and crashes --------------------------------------------------------------------------------------


def test_while_one_pass_looks_after_troubles_another_leaves_them_alone() -> None:
    world = with_a_box()
    world.die("front")
    world.tick(4)
    world.clock.advance(60)
    world.troubles.take_turn(world.clock.now(), world.clock.now() + timedelta(seconds=55))
    world.beat()
    world.look()
    assert world.texts.sent == []
    world.clock.advance(56)
    world.look()
    assert len(world.texts.sent) == 1


def test_a_second_pass_in_the_same_minute_finds_everything_told() -> None:
    world = with_a_box()
    world.die("front")
    world.tick(5)
    world.look()
    world.look()
    assert len(world.texts.sent) == 1


def steps_of(play: Callable[[WatchWorld], None], until: Callable[[], WatchWorld]) -> int:
    world = until()
    world.faults.clear()
    play(world)
    return len(world.faults.steps)


def silent_world() -> WatchWorld:
    """One minute before Ana and Bo are told that the front door is silent."""
    world = with_a_box(watch=BOTH)
    world.die("front")
    world.tick(4)
    return world


def back_world() -> WatchWorld:
    """They have been told; the front door speaks again, and nobody has looked yet."""
    world = silent_world()
    world.tick(2)
    world.texts.sent.clear()
    world.live("shop-1", "front")
    return world


def play(world: WatchWorld) -> None:
    world.clock.advance(60)
    world.beat()
    world.faults.clear()
    world.look()


@pytest.mark.parametrize("start", [silent_world, back_world])
def test_a_crash_at_any_effect_loses_no_text_and_repeats_one_at_most(start: Callable[[], WatchWorld]) -> None:
    steps = steps_of(play, start)
    assert steps > 10
    doubled = 0
    for step in range(steps):
        world = start()
        world.clock.advance(60)
        world.beat()
        world.faults.clear()
        world.faults.crash_at(step)
        with pytest.raises(Crash):
            world.look()
        world.faults.clear()
        world.tick(3)
        phones = [phone for phone, _ in world.texts.sent]
        assert {ANA, BO} == set(phones), step
        assert len(phones) <= 3, step
        doubled += len(phones) == 3
        assert len({text for _, text in world.texts.sent}) <= 2
    assert doubled > 0  # the window is there, and is tried


@pytest.mark.parametrize("name", ["turn take", "troubles all", "health all", "troubles put", "turn end"])
def test_a_store_that_fails_is_an_error_and_the_next_minute_repairs_it(name: str) -> None:
    world = silent_world()
    world.clock.advance(60)
    world.beat()
    world.faults.on(name, StorageUnavailable("down"))
    with pytest.raises(RetryableError, match="down"):
        world.look()
    world.tick(3)
    assert {phone for phone, _ in world.texts.sent} == {ANA, BO}


def test_with_no_time_left_nothing_is_begun_and_nothing_lost() -> None:
    world = silent_world()
    world.clock.advance(60)
    world.beat()
    world.look(remaining_s=1)
    assert world.texts.sent == []
    assert len(world.tick()) == 2


# -- alerts --------------------------------------------------------------------------------------------------------


def sent(alert: Alert) -> Alert:
    """As the image processor leaves it, once ana is told."""
    delivery = Delivery(DeliveryState.SENT, NOON, "message-0")
    return replace(alert, state=AlertState.SENT, deliveries={"ana": delivery})


def opened(world: WatchWorld, second: float = 0, told: bool = True, **fields: Any) -> Alert:
    tables = Tables(world.visits, world.alerts)
    usual: dict[str, Any] = {"notify": ("ana",), "escalate_to": ("bo", "cy"), "escalate_after_s": 300.0}
    alert = tables.open_with_alert(seen(second, camera_id="front"), **(usual | fields))
    if told:
        alert = world.alerts.alerts[alert.alert_id] = sent(alert)
        world.alerts.reschedule(
            world.alerts.work[alert.alert_id], OpenAlert(alert.ref, NOON + timedelta(seconds=300))
        )
    return alert


THREE = [{"id": "ana", "phone": ANA}, {"id": "bo", "phone": BO}, {"id": "cy", "phone": "+34600111222"}]


def test_an_alert_climbs_step_by_step_until_somebody_answers() -> None:
    world = world_of(contacts=THREE)
    alert = opened(world)
    assert world.tick(4) == []
    assert len(world.tick()) == 1
    assert world.tick(4) == []
    assert world.texts.sent[-1][0] == BO
    world.alerts.answer(alert.ref, AnswerKind.TAKEN, Answer("bo", world.clock.now()))
    assert world.tick(60) == []
    assert world.alerts.work == {}
    assert world.meter.counts["AlertsEscalated"] == 1


def test_without_an_answer_everybody_has_been_told_once_and_it_ends() -> None:
    world = world_of(contacts=THREE)
    opened(world)
    world.tick(60)
    assert [phone for phone, _ in world.texts.sent] == [BO, "+34600111222"]
    assert world.alerts.work == {}


def test_what_the_processor_did_not_send_is_sent() -> None:
    world = world_of()
    alert = opened(world, told=False, escalate_to=())
    assert len(world.tick(3)) == 1
    assert world.alerts.alerts[alert.alert_id].state is AlertState.SENT


def test_one_alert_that_fails_stops_no_other_and_is_an_error() -> None:
    world = world_of()
    first = opened(world, 0, told=False, escalate_to=())
    second = opened(world, 300, told=False, escalate_to=())
    world.faults.on("alert get", StorageUnavailable("down"))
    with pytest.raises(RetryableError, match="1 of 2 due alerts failed"):
        world.tick()
    states = {i: a.state for i, a in world.alerts.alerts.items()}
    assert states == {first.alert_id: AlertState.CLAIMED, second.alert_id: AlertState.SENT}
    world.tick()
    assert world.alerts.work == {}


def test_alerts_leave_time_for_the_rest_and_the_longest_due_goes_first() -> None:
    world = world_of()
    young = opened(world, 600, told=False, escalate_to=())
    late = opened(world, 300, told=False, escalate_to=())
    for n, alert in enumerate([young, late]):
        work = world.alerts.work[alert.alert_id]
        world.alerts.reschedule(work, replace(work, due_at=NOON - timedelta(seconds=n)))
    left = iter([50.0, 50.0, 10.0])
    watch_over(world.watch_deps(), lambda: next(left, 10.0))
    assert list(world.alerts.work) == [young.alert_id]
    assert (len(world.texts.sent), world.meter.counts["AlertsDeferred"]) == (1, 1)


@pytest.mark.parametrize("told", [False, True])
def test_a_crash_while_an_alert_is_continued_tells_everybody_and_one_of_them_twice_at_most(told: bool) -> None:
    def start() -> WatchWorld:
        world = world_of(contacts=THREE)
        opened(world, told=told)
        world.clock.advance(301)
        world.faults.clear()
        return world

    reference = start()
    reference.look()
    for step in range(len(reference.faults.steps)):
        world = start()
        world.faults.crash_at(step)
        with pytest.raises(Crash):
            world.look()
        world.faults.clear()
        world.tick(60)
        phones = [phone for phone, _ in world.texts.sent]
        expected = {BO, "+34600111222"} | (set() if told else {ANA})
        assert set(phones) == expected, step
        assert len(phones) <= len(expected) + 1, step
        assert world.alerts.work == {}


# -- digests -------------------------------------------------------------------------------------------------------


def hold(world: WatchWorld, key: str, contact_id: str = "ana", reason: str = "limit", **fields: Any) -> None:
    now = world.clock.now()
    held = Held(contact_id, fields.get("camera_id", "front"), reason, now, fields.get("captured_at", now))
    world.alerts.put_held(f"{contact_id}#{key}", held, EXPIRES)


def test_what_was_held_back_is_one_digest_when_its_time_has_come() -> None:
    world = world_of()
    hold(world, "1")
    hold(world, "2")
    hold(world, "3", reason="late", camera_id="yard")
    assert world.tick(14) == []
    (text,) = world.tick()
    assert text == "Framewatch: 3 more since 13:00 (CET), 1 late: Front door, yard. Shop https://cams.example"
    assert world.alerts.held == []
    hold(world, "4")
    assert world.tick(59) == []  # an hour lies between two
    assert len(world.tick()) == 1
    assert world.meter.counts["DigestsSent"] == 2


def test_who_has_no_phone_or_has_left_gets_no_digest_and_nothing_piles_up() -> None:
    world = world_of(contacts=[{"id": "ana", "phone": ANA}, {"id": "mail", "topic": True}])
    hold(world, "1", "mail")
    hold(world, "2", "gone")
    hold(world, "3")
    assert len(world.tick(20)) == 1
    assert world.alerts.held == []


def test_a_rejected_number_ends_its_digest_and_stops_no_other() -> None:
    world = world_of()
    world.texts.errors[ANA] = [NotificationRejected("opted out")]
    hold(world, "1", "ana")
    hold(world, "2", "bo")
    world.tick(20)
    assert [phone for phone, _ in world.texts.sent] == [BO]
    assert world.alerts.held == []


def test_a_digest_that_fails_is_an_error_and_comes_an_hour_later() -> None:
    world = world_of()
    hold(world, "1")
    world.tick(14)
    world.texts.errors[ANA] = [NotificationUnavailable("down")]
    with pytest.raises(RetryableError, match="digests: down"):
        world.tick()
    assert world.tick(59) == []
    assert len(world.tick()) == 1


def test_of_two_who_would_send_a_digest_one_does() -> None:
    world = world_of()
    hold(world, "1")
    world.clock.advance(900)
    other = world.watch_deps()

    put = world.alerts.put_limit_state

    def other_first(state: Any, expires_at: Any) -> None:
        world.alerts.put_limit_state = put  # type: ignore[method-assign]
        watch_over(other, lambda: 50.0)
        put(state, expires_at)

    world.alerts.put_limit_state = other_first  # type: ignore[method-assign]
    world.look()
    assert len(world.texts.sent) == 1
    assert world.alerts.held == []


def test_a_crash_at_any_effect_of_a_digest_loses_nothing_and_repeats_it_an_hour_later_at_most() -> None:
    def start() -> WatchWorld:
        world = world_of()
        hold(world, "1")
        world.clock.advance(900)
        world.faults.clear()
        return world

    reference = start()
    reference.look()
    for step in range(len(reference.faults.steps)):
        world = start()
        world.faults.crash_at(step)
        with pytest.raises(Crash):
            world.look()
        world.faults.clear()
        world.tick(61)
        assert 1 <= len(world.texts.sent) <= 2, step
        assert world.alerts.held == []


# -- the parts ------------------------------------------------------------------------------------------------------


def test_each_part_runs_even_when_another_fails() -> None:
    world = silent_world()
    hold(world, "1")
    world.clock.advance(900)
    world.beat()
    world.faults.on("open work", StorageUnavailable("alerts down"))
    world.faults.on("troubles all", StorageUnavailable("troubles down"))
    with pytest.raises(RetryableError, match="alerts: alerts down; troubles: troubles down"):
        world.look()
    assert len(world.texts.sent) == 1  # the digest
    world.faults.on("open work", StorageUnavailable("down"), StorageUnavailable("down"))
    with pytest.raises(RetryableError, match="alerts: down; digests: down"):
        world.look()
    assert len(world.texts.sent) == 3  # ana and bo, of what is silent


def test_what_nobody_foresaw_is_an_error_with_a_trace_and_stops_no_other_part(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = silent_world()
    world.clock.advance(60)
    world.beat()
    world.faults.on("open work", ZeroDivisionError("odd"))
    with pytest.raises(RetryableError, match="alerts: odd"):
        world.look()
    assert "Traceback" in caplog.text
    assert len(world.texts.sent) == 2


@pytest.mark.parametrize("error", [SiteFileError("site.yaml does not exist"), StorageUnavailable("S3 is down")])
def test_without_a_site_file_it_says_so_and_fails(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    world = world_of()
    world.site.error = error
    with pytest.raises(RetryableError, match=f"nothing is watched without a site file: {error}"):
        world.look()
    assert str(error) in caplog.text
