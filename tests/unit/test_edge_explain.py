"""Sentences: the cause in words, what to do, and never a secret."""

import io
import signal

import pytest

from edge_client.camera import CameraProcess
from edge_client.explain import explain_crash, explain_loss, explain_open_failure
from edge_client.pipe import Job
from edge_client.source import parse_source

RTSP = parse_source("rtsp://admin:${PW}@cam/live", {"PW": "hunter2"})
CLIP = parse_source("/clips/a.avi", {})


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("method DESCRIBE failed: 401 Unauthorized", "refused the user name or password (401)"),
        ("HTTP error 403 Forbidden", "forbids it (403)"),
        ("method DESCRIBE failed: 404 (Not Found)", "no such path (404)"),
        ("Failed to resolve hostname cam: Name or service not known", "the host name is unknown"),
        ("Connection to tcp://cam:554?timeout=0 failed: Connection refused", "nothing listens there"),
        ("Connection to tcp://cam:554 failed: No route to host", "no route to the host"),
        ("Failed reading RTSP data: Immediate exit requested", "no answer in time"),
        ("HTTP error 503 Service Unavailable", "an error of its own (5xx)"),
        ("something new about hunter2", 'not a video that can be read ("something new about ***")'),
    ],
)
def test_the_cause_is_taken_from_what_the_decoder_said_last(line, says):
    sentence = explain_open_failure("yard", RTSP, "unreachable", "", ["an older line", line])
    assert sentence.startswith("yard: cannot read rtsp://admin:${PW}@cam/live: ") and says in sentence
    assert "hunter2" not in sentence


def test_a_loss_names_the_cause_and_the_wait():
    assert explain_loss("yard", RTSP, "unreachable", ["Connection refused"], 4.0) == (
        "yard: lost rtsp://admin:${PW}@cam/live: nothing listens there (connection refused); trying again in 4 s."
    )


def test_a_crash_names_signal_file_frames_and_the_decoder_s_last_words():
    assert explain_crash("front-door", CLIP, -signal.SIGABRT, 12, ["munmap_chunk(): invalid pointer", ""]) == (
        "front-door: the decoder crashed (signal SIGABRT) while reading /clips/a.avi after 12 frames, saying"
        ' "munmap_chunk(): invalid pointer"; convert the file, for example to MP4 (H.264), and try again.'
    )
    assert "(exit status 1) while reading /clips/a.avi after 1 frame;" in explain_crash("a", CLIP, 1, 1, [])
    assert "ran out of memory" in explain_crash("a", CLIP, -signal.SIGKILL, 1, [])


def test_what_a_child_prints_is_kept_short_stripped_and_without_secrets():
    job = Job("yard", "rtsp", RTSP.target, 1, None, "realtime", False, True, None, "2026-05-01T08:00:00+00:00", None)
    assert "hunter2" not in repr(job)
    process = CameraProcess(job, RTSP, on_event=print, on_record=print, on_finished=print)
    long = b"x" * 5000 + b"hunter2 and more\n"
    noise = b"[OPENCV:FFMPEG:24] [rtsp @ 0x1] no for rtsp://admin:hunter2@cam/live\n\n\xff\n" + long + b"last\n" * 100
    process._listen(io.BytesIO(noise))
    assert len(process._noise) == 40 and all(len(line) <= 300 for line in process._noise)
    process._noise.clear()
    process._listen(io.BytesIO(noise.removesuffix(b"last\n" * 100)))
    assert list(process._noise) == ["no for rtsp://***@cam/live", "\ufffd", "x" * 300]
