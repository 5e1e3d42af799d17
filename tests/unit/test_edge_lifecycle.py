"""One camera's life, with a clock in the test's hand: what happened goes in, what to do comes out."""

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge_client.explain import Cause
from edge_client.lifecycle import MISSING, PASSING, REFUSED, CameraLife, Kill, Rules, Start, Stop, Tell
from framewatch.domain.heartbeats import CameraState

SECOND = 1.0


class Scene:
    """A camera and its clock. Ticks come every half second, as from the supervisor."""

    def __init__(self, **rules):
        self.life = CameraLife("yard", Rules(**rules), random.Random(1))  # noqa: S311
        self.now_s = 1000.0
        self.frames = 0
        self.done = []

    def do(self, actions):
        self.done += actions
        if any(isinstance(action, Start) for action in actions):
            self.frames = 0
        return actions

    def begin(self, **how):
        return self.do(self.life.begin(self.now_s, **how))

    def pass_time(self, seconds, fps=0.0, **more):
        """Until something is to be started or ended, at most."""
        begun_s, had = self.now_s, self.frames
        while self.now_s < begun_s + seconds:
            self.now_s += 0.5
            self.frames = had + int((self.now_s - begun_s) * fps)
            actions = self.do(self.life.tick(self.now_s, frames=self.frames, **more))
            if any(isinstance(a, Start | Kill | Stop) for a in actions):
                return actions
        return []

    def exit(self, cause=None, message="yard: it ended."):
        return self.do(self.life.exited(self.now_s, cause, message))

    def online(self):
        self.begin()
        self.pass_time(2, fps=10)
        assert self.life.state is CameraState.ONLINE
        return self

    def told(self):
        return [(a.state, a.message) for a in self.done if isinstance(a, Tell)]

    def count(self, kind):
        return sum(isinstance(a, kind) for a in self.done)


def test_a_camera_is_online_from_its_first_frame_and_that_is_told_once():
    scene = Scene()
    assert scene.begin() == [Start()] and scene.life.state is CameraState.RECONNECTING
    scene.pass_time(60, fps=10)
    assert scene.told() == [(CameraState.ONLINE, "yard: online.")] and scene.count(Start) == 1


def test_a_disabled_camera_is_told_as_that_and_never_started():
    scene = Scene()
    scene.begin(enabled=False)
    scene.pass_time(600)
    assert scene.life.state is CameraState.DISABLED and scene.count(Start) == 0 and not scene.life.last_error


def test_no_new_frame_for_ten_seconds_is_stalled_then_the_process_is_killed_and_started_again():
    scene = Scene().online()
    scene.pass_time(9.5)
    assert scene.life.state is CameraState.ONLINE
    scene.pass_time(1)
    assert scene.life.state is CameraState.STALLED
    assert scene.pass_time(20) == [Kill()]
    assert scene.now_s <= 1000 + 2 + 10 + 5 + 1
    scene.exit()
    assert scene.life.state is CameraState.RECONNECTING and "no new frame for 15 s" in scene.life.last_error
    assert scene.pass_time(60) == [Start()]
    scene.pass_time(5, fps=10)
    [stalled] = [message for state, message in scene.told() if state is CameraState.STALLED]
    assert stalled == "yard: stalled: no new frame for 10 s."
    assert scene.told()[-1][1].startswith("yard: online again after 1")
    assert scene.life.restarts == 1


def test_a_stall_that_passes_is_told_as_over_and_nothing_is_killed():
    scene = Scene().online()
    scene.pass_time(12)
    scene.pass_time(5, fps=10)
    assert scene.life.state is CameraState.ONLINE and scene.count(Kill) == 0


@pytest.mark.parametrize("fps", [0.2, 0.1, 0.05])
def test_a_slow_camera_is_not_stalled_while_it_keeps_its_own_pace(fps):
    scene = Scene(first_period_s=1 / fps)
    scene.begin()
    scene.pass_time(1200, fps=fps)
    assert scene.life.state is CameraState.ONLINE and scene.count(Kill) == 0
    assert [state for state, _ in scene.told()] == [CameraState.ONLINE]


