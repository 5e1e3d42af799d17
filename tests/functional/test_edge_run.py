"""run_edge as a whole, and framewatch-edge as its users meet it: signals, parents that die, words when it fails."""

import base64
import http.server
import json
import os
import random
import signal
import subprocess
import sys
import threading

import boto3
import cv2
import numpy as np
import psutil
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from edge_client import producer
from edge_client.client import EdgeCamera, run_edge
from edge_client.events import CameraEnded, FrameFailed, FrameSampled, FrameSent
from edge_client.sampler import EveryNth
from framewatch.wire.envelope import decode_envelope
from tests.edge_box import ROOT, PutRecordsHandler
from tests.waiting import wait_until


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "visit.avi"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*"MJPG"), 25, (160, 120))
    for n in range(60):
        writer.write(np.full((120, 160, 3), n * 4, np.uint8))
    writer.release()
    return path


def fast(camera_id, clip, every=1, **more):
    return EdgeCamera(camera_id, str(clip), EveryNth(every), pace="fast", **more)


class FlakyStream:
    """Takes in what it likes: some records of a request fail, some whole requests, some after they were taken in."""

    def __init__(self, seed):
        self._rng = random.Random(seed)  # noqa: S311
        self.taken = []
        self.requests = 0

    def put_records(self, *, StreamName, Records):
        self.requests += 1
        if self._rng.random() < 0.15:
            code = self._rng.choice(["ProvisionedThroughputExceededException", "InternalFailure"])
            raise ClientError({"Error": {"Code": code, "Message": ""}}, "PutRecords")
        results = []
        for record in Records:
            if self._rng.random() < 0.15:
                results.append({"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": ""})
            else:
                self.taken.append(decode_envelope(record["Data"]).meta)
                results.append({"ShardId": "s-0", "SequenceNumber": str(len(self.taken))})
        return {"FailedRecordCount": sum("ErrorCode" in r for r in results), "Records": results}


