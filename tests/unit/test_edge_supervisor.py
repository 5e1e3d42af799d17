"""The supervisor with processes that only pretend: none of them delays another, and the books balance."""

import threading
from contextlib import contextmanager
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_client.client import EdgeCamera
from edge_client.events import CameraEnded, CameraFailed, FrameGated, FrameSampled
from edge_client.explain import Cause
from edge_client.ledger import Ledger
from edge_client.lifecycle import Tell
from edge_client.supervisor import CameraPlan, Supervisor
from tests.waiting import wait_until


class FakeProcess:
    """Reads frames when told to. `stuck`: it ignores a stop, and a kill takes until it is let go."""

    made: ClassVar = []

    def __init__(self, job, source, *, on_event, on_record, on_finished):
        self.camera_id, self.on_event, self.on_finished = job.camera_id, on_event, on_finished
        self.finished = threading.Event()
        self.is_delivering, self.frames_read, self.pid, self.calls = False, 0, None, []
        FakeProcess.made.append(self)

    def start(self):
        self.calls.append("start")

    def slow_down(self, slow_by):
        self.slow_by = slow_by

    def stop(self):
        self.calls.append("stop")
        if not getattr(self, "stuck", False):
            self.end(CameraEnded(self.camera_id, "stopped"))

    def kill(self):
        self.calls.append("kill")
        self.end(CameraEnded(self.camera_id, "stopped"))

    def end(self, event):
        if not self.finished.is_set():
            self.on_event(event)
            self.on_finished()
            self.finished.set()


@contextmanager
def supervised(*camera_ids, spawn=FakeProcess):
    FakeProcess.made = []
    news = []
    supervisor = Supervisor(
        on_event=lambda _: None,
        on_record=lambda *_: None,
        on_news=lambda camera_id, tell: news.append((camera_id, tell)),
        spawn=spawn,
    )
    supervisor.start()
    supervisor.apply({i: plan(i) for i in camera_ids})
    supervisor.news = news
    try:
        yield supervisor
    finally:
        supervisor.stop()


def plan(camera_id, source="/dev/video7", **more):
    return CameraPlan(EdgeCamera(camera_id, source, **more))


def made(camera_id):
    return [p for p in FakeProcess.made if p.camera_id == camera_id]


def state(supervisor, camera_id):
    return {s.camera_id: s.state for s in supervisor.statuses()}.get(camera_id)


def test_every_camera_gets_one_process_and_its_frames_make_it_online():
    with supervised("front", "yard") as supervisor:
        assert [len(made(i)) for i in ("front", "yard")] == [1, 1]
        made("front")[0].frames_read = 3
        wait_until(lambda: state(supervisor, "front") == "online")
        assert state(supervisor, "yard") == "reconnecting"


def test_one_that_ignores_its_stop_is_killed_and_holds_nobody_up():
    with supervised("front", "yard") as supervisor:
        front = made("front")[0]
        front.stuck = True
        supervisor.apply({"front": plan("front", loop=True), "yard": plan("yard")})
        made("yard")[0].frames_read = 1
        wait_until(lambda: state(supervisor, "yard") == "online")
        assert front.calls == ["start", "stop"] and len(made("front")) == 1  # the new one waits for the old one's end
        wait_until(lambda: len(made("front")) == 2)
        assert front.calls == ["start", "stop", "kill"]


def test_the_same_plan_again_touches_nothing_and_a_removed_camera_is_stopped():
    with supervised("front", "yard") as supervisor:
        assert supervisor.apply({"front": plan("front"), "yard": plan("yard")}) == {}
        assert supervisor.apply({"front": plan("front")}) == {"yard": "removed"}
        wait_until(lambda: state(supervisor, "yard") is None)
        assert made("yard")[0].calls == ["start", "stop"] and made("front")[0].calls == ["start"]


def test_frames_read_are_counted_over_all_its_processes():
    with supervised("front") as supervisor:
        first = made("front")[0]
        first.frames_read = 5
        first.end(CameraFailed("front", "front: it crashed.", Cause.CRASHED))
        wait_until(lambda: len(made("front")) == 2)
        made("front")[1].frames_read = 2
        assert supervisor.statuses()[0].read == 7 and supervisor.statuses()[0].restarts == 1


