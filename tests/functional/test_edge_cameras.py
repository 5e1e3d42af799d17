"""Cameras that fail, each in its own way, through real child processes: a state, a sentence, a count that adds up."""

import itertools
import socket
import time
from collections import Counter

import cv2
import numpy as np
import pytest

from edge_client.client import EdgeCamera
from edge_client.events import (
    CameraFailed,
    CameraLost,
    CameraWarning,
    FrameSampled,
    FrameSent,
    FramesUnreadable,
    Opened,
)
from edge_client.explain import Cause
from edge_client.sampler import EveryNth, PerSecond
from tests.cameras import http, rtsp
from tests.cameras.gstreamer import PASSWORD, USER, GStreamerCamera
from tests.edge_run import Outcome, after

# Long enough for a busy machine, short enough to wait for.
TIMEOUT_S = 2.0


def camera(source, sampling=EveryNth(1), **more):  # noqa: B008
    return EdgeCamera("yard", source, sampling, **{"timeout_s": TIMEOUT_S, **more})


def counts_add_up(outcome):
    [c] = outcome.report.cameras.values()
    assert c.sampled == c.sent + c.gated + c.dropped + c.failed
    assert c.sampled == len(outcome.of(FrameSampled)) and c.sent == len(outcome.of(FrameSent))
    assert c.unreadable == sum(event.count for event in outcome.of(FramesUnreadable))
    return c


def after_lost(events):
    """It came back: opened, lost, opened, and a frame."""
    kinds = Counter(map(type, events))
    return kinds[CameraLost] >= 1 and kinds[Opened] >= 2 and type(events[-1]) is FrameSampled


@pytest.mark.parametrize(
    ("make", "cause", "says"),
    [
        (http.SilentCamera, Cause.UNREACHABLE, "no answer in time"),
        (http.HeadOnlyCamera, Cause.STALLED, "it sent nothing for 2 s"),
        (http.GarbageCamera, Cause.BAD_DATA, "it sent data for 2 s and no whole picture"),
        (http.AlwaysTornCamera, Cause.BAD_DATA, "it sent data for 2 s and no whole picture"),
        (http.UndecodableCamera, Cause.BAD_DATA, "none of its pictures could be decoded for 2 s"),
        (
            lambda: http.StreamCamera(size_wh=(64, 48)),
            Cause.BAD_DATA,
            "no picture of it can be sent: vision takes none of 64x48, each side must have 80 to 10000 pixels",
        ),
        (
            lambda: http.UndecodableCamera(good=5, size_wh=(64, 48)),
            Cause.BAD_DATA,
            "none of its pictures could be decoded for 2 s",
        ),
        (http.NotHttpCamera, Cause.BAD_DATA, "check the path"),
        (lambda: http.StatusCamera(403), Cause.AUTH_FAILED, "forbids it (403)"),
        (lambda: http.StatusCamera(404), Cause.NOT_FOUND, "no such path (404)"),
        (lambda: http.StatusCamera(500), Cause.UNREACHABLE, "an error of its own (5xx)"),
        (lambda: http.StatusCamera(418), Cause.UNREACHABLE, "answered with status 418"),
        (lambda: http.StatusCamera(200, body=b"<h1>camera</h1>"), Cause.BAD_DATA, "answers with a web page"),
        (lambda: http.StatusCamera(200, content_type="video/mp4"), Cause.BAD_DATA, "check the path"),
        (
            lambda: http.StatusCamera(302, location="http://elsewhere.invalid/?token=hunter2"),
            Cause.SETTINGS,
            "sends us on to another place (http://elsewhere.invalid)",
        ),
        (lambda: http.LoginCamera('Basic realm="c"', "u", "right"), Cause.AUTH_FAILED, "user name or password (401)"),
        (lambda: http.LoginCamera("Bearer", "u", "right"), Cause.AUTH_FAILED, "is not understood (401, bearer)"),
        (rtsp.SilentRtspCamera, Cause.UNREACHABLE, "no answer in time"),
        (rtsp.PacketlessRtspCamera, Cause.STALLED, "it sent nothing for 2 s"),
        (rtsp.GarbageRtspCamera, Cause.UNREACHABLE, "no answer in time"),
        (lambda: rtsp.StatusRtspCamera("401 Unauthorized"), Cause.AUTH_FAILED, "user name or password (401)"),
        (lambda: rtsp.StatusRtspCamera("404 Not Found"), Cause.NOT_FOUND, "no such path (404)"),
        (lambda: rtsp.StatusRtspCamera("503 Service Unavailable"), Cause.UNREACHABLE, "an error of its own (5xx)"),
    ],
)
def test_a_camera_that_never_worked_fails_with_its_cause_in_one_sentence(capfd, make, cause, says):
    with make() as fake:
        outcome = Outcome(camera(fake.url_with("admin:hunter2")))
    [failed] = outcome.of(CameraFailed)
    assert failed.cause is cause and says in failed.message, failed
    assert failed.message.startswith(f"yard: cannot read {fake.url_with('admin:***')}: ")
    assert "hunter2" not in outcome.text and capfd.readouterr() == ("", "")
    assert counts_add_up(outcome).sampled == 0