@mock_aws
def test_frames_of_a_camera_lie_in_order_on_one_shard_of_a_real_stream(clip, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    kinesis = boto3.client("kinesis", region_name="eu-west-1")
    kinesis.create_stream(StreamName="frames", ShardCount=3)
    report = run_edge([fast("front-door", clip), fast("yard", clip, 7)], kinesis, "frames")
    assert report.ok and (report.cameras["front-door"].sent, report.cameras["yard"].sent) == (60, 9)
    found = {}
    for shard in kinesis.list_shards(StreamName="frames")["Shards"]:
        at = kinesis.get_shard_iterator(
            StreamName="frames", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        for record in kinesis.get_records(ShardIterator=at)["Records"]:
            meta = decode_envelope(record["Data"]).meta
            assert record["PartitionKey"] == meta.camera_id
            found.setdefault(meta.camera_id, []).append((shard["ShardId"], meta.seq))
    assert {camera_id: len({shard for shard, _ in seen}) for camera_id, seen in found.items()} == {
        "front-door": 1,
        "yard": 1,
    }
    assert [seq for _, seq in found["front-door"]] == list(range(60))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_sampled_frame_arrives_exactly_once_through_partial_failures_and_throttling(clip, seed, monkeypatch):
    monkeypatch.setattr(producer, "BACKOFF_BASE_S", 0.001)
    stream, events = FlakyStream(seed), []
    report = run_edge([fast("front-door", clip), fast("yard", clip, 2)], stream, "frames", on_event=events.append)
    sampled = [e.frame_id for e in events if type(e) is FrameSampled]
    assert len(sampled) == 90 == len(set(sampled))
    assert sorted(m.frame_id for m in stream.taken) == sorted(sampled)
    assert sorted(e.frame_id for e in events if type(e) is FrameSent) == sorted(sampled)
    assert report.ok and stream.requests > 2


def test_a_stream_that_does_not_exist_ends_the_run_in_one_sentence_and_every_frame_is_accounted_for(clip):
    class NoStream:
        def put_records(self, **_):
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": ""}}, "PutRecords")

    events = []
    report = run_edge([fast("a", clip), fast("b", clip, loop=True)], NoStream(), "frames", on_event=events.append)
    assert report.errors == [
        "cannot write to stream frames: there is no such stream in this region and account; check its name, or deploy"
        " (ResourceNotFoundException)."
    ]
    for counters in report.cameras.values():
        assert counters.sampled == counters.failed
    sampled = {e.frame_id for e in events if type(e) is FrameSampled}
    assert {e.frame_id for e in events if type(e) is FrameFailed} == sampled


def test_after_a_stop_an_unreachable_stream_holds_the_run_up_no_longer_than_asked(clip):
    class Down:
        def put_records(self, **_):
            raise ClientError({"Error": {"Code": "ServiceUnavailable", "Message": ""}}, "PutRecords")

    stop, events = threading.Event(), []

    def on_event(event):
        events.append(event)
        if type(event) is FrameSampled:
            stop.set()

    report = run_edge(
        [fast("a", clip, loop=True)], Down(), "frames", on_event=on_event, stop=stop, flush_timeout_s=0.5
    )
    counters = report.cameras["a"]
    assert counters.sampled == counters.failed > 0
    assert "not sent within 0.5 s after the stop" in report.errors[0]


def test_an_exception_of_the_listener_stops_the_run_and_comes_out(clip):
    def on_event(event):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        run_edge([fast("a", clip, loop=True)], FlakyStream(1), "frames", on_event=on_event)
    assert workers_of(os.getpid()) == []


@pytest.mark.parametrize("ids", [["a", "a"], ["Front Door"], ["a\n"], [""]])
def test_bad_camera_ids_are_refused_before_anything_starts(clip, ids):
    with pytest.raises(ValueError, match="camera id"):
        run_edge([fast(camera_id, clip) for camera_id in ids], FlakyStream(1), "frames")


def workers_of(pid):
    try:
        children = psutil.Process(pid).children(recursive=True)
        return [child for child in children if "edge_client.worker" in child.cmdline()]
    except psutil.NoSuchProcess:
        return []


class KinesisEndpoint(http.server.ThreadingHTTPServer):
    """Has the stream `frames` and no other."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), PutRecordsHandler)
        self.frames = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def take(self, request):
        if request["StreamName"] != "frames":
            return 400, {"__type": "ResourceNotFoundException", "message": "no such stream"}
        self.frames += [decode_envelope(base64.b64decode(r["Data"])) for r in request["Records"]]
        return 200, {"Records": [{"ShardId": "s-0", "SequenceNumber": "1"} for _ in request["Records"]]}


@pytest.fixture
def endpoint():
    server = KinesisEndpoint()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def edge(endpoint):
    started = []

    def start(*args, stream="frames", **env):
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "eu-west-1"}
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "edge_client.cli",
                "run",
                "--stream",
                stream,
                "--endpoint-url",
                endpoint.url,
                *args,
            ],
            cwd=ROOT,
            env={**os.environ, **keys, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        for worker in workers_of(process.pid):
            worker.kill()
        process.kill()
        process.communicate()


def first_line_with(process, text):
    for line in process.stdout:
        if text in line:
            return line
    raise AssertionError(f"no line with {text!r}; stderr: {process.stderr.read()}")


def test_the_command_sends_a_clip_and_says_what_it_did(edge, endpoint, clip):
    out, err = edge("--source", str(clip), "--camera-id", "front-door", "--every", "20", "--fast").communicate()
    assert out.splitlines() == [
        f"front-door: reading {clip}, 160x120, 25 frames/s, 2 s",
        "front-door: ended: the end of the source",
        "front-door: 60 frames read, 3 taken, 3 sent",
    ]
    assert err == "" and [frame.meta.seq for frame in endpoint.frames] == [0, 1, 2]


def test_the_command_exits_with_1_when_a_camera_fails_and_the_others_are_sent(edge, endpoint, clip):
    process = edge("--source", str(clip), "--source", "/no/such.mp4", "--fast")
    out, err = process.communicate()
    assert process.returncode == 1
    assert err == "camera-2: cannot read /no/such.mp4: there is no such file or folder; check the path.\n"
    assert "camera-1: 60 frames read, 2 taken, 2 sent" in out and len(endpoint.frames) == 2


def test_the_command_names_a_stream_that_is_not_there_once(edge, clip):
    process = edge("--source", str(clip), "--fast", "--every", "1", stream="typo")
    out, err = process.communicate()
    assert process.returncode == 1
    assert err.count("cannot write to stream typo: there is no such stream") == 1
    assert " 0 sent, " in out


def test_json_lines_hold_every_event_and_the_report(edge, clip):
    out, _ = edge("--source", str(clip), "--every", "30", "--fast", "--log-format", "json").communicate()
    events = [json.loads(line) for line in out.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "Opened" and kinds.count("FrameSent") == 2 and kinds[-1] == "Report"
    assert events[-1]["ok"] and events[-1]["cameras"]["camera-1"]["sent"] == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_cleanly_with_all_frames_sent_and_no_child(edge, endpoint, clip, number):
    process = edge("--source", str(clip), "--loop", "--every", "5", "--verbose")
    first_line_with(process, "sent camera-1.")
    workers = workers_of(process.pid)
    os.kill(process.pid, number)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    taken = int(out.splitlines()[-1].split(", ")[1].removesuffix(" taken"))
    assert taken == len(endpoint.frames) > 0
    assert len(workers) == 1 and not workers[0].is_running()


def test_ctrl_c_in_a_terminal_reaches_the_group_and_prints_no_traceback(edge, clip):
    process = edge("--source", str(clip), "--loop")
    first_line_with(process, "reading")
    [worker] = workers_of(process.pid)
    # the terminal signals a whole foreground group; the child lives in one of its own
    assert os.getpgid(worker.pid) != os.getpgid(process.pid)
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate()
    assert err == ""


def test_a_parent_killed_outright_leaves_no_orphan(edge, clip):
    # so few frames that no child notices by its pipe
    process = edge("--source", str(clip), "--source", str(clip), "--loop", "--fps", "0.001")
    first_line_with(process, "reading")
    first_line_with(process, "reading")
    workers = workers_of(process.pid)
    process.kill()
    try:
        wait_until(lambda: not any(w.is_running() and w.status() != psutil.STATUS_ZOMBIE for w in workers), 20)
    finally:
        for worker in workers:
            if worker.is_running():
                worker.kill()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--source", "0", "--every", "0"], "the number must be at least 1"),
        (["--source", "0", "--fps", "0"], "the number must be above 0"),
        (["--source", "0", "--every", "3", "--fps", "1"], "not allowed with"),
        (
            ["--source", "0", "--camera-id", "a", "--camera-id", "b"],
            "1 sources need as many --camera-id, there are 2",
        ),
        (["--source", "0", "--camera-id", "Front Door"], "is not lower-case letters, digits and hyphens"),
        (["--source", "0", "--base-time", "noon", "--fast"], "is not a time such as"),
        (["--source", "0", "--base-time", "2026-05-01T08:00:00", "--fast"], "has no time zone"),
        (["--source", "0", "--base-time", "2026-05-01T08:00:00Z"], "needs --fast"),
    ],
)
def test_wrong_arguments_exit_with_2_and_say_what_is_right(args, says, capsys, monkeypatch):
    from edge_client import cli

    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setattr(cli, "_stop_on_signals", lambda stop: None)
    with pytest.raises(SystemExit) as caught:
        cli.main(["run", "--stream", "frames", *args])
    assert caught.value.code == 2 and says in capsys.readouterr().err


@pytest.mark.timeout(30)
def test_a_stop_ends_the_cameras_at_once_and_not_only_when_flushing_has_taken_its_time(clip):
    stop, events = threading.Event(), []
    stop.set()
    run_edge(
        [fast("a", clip, loop=True)],
        FlakyStream(1),
        "frames",
        on_event=events.append,
        stop=stop,
        flush_timeout_s=1000,
    )
    assert events[-1] == CameraEnded("a", "stopped")