def test_a_slow_camera_that_stops_is_stalled_after_three_of_its_own_periods():
    scene = Scene().online()
    scene.pass_time(300, fps=0.2)
    scene.pass_time(14)
    assert scene.life.state is CameraState.ONLINE
    scene.pass_time(8)
    assert scene.life.state is CameraState.STALLED


def test_what_waits_for_room_in_the_spool_is_not_stalled():
    scene = Scene().online()
    scene.pass_time(600, held_up=True)
    assert scene.life.state is CameraState.ONLINE and scene.count(Kill) == 0


def test_that_this_process_slept_is_no_stall():
    scene = Scene().online()
    scene.now_s += 3600
    scene.pass_time(5)
    assert scene.life.state is CameraState.ONLINE and scene.count(Kill) == 0


def test_a_process_without_any_picture_is_killed_in_the_end():
    scene = Scene()
    scene.begin()
    assert scene.pass_time(40) == []
    assert scene.pass_time(20) == [Kill()]
    scene.exit()
    assert "no picture within 45 s" in scene.life.last_error


def test_too_much_memory_ends_the_process_with_a_sentence():
    scene = Scene(max_memory_bytes=100 << 20).online()
    scene.pass_time(5, fps=10, memory_bytes=100 << 20)
    assert scene.count(Kill) == 0
    assert scene.pass_time(5, fps=10, memory_bytes=101 << 20) == [Kill()]
    scene.exit()
    assert scene.life.last_error == (
        "yard: its process took 101 MiB of memory, more than the limit of 100 MiB (supervision.max_memory_mib)."
    )


def waits_s(scene, cause, tries):
    found = []
    for _ in range(tries):
        scene.exit(cause, "yard: trouble.")
        exited_s = scene.now_s
        assert scene.pass_time(5000) == [Start()]
        found.append(scene.now_s - exited_s)
    return found


@pytest.mark.parametrize(
    ("cause", "backoff", "state"),
    [
        (Cause.UNREACHABLE, PASSING, CameraState.RECONNECTING),
        (Cause.CRASHED, PASSING, CameraState.RECONNECTING),
        (Cause.NOT_FOUND, MISSING, CameraState.NOT_FOUND),
        (Cause.AUTH_FAILED, REFUSED, CameraState.AUTH_FAILED),
    ],
)
def test_tries_come_ever_later_up_to_a_cap_and_the_trouble_is_told_once(cause, backoff, state):
    scene = Scene()
    scene.begin()
    waits = waits_s(scene, cause, 12)
    for tries, wait in enumerate(waits):
        most = min(backoff.most_s, backoff.first_s * 2**tries)
        assert most / 2 <= wait <= most + 1
    assert scene.life.state is state and len(set(waits[6:])) > 1  # with jitter
    assert len(scene.told()) == 1


def test_a_refused_password_is_tried_three_times_in_half_an_hour_at_most_and_says_why():
    for seed in range(50):
        scene = Scene()
        scene.life._rng = random.Random(seed)  # noqa: S311
        scene.begin()
        at_s, tried = 0.0, [0.0]
        for wait in waits_s(scene, Cause.AUTH_FAILED, 6):
            at_s += wait
            tried.append(at_s)
        for first in tried:
            assert sum(first <= at < first + 1800 for at in tried) <= 3
    assert "every 10 to 60 minutes" in scene.life.last_error and "lock an account" in scene.life.last_error


def test_a_minute_online_makes_the_next_try_a_soon_one_again():
    scene = Scene()
    scene.begin()
    waits_s(scene, Cause.UNREACHABLE, 10)
    scene.pass_time(90, fps=10)
    assert waits_s(scene, Cause.UNREACHABLE, 1)[0] <= 1.5