@pytest.mark.parametrize("source", ["http://no-such-camera.invalid/x", "onvif://no-such-camera.invalid"])
def test_a_host_that_nobody_knows_is_not_found(source):
    [failed] = Outcome(camera(source)).of(CameraFailed)
    assert failed.cause is Cause.NOT_FOUND and "the host name is unknown" in failed.message


@pytest.mark.parametrize("scheme", ["http", "rtsp", "onvif"])
def test_a_port_where_nothing_listens_is_unreachable(scheme):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        [failed] = Outcome(camera(f"{scheme}://127.0.0.1:{closed.getsockname()[1]}/x")).of(CameraFailed)
    assert failed.cause is Cause.UNREACHABLE and "nothing listens there" in failed.message


def test_a_missing_file_and_a_missing_device_are_not_found_and_a_secret_that_is_not_set_is_a_setting(tmp_path):
    for source, cause in (
        (str(tmp_path / "no.mp4"), Cause.NOT_FOUND),
        ("63", Cause.NOT_FOUND),
        ("rtsp://u:${FRAMEWATCH_NO_SUCH}@h/x", Cause.SETTINGS),
    ):
        [failed] = Outcome(camera(source)).of(CameraFailed)
        assert failed.cause is cause


@pytest.mark.parametrize(
    "make",
    [
        http.StreamCamera,
        http.LyingCamera,
        http.BareCamera,
        http.BurstCamera,
        lambda: http.DribblingCamera(fps=20.0),
        http.SnapshotCamera,
    ],
)
def test_a_camera_that_is_odd_but_whole_is_read_without_a_word(make):
    with make() as fake:
        outcome = Outcome(camera(fake.url, PerSecond(20)), after(5))
    assert outcome.report.ok and counts_add_up(outcome).unreadable == 0
    assert not outcome.of(CameraWarning) and not outcome.of(CameraLost)
    sizes = {(f.meta.width, f.meta.height) for f in outcome.stream.frames}
    assert sizes == {(160, 120)} and len(outcome.stream.frames) >= 5


@pytest.mark.parametrize("make", [http.TornCamera, http.EmptyPartCamera])
def test_pictures_that_are_torn_or_empty_are_skipped_counted_and_told_once(make):
    def until(events):
        return sum(e.count for e in events if type(e) is FramesUnreadable) >= 40

    with make() as fake:
        outcome = Outcome(camera(fake.url), until)
    assert counts_add_up(outcome).unreadable >= 40 and outcome.report.ok
    assert {event.reason for event in outcome.of(FramesUnreadable)} == {"torn"}
    [warning] = outcome.of(CameraWarning)
    assert warning.message == (
        f"yard: {fake.url}: skipped a picture: cut short or empty on the way;"
        " check the network and the camera's load."
    )
    assert all(cv2.imdecode(np.frombuffer(f.jpeg, np.uint8), 1) is not None for f in outcome.stream.frames)


@pytest.mark.parametrize(
    ("make", "cause", "says"),
    [
        (lambda: http.StallingCamera(frames=20), Cause.STALLED, "it sent nothing for 2 s"),
        (lambda: http.StreamCamera(frames=20), Cause.ENDED, "the stream ended"),
        (lambda: http.UndecodableCamera(good=20), Cause.BAD_DATA, "none of its pictures could be decoded for 2 s"),
    ],
)
def test_a_camera_that_fails_after_it_worked_is_opened_again_and_the_sequence_goes_on(make, cause, says):
    with make() as fake:
        outcome = Outcome(camera(fake.url, EveryNth(4)), after_lost)
    lost = outcome.of(CameraLost)[0]
    assert lost.cause is cause and f"yard: lost {fake.url}: {says}; trying again in " in lost.message
    ids = [event.frame_id for event in outcome.of(FrameSampled)]
    assert [i[-10:] for i in ids] == [f"{n:010d}" for n in range(len(ids))] and len({i[:-10] for i in ids}) == 1
    counts_add_up(outcome)