def test_a_password_that_the_environment_does_not_hold_is_as_good_as_a_wrong_one():
    with supervised() as supervisor:
        supervisor.apply({"yard": plan("yard", "rtsp://u:${FRAMEWATCH_NO_SUCH}@h/x")})
        wait_until(lambda: state(supervisor, "yard") == "auth-failed")
        [(_, tell)] = supervisor.news
        assert isinstance(tell, Tell) and "set FRAMEWATCH_NO_SUCH" in tell.message and made("yard") == []


def test_a_process_that_cannot_be_started_is_tried_again():
    tries = []

    class Unstartable(FakeProcess):
        def start(self):
            tries.append(1)
            if len(tries) < 2:
                raise OSError(12, "Cannot allocate memory")

    with supervised("yard", spawn=Unstartable) as supervisor:
        wait_until(lambda: len(tries) == 2)
        assert "Cannot allocate memory; free some memory" in supervisor.statuses()[0].last_error


def test_after_a_stop_no_process_is_left_and_none_is_started():
    with supervised("front", "yard") as supervisor:
        made("front")[0].end(CameraFailed("front", "front: it crashed.", Cause.CRASHED))
        supervisor.stop()
        assert all(p.finished.is_set() for p in FakeProcess.made) and supervisor.statuses() == []


@pytest.mark.parametrize("event", [FrameSampled, FrameGated])
def test_events_are_handed_on(event):
    heard = []
    supervisor = Supervisor(
        on_event=heard.append, on_record=lambda *_: None, on_news=lambda *_: None, spawn=FakeProcess
    )
    FakeProcess.made = []
    supervisor.start()
    supervisor.apply({"front": plan("front")})
    told = object.__new__(event)
    if event is FrameSampled:
        object.__setattr__(told, "read_at", None)
    made("front")[0].on_event(told)
    supervisor.stop()
    assert heard[0] is told


@given(st.lists(st.sampled_from(["sampled", "gated", "sent", "dropped", "failed", "recovered"]), max_size=60))
def test_the_books_balance_whatever_is_entered(entries):
    ledger = Ledger()
    for entry in entries:
        before = ledger.account("yard")
        if entry == "gated":
            ledger.gated("yard", "no_motion")
        elif entry == "recovered":
            ledger.recovered("yard", 3)
        elif entry == "sampled" or before.waiting:  # only what waits can be settled
            getattr(ledger, entry)("yard")
        a = ledger.account("yard")
        assert a.sampled == a.sent + sum(a.gated.values()) + a.dropped + a.failed + a.waiting and a.waiting >= 0
        if entry == "gated":
            assert a.sampled == before.sampled + 1 and sum(a.gated.values()) == sum(before.gated.values()) + 1


def slowed(supervisor):
    return {status.camera_id: status.slowed_by for status in supervisor.statuses()}


def test_a_camera_is_slowed_while_it_is_asked_and_told_once_also_where_its_process_is_another():
    with supervised("front", "yard") as supervisor:
        assert supervisor.slow_down({"front": 4}) == {"front": 4}
        assert supervisor.slow_down({"front": 4}) == {}
        assert slowed(supervisor) == {"front": 4, "yard": 1}
        first = made("front")[0]
        first.frames_read = 5
        first.end(CameraFailed("front", "front: it crashed.", Cause.CRASHED))
        wait_until(lambda: len(made("front")) == 2)
        assert [p.slow_by for p in made("front")] == [4, 4] and made("yard")[0].slow_by == 1
        assert supervisor.slow_down({"yard": 2}) == {"front": 1, "yard": 2}
        assert (made("front")[1].slow_by, made("yard")[0].slow_by) == (1, 2)


def test_a_camera_that_comes_later_is_slowed_from_its_first_frame():
    with supervised("front") as supervisor:
        supervisor.slow_down({"front": 1, "yard": 4})
        supervisor.apply({"front": plan("front"), "yard": plan("yard")})
        assert made("yard")[0].slow_by == 4 and slowed(supervisor)["yard"] == 4