def test_a_moment_online_does_not():
    scene = Scene()
    scene.begin()
    waits_s(scene, Cause.UNREACHABLE, 10)
    scene.pass_time(5, fps=10)
    assert waits_s(scene, Cause.UNREACHABLE, 1)[0] >= 30


def test_a_person_can_have_it_tried_now():
    scene = Scene()
    scene.begin()
    scene.exit(Cause.AUTH_FAILED)
    assert scene.life.next_try_in_s(scene.now_s) > 500
    assert scene.do(scene.life.retry_now(scene.now_s)) == [Start()]
    assert scene.life.retry_now(scene.now_s) == []


def test_a_clip_at_its_end_stays_ended_and_one_that_is_looped_or_live_does_not():
    scene = Scene(plays_once=True).online()
    scene.exit(None, "the end of the source")
    assert scene.life.state is CameraState.ENDED and scene.life.is_over and not scene.life.last_error
    assert scene.pass_time(600) == []
    scene = Scene().online()
    scene.exit(None, "the clip behind the URL ended")
    assert scene.life.state is CameraState.RECONNECTING and scene.pass_time(5) == [Start()]


def test_a_clip_that_breaks_off_is_not_sent_from_its_beginning_again():
    scene = Scene(plays_once=True).online()
    scene.exit(Cause.CRASHED, "yard: the decoder crashed.")
    assert scene.life.state is CameraState.ENDED and scene.life.last_error == "yard: the decoder crashed."
    assert scene.pass_time(600) == []


def test_a_clip_that_is_not_there_yet_is_waited_for():
    scene = Scene(plays_once=True)
    scene.begin()
    scene.exit(Cause.NOT_FOUND, "yard: no such file.")
    assert scene.life.state is CameraState.NOT_FOUND and scene.pass_time(60) == [Start()]


def test_a_stop_is_the_end_whatever_it_was_doing():
    for prepare in (
        lambda s: s.online(),
        lambda s: (s.begin(), s.exit(Cause.UNREACHABLE)),
        lambda s: (s.online(), s.pass_time(30)),
    ):
        scene = Scene()
        prepare(scene)
        if scene.do(scene.life.stop()):
            scene.exit()
        assert scene.life.is_over and scene.pass_time(5000) == []


class AnyLife(RuleBasedStateMachine):
    """Whatever happens in whatever order: one process at most, and never one after the end."""

    def __init__(self):
        super().__init__()
        self.life = CameraLife("yard", Rules(), random.Random(1))  # noqa: S311
        self.now_s, self.frames, self.running, self.stopped = 0.0, 0, 0, False
        self.do(self.life.begin(self.now_s))

    def do(self, actions):
        for action in actions:
            if isinstance(action, Start):
                assert not self.running and not self.stopped
                self.running, self.frames = 1, 0
            if isinstance(action, Kill):
                assert self.running
        told = [a for a in actions if isinstance(a, Tell)]
        assert len({(t.state, t.message) for t in told}) == len(told)

    @rule(seconds=st.floats(0.1, 120), frames=st.integers(0, 50), held_up=st.booleans())
    def time_passes(self, seconds, frames, held_up):
        self.now_s += seconds
        self.frames += frames if self.running else 0
        self.do(self.life.tick(self.now_s, frames=self.frames, held_up=held_up))

    @precondition(lambda self: self.running)
    @rule(cause=st.sampled_from([None, *Cause]))
    def it_exits(self, cause):
        self.running = 0
        self.do(self.life.exited(self.now_s, cause, "yard: so it is."))

    @rule()
    def somebody_asks_for_a_try(self):
        self.do(self.life.retry_now(self.now_s))

    @rule()
    def it_is_stopped(self):
        self.stopped = True
        self.do(self.life.stop())

    @invariant()
    def trouble_has_words(self):
        if self.life.state in (CameraState.STALLED, CameraState.AUTH_FAILED, CameraState.NOT_FOUND):
            assert self.life.last_error

    def teardown(self):
        assert not self.stopped or self.running or self.life.is_over


TestAnyLife = AnyLife.TestCase
TestAnyLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