def test_a_camera_that_is_switched_off_and_on_is_read_again():
    with http.StreamCamera() as fake:
        state = {"off": False}

        def until(events):
            if not state["off"] and after(3)(events):
                state["off"] = True
                fake.hang_up()
            return after_lost(events)

        outcome = Outcome(camera(fake.url), until)
    assert outcome.of(CameraLost)[0].cause in (Cause.ENDED, Cause.UNREACHABLE) and fake.connections >= 2


def test_a_camera_that_changes_its_picture_size_is_announced_again_and_the_frames_say_theirs():
    with http.ResizingCamera() as fake:
        outcome = Outcome(camera(fake.url), lambda events: Counter(map(type, events))[Opened] >= 3)
    sizes = [(event.width, event.height) for event in outcome.of(Opened)]
    assert sizes[:3] == [(160, 120), (320, 240), (160, 120)] and not outcome.of(CameraLost)
    for frame in outcome.stream.frames:
        shape = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR).shape
        assert shape == (frame.meta.height, frame.meta.width, 3)


@pytest.mark.parametrize(
    "challenges",
    [
        'Basic realm="c"',
        'Digest realm="c", nonce="n", qop="auth"',
        'digest Realm=c,nonce="n",algorithm="SHA-256",qop="auth,auth-int"',
        ['Basic realm="c"', 'Digest realm="c", nonce="n", algorithm=MD5-sess, qop="auth"'],
        'Basic realm="c", Digest realm="c", nonce="n"',
    ],
)
def test_every_login_that_cameras_ask_for_is_answered_and_the_password_is_shown_nowhere(monkeypatch, challenges):
    monkeypatch.setenv("CAM_PW", PASSWORD)
    with http.LoginCamera(challenges, "cam@1", PASSWORD) as fake:
        outcome = Outcome(camera(fake.url_with("cam%401:${CAM_PW}")), after(2))
    assert outcome.report.ok and fake.refused == 0
    assert PASSWORD not in outcome.text and outcome.of(Opened)[0].source == fake.url_with("cam%401:${CAM_PW}")


def test_a_wrong_password_is_offered_once_an_attempt_and_no_more():
    """Cameras lock a user out who tries too often."""
    with http.LoginCamera('Digest realm="c", nonce="n", qop="auth"', "admin", "right") as fake:
        [failed] = Outcome(camera(fake.url_with("admin:hunter2"))).of(CameraFailed)
    assert failed.cause is Cause.AUTH_FAILED and fake.refused == 1


def test_a_redirect_is_followed_on_the_same_host_and_no_other_host_gets_the_password():
    with http.LoginCamera('Basic realm="c"', "admin", "hunter2") as goal:
        with http.StatusCamera(302, location=goal.url) as first:
            assert Outcome(camera(first.url_with("admin:hunter2")), after(1)).report.ok
        asked = goal.connections
        with http.StatusCamera(302, location=goal.url.replace("127.0.0.1", "localhost")) as first:
            [failed] = Outcome(camera(first.url_with("admin:hunter2"))).of(CameraFailed)
        assert failed.cause is Cause.SETTINGS and goal.connections == asked


def test_a_certificate_that_nobody_signed_is_refused_with_a_sentence_and_taken_when_that_is_set():
    with http.StreamCamera(tls=http.self_signed()) as fake:
        [failed] = Outcome(camera(fake.url)).of(CameraFailed)
        assert failed.cause is Cause.SETTINGS and "set accept_self_signed" in failed.message
        assert Outcome(camera(fake.url, accept_self_signed=True), after(1)).report.ok


def test_a_snapshot_address_is_asked_as_often_as_is_sampled_and_a_torn_answer_is_counted():
    def pictures(number):
        return http.picture(number)[: 200 if number == 2 else None]

    with http.SnapshotCamera(pictures) as fake:
        started = time.monotonic()
        outcome = Outcome(camera(fake.url, PerSecond(5)), after(6))
        elapsed_s = time.monotonic() - started
    assert outcome.report.ok and counts_add_up(outcome).unreadable == 1
    # Never more often than that; how much more seldom, a busy machine decides.
    assert fake.served <= elapsed_s * 5 + 1


def test_pictures_that_nobody_wants_are_not_decoded(monkeypatch):
    from edge_client import mjpeg
    from edge_client.opening import Opening

    decoded = []
    monkeypatch.setattr(mjpeg, "decode_picture", decoded.append)
    with http.StreamCamera() as fake:
        reader = mjpeg.open_http(fake.url, Opening(timeout_s=TIMEOUT_S))
        for _ in range(10):
            assert reader.grab()
        assert decoded == []
        reader.retrieve()
        assert len(decoded) == 1
        reader.close()


def test_a_reader_that_was_busy_goes_on_with_what_is_new():
    from edge_client.mjpeg import MjpegReader
    from edge_client.opening import Opening

    now = [0.0]
    sent = [http.picture(n) for n in range(5)]
    reader = MjpegReader(iter(sent), lambda: None, Opening(), clock=lambda: now[0])
    reader._thread.join()
    now[0] = 0.4
    assert reader.grab() and reader._picture == sent[0]
    now[0] = 0.6
    assert reader.grab() and reader._picture == sent[4] and reader.passed_over == 3
    assert not reader.grab() and reader.end == ("lost", "")


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["h264", pytest.param("h265", marks=pytest.mark.long)])
def test_an_rtsp_server_that_is_killed_and_comes_back_is_read_on_by_the_same_worker(codec):
    with GStreamerCamera(codec) as fake:
        state = {"killed": False}

        def until(events):
            if not state["killed"] and after(3)(events):
                state["killed"] = True
                fake.kill()
            if state["killed"] and fake._process is None and type(events[-1]) is CameraLost:
                fake.start()
            return after_lost(events)

        outcome = Outcome(camera(fake.url, EveryNth(5), timeout_s=5.0), until)
    lost = outcome.of(CameraLost)
    assert lost[0].cause in (Cause.ENDED, Cause.UNREACHABLE, Cause.STALLED), lost
    ids = [event.frame_id for event in outcome.of(FrameSampled)]
    assert [i[-10:] for i in ids] == [f"{n:010d}" for n in range(len(ids))] and len({i[:-10] for i in ids}) == 1
    times = [event.captured_at for event in outcome.of(FrameSampled)]
    assert all(a < b for a, b in itertools.pairwise(times))
    counts_add_up(outcome)


@pytest.mark.slow
@pytest.mark.parametrize("codec", [pytest.param("h264", marks=pytest.mark.long), "h265", "mjpeg"])
@pytest.mark.parametrize("login", ["basic", "digest"])
def test_a_real_rtsp_server_tells_a_wrong_password_from_a_wrong_path_and_is_read_with_the_right_ones(
    monkeypatch, codec, login
):
    monkeypatch.setenv("RTSP_PW", PASSWORD)
    with GStreamerCamera(codec, login=login) as fake:
        right = fake.url_with(f"{USER}:${{RTSP_PW}}")
        [wrong] = Outcome(camera(fake.url_with(f"{USER}:hunter2"), timeout_s=10)).of(CameraFailed)
        [lost] = Outcome(camera(right.replace("/live", "/no"), timeout_s=10)).of(CameraFailed)
        outcome = Outcome(camera(right, EveryNth(5), timeout_s=10), after(3))
    assert wrong.cause is Cause.AUTH_FAILED and "user name or password (401)" in wrong.message
    assert lost.cause is Cause.NOT_FOUND and "no such path (404)" in lost.message
    assert outcome.report.ok and (outcome.of(Opened)[0].width, outcome.of(Opened)[0].height) == (320, 240)
    assert "hunter2" not in wrong.message and PASSWORD not in outcome.text


@pytest.mark.slow
def test_an_rtsp_camera_of_jpegs_that_changes_its_size_is_announced_again():
    with GStreamerCamera("mjpeg", resize_after_s=2.0) as fake:
        outcome = Outcome(
            camera(fake.url, EveryNth(5), timeout_s=10), lambda events: Counter(map(type, events))[Opened] >= 2
        )
    sizes = [(event.width, event.height) for event in outcome.of(Opened)]
    assert sizes == [(320, 240), (480, 360)]
    assert {(f.meta.width, f.meta.height) for f in outcome.stream.frames} <= set(sizes)


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["h264", pytest.param("h265", marks=pytest.mark.long)])
def test_an_rtsp_camera_of_video_that_changes_its_size_is_seen_whole_at_the_size_it_began_with(codec):
    """OpenCV scales (opencv/opencv-python#1176): nothing is cut off, and what the envelope says is what is in it."""
    with GStreamerCamera(codec, resize_after_s=2.0) as fake:
        outcome = Outcome(camera(fake.url, EveryNth(10), timeout_s=10), after(14))
    frames = [cv2.imdecode(np.frombuffer(f.jpeg, np.uint8), cv2.IMREAD_COLOR) for f in outcome.stream.frames]
    assert {frame.shape for frame in frames} == {(240, 320, 3)} and not outcome.of(CameraLost)
    # The upper half shows seven bars: cut off, the last of them would show fewer.
    first, last = ((frame[60, 23::46] > 127).tolist() for frame in (frames[1], frames[-1]))
    assert first == last and len(first) == 7
