"""The unattended service with real worker processes: trouble in one camera, reloads, stops, what it tells."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from framewatch.domain.edge_control import EdgeControl
from framewatch.wire.edge_control import encode_edge_control
from tests.edge_box import ROOT, Box, MjpegCamera, Stream, write_clip
from tests.waiting import wait_until

PASSWORD = "p@ss:w/rd #1%"


@pytest.fixture
def stream():
    stream = Stream()
    yield stream
    stream.close()


@pytest.fixture
def box(tmp_path, stream):
    box = Box(tmp_path, stream, {"CAM_PW": PASSWORD, "WRONG_PW": "hunter2"})
    yield box
    box.close()


@pytest.fixture
def camera():
    made = []

    def make(**settings):
        made.append(MjpegCamera(**settings))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "loop.avi")


def looped(camera_id, clip, **more):
    return {"id": camera_id, "source": str(clip), "loop": True, **more}


def is_without_a_gap(metas):
    """Within each life of its process a camera's frames are numbered without a gap, and none came twice."""
    by_boot = {}
    for meta in metas:
        by_boot.setdefault(meta.boot_id, []).append(meta.seq)
    return all(sorted(seqs) == list(range(len(seqs))) for seqs in by_boot.values())


def test_a_killed_worker_is_started_again_and_the_other_camera_goes_on_without_a_gap(box, stream, clip):
    box.configure([looped("front", clip), looped("yard", clip)])
    box.start()
    box.wait_for_more("front"), box.wait_for_more("yard")
    other = box.worker("yard")
    box.worker("front").kill()
    wait_until(lambda: box.camera("front")["restarts"] == 1)
    assert "crashed (signal SIGKILL)" in box.camera("front")["last_error"]
    box.wait_for("front", "online")
    box.wait_for_more("front")
    assert box.worker("yard") == other and box.camera("yard")["restarts"] == 0
    assert box.end() == 0
    boots = {meta.boot_id for meta in stream.of("yard")}
    assert len(boots) == 1 and is_without_a_gap(stream.of("yard")) and is_without_a_gap(stream.of("front"))


def test_a_worker_that_hangs_is_seen_killed_and_started_again(box, clip):
    box.configure([looped("front", clip, supervision={"stall_s": 2}), looped("yard", clip)])
    box.start()
    box.wait_for("front", "online")
    box.worker("front").send_signal(signal.SIGSTOP)
    box.wait_for("front", "stalled")
    assert box.get("/healthz")[0] == 503
    wait_until(lambda: box.camera("front")["restarts"] == 1)
    assert "no new frame for" in box.camera("front")["last_error"]
    box.wait_for("front", "online")
    assert box.camera("yard")["restarts"] == 0
    assert box.log.count("front: stalled") == 1


def test_a_camera_that_sends_nothing_any_more_is_opened_again_until_it_does(box, camera):
    silent = camera()
    yard = {"id": "yard", "source": f"http://{silent.host}/x", "timeout_s": 2, "supervision": {"stall_s": 3}}
    box.configure([yard])
    box.start()
    box.wait_for("yard", "online")
    silent.is_silent = True
    wait_until(lambda: box.camera("yard")["state"] in ("stalled", "reconnecting"))
    assert box.camera("yard")["last_error"]
    silent.is_silent = False
    box.wait_for("yard", "online")
    box.wait_for_more("yard")


def test_a_worker_that_takes_too_much_memory_is_started_again_with_a_sentence(box, clip):
    box.configure([looped("front", clip, supervision={"max_memory_mib": 32}), looped("yard", clip)])
    box.start()
    wait_until(lambda: box.camera("front")["restarts"] >= 1)
    assert re.search(
        r"front: its process took \d+ MiB of memory, more than the limit of 32 MiB", box.camera("front")["last_error"]
    )
    box.wait_for_more("yard")
    assert box.camera("yard")["restarts"] == 0


def test_a_wrong_password_is_told_once_and_not_tried_again_soon_and_no_secret_is_shown_anywhere(box, camera, clip):
    locked, opened = camera(password=PASSWORD), camera(password=PASSWORD)
    box.configure(
        [
            {"id": "shut", "source": f"http://viewer:${{WRONG_PW}}@{locked.host}/x"},
            {"id": "open", "source": f"http://viewer:${{CAM_PW}}@{opened.host}/x"},
            {"id": "unset", "source": "rtsp://viewer:${NO_SUCH_PW}@127.0.0.1:9/x"},
            looped("front", clip),
        ]
    )
    box.start("--verbose")
    shut = box.wait_for("shut", "auth-failed")
    assert "refused the user name or password (401)" in shut["last_error"]
    assert "cameras lock an account" in shut["last_error"] and shut["next_try_in_s"] > 300
    assert "set NO_SUCH_PW" in box.wait_for("unset", "auth-failed")["last_error"]
    box.wait_for("open", "online")
    box.wait_for_more("open"), box.wait_for_more("front")
    asked = locked.requests
    box.wait_for_more("front", more=10)
    assert locked.requests == asked <= 2 and box.log.count("shut: cannot read") == 1
    pages = [box.get(path)[1] for path in ("/state.json", "/metrics", "/healthz")]
    assert box.end() == 0
    for text in (*pages, box.log):
        for secret in (PASSWORD, "hunter2", "hunter3secret", "p%40ss"):
            assert secret not in text
    assert "http://viewer:${WRONG_PW}@" in pages[0]


def test_a_path_that_is_not_there_is_not_found_and_a_port_nobody_listens_on_is_reconnecting(box, tmp_path, clip):
    box.configure(
        [
            {"id": "file", "source": str(tmp_path / "no.mp4")},
            {"id": "port", "source": "rtsp://127.0.0.1:9/x"},
            {"id": "off", "source": "0", "enabled": False},
        ]
    )
    box.start()
    assert "no such file" in box.wait_for("file", "not-found")["last_error"]
    wait_until(lambda: box.camera("port")["last_error"])
    assert "nothing listens there" in box.wait_for("port", "reconnecting")["last_error"]
    assert box.camera("off")["state"] == "disabled" and box.worker("off") is None
    wait_until(lambda: box.camera("port")["restarts"] >= 2)
    assert box.log.count("port: cannot read") == 1  # the same news is told once
    write_clip(tmp_path / "no.mp4.avi").rename(tmp_path / "no.mp4")
    os.kill(box.pid, signal.SIGHUP)
    wait_until(lambda: box.camera("file")["frames"]["sampled"])


def test_a_reload_adds_removes_and_changes_cameras_without_touching_the_rest(box, stream, clip):
    box.configure([looped("kept", clip), looped("changed", clip), looped("removed", clip)])
    box.start()
    for camera_id in ("kept", "changed", "removed"):
        box.wait_for_more(camera_id)
    kept, changed = box.worker("kept"), box.worker("changed")
    box.configure([looped("kept", clip), looped("changed", clip, sampling={"fps": 2}), looped("added", clip)])
    box.wait_for("added", "online")
    wait_until(lambda: box.worker("removed") is None and box.worker("changed") not in (None, changed))
    box.wait_for_more("changed"), box.wait_for_more("kept")
    assert box.worker("kept") == kept and box.camera("kept")["restarts"] == 0
    assert "is read again: added added, changed changed, removed removed." in box.log
    assert box.end() == 0
    assert len({meta.boot_id for meta in stream.of("kept")}) == 1 and is_without_a_gap(stream.of("kept"))
    assert len(stream.of("removed")) == box_account(box, "removed")["sent"]


def box_account(box, camera_id):
    """From the last line about it in the log."""
    line = [line for line in box.log.splitlines() if line.startswith(f"{camera_id}: ") and " taken, " in line][-1]
    taken, sent, gated, dropped, failed, waiting = (int(n) for n in re.findall(r" (\d+) ", line))
    assert taken == sent + gated + dropped + failed + waiting, line
    return {"taken": taken, "sent": sent, "waiting": waiting, "failed": failed, "dropped": dropped}


def test_a_bad_file_keeps_the_last_good_one_and_says_why_and_a_good_one_is_taken_in_again(box, clip):
    box.configure([looped("front", clip)])
    box.start()
    box.wait_for("front", "online")
    worker = box.worker("front")
    box.configure([looped("front", clip, sampling={"evry": 3})])
    error = wait_until(lambda: box.state()["config"]["error"])
    assert "cameras[0].sampling.evry: unknown key 'evry'; did you mean 'every'?" in error
    assert re.search(r"cameras\.yaml:\d+: ", error) and error in box.log
    assert "framewatch_edge_config_ok 0.0" in box.get("/metrics")[1]
    box.wait_for_more("front")
    assert box.worker("front") == worker and box.get("/healthz")[0] == 200
    box.configure([looped("front", clip)])
    wait_until(lambda: box.state()["config"]["error"] is None)
    assert box.worker("front") == worker
    box.config_path.unlink()
    assert "cannot be read" in wait_until(lambda: box.state()["config"]["error"])
    box.wait_for_more("front")


def test_a_control_document_slows_a_camera_until_it_is_taken_away_and_the_box_says_so_everywhere(
    box, stream, clip, tmp_path
):
    document = tmp_path / "control.json"
    cameras = [looped("front", clip, sampling={"every": 1}), looped("yard", clip, sampling={"every": 1})]
    box.configure(cameras, control=str(document))
    code = (
        "import edge_client.service as s; s.EdgeService.__init__.__kwdefaults__['heartbeat_every_s'] = 0.5;"
        " from edge_client.cli import main; raise SystemExit(main())"
    )
    box.start(code=code)
    box.wait_for_more("front")
    assert box.state()["control"] == {"from": str(document), "until": None, "error": None}

    def sampled_of_the_next_thirty():
        """By camera: the share of what is read in three seconds."""
        first = {i: c["frames"] for i, c in box.state()["cameras"].items()}
        wait_until(
            lambda: all(c["frames"]["read"] >= first[i]["read"] + 30 for i, c in box.state()["cameras"].items())
        )
        last = {i: c["frames"] for i, c in box.state()["cameras"].items()}
        return {i: (last[i]["sampled"] - first[i]["sampled"]) / (last[i]["read"] - first[i]["read"]) for i in first}

    now = datetime.now(UTC)
    document.write_bytes(encode_edge_control(EdgeControl(now, now + timedelta(hours=1), {"front": 10})))
    wait_until(lambda: box.camera("front")["slowed_by"] == 10)
    shares = sampled_of_the_next_thirty()
    assert shares["front"] < 0.3
    assert shares["yard"] > 0.7
    assert 'framewatch_edge_camera_slowed_by{camera="front"} 10.0' in box.get("/metrics")[1]
    wait_until(lambda: {h.camera_id: h.slowed_by for h in list(stream.heartbeats)} == {"front": 10, "yard": 1})
    document.write_bytes(b"{")
    wait_until(lambda: box.state()["control"]["error"])
    assert box.camera("front")["slowed_by"] == 10
    document.unlink()
    wait_until(lambda: box.camera("front")["slowed_by"] == 1)
    assert sampled_of_the_next_thirty()["front"] > 0.7
    assert "front: it samples 10 times less often until" in box.log
    assert "front: it samples as its edge file says again." in box.log


def test_a_stop_while_the_stream_is_away_leaves_every_frame_in_the_spool_and_the_next_run_sends_them(
    box, stream, clip, camera
):
    live = camera()
    stream.is_away = True
    cameras = [looped("front", clip), {"id": "yard", "source": f"http://{live.host}/x"}]
    box.configure(cameras)
    box.start()
    assert "ServiceUnavailable" in wait_until(lambda: box.state()["stream"]["error"])
    assert box.get("/healthz")[0] == 503
    box.wait_for_more("front", "waiting", 10), box.wait_for_more("yard", "waiting", 10)
    assert box.end() == 0 and stream.frames == []
    front, yard = box_account(box, "front"), box_account(box, "yard")
    for account in (front, yard):
        assert account["taken"] == account["waiting"] >= 10
    stream.is_away = False
    box.configure([{**each, "enabled": False} for each in cameras])
    box.start()
    wait_until(lambda: all(box.camera(i)["frames"]["waiting"] == 0 for i in ("front", "yard")))
    for camera_id, account in (("front", front), ("yard", yard)):
        frames = box.camera(camera_id)["frames"]
        assert frames["recovered"] == frames["sampled"] == frames["sent"] == account["taken"]
        metas = stream.of(camera_id)
        assert len({m.frame_id for m in metas}) == len(metas) == account["taken"] and is_without_a_gap(metas)
        assert box.camera(camera_id)["spool"]["records"] == 0
    assert box.end() == 0


def test_a_second_signal_ends_it_at_once_and_no_worker_is_left(box, stream, clip):
    stream.is_away = True
    box.configure([looped("front", clip)])
    box.start()
    box.wait_for_more("front", "waiting")
    worker = box.worker("front")
    worker.send_signal(signal.SIGSTOP)  # so that the stop has something to wait for
    os.kill(box.pid, signal.SIGTERM)
    wait_until(lambda: "stopping: " in box.log)
    assert box.end() == 128 + signal.SIGTERM
    with contextlib.suppress(psutil.NoSuchProcess):  # the kernel wakes a stopped process whose parent has gone
        worker.send_signal(signal.SIGCONT)
    wait_until(lambda: not worker.is_running())


def test_the_metrics_page_parses_and_says_what_the_state_says(box, clip):
    box.configure([looped("front", clip, gate={"enabled": True, "keepalive_s": 1})])
    box.start()
    box.wait_for_more("front")
    wait_until(lambda: box.camera("front")["frames"]["gated"])
    families = {f.name: f for f in text_string_to_metric_families(box.get("/metrics")[1])}

    def value(name, **labels):
        [sample] = [s for s in families[name].samples if s.labels == {"camera": "front", **labels}]
        return sample.value

    assert value("framewatch_edge_camera_state", state="online") == 1
    assert value("framewatch_edge_camera_state", state="stalled") == 0
    accounted = sum(value(f"framewatch_edge_frames_{n}") for n in ("sent", "dropped", "failed", "waiting"))
    gated = sum(s.value for s in families["framewatch_edge_frames_gated"].samples)
    assert value("framewatch_edge_frames_sampled") == accounted + gated and gated > 0
    assert value("framewatch_edge_camera_memory_bytes") > 1e6
    assert families["framewatch_edge_stream_up"].samples[0].value == 1


def test_the_status_page_answers_this_machine_only(box, clip):
    box.configure([looped("front", clip)])
    box.start()
    connection = http.client.HTTPConnection("127.0.0.1", box.port)
    connection.request("GET", "/state.json", headers={"Host": "rebound.example"})
    assert connection.getresponse().status == 403
    connection.close()
    listening = [c.laddr.ip for c in psutil.Process(box.pid).net_connections() if c.status == "LISTEN"]
    assert listening == ["127.0.0.1"]


def test_heartbeats_tell_every_camera_its_state_and_its_counts(box, stream, clip, tmp_path):
    box.configure([looped("front", clip), {"id": "gone", "source": str(tmp_path / "no.mp4")}])
    code = (
        "import edge_client.service as s; s.EdgeService.__init__.__kwdefaults__['heartbeat_every_s'] = 0.5;"
        " from edge_client.cli import main; raise SystemExit(main())"
    )
    box.start(code=code)
    box.wait_for("gone", "not-found")
    box.wait_for_more("front")

    def told():
        latest = {h.camera_id: h for h in stream.heartbeats}
        there = set(latest) == {"front", "gone"}
        return latest if there and latest["front"].counts.sent >= 3 and latest["gone"].last_error else None

    latest = wait_until(told)
    assert latest["front"].state == "online" and latest["gone"].state == "not-found"
    assert "no such file" in latest["gone"].last_error and latest["front"].box == "attic"
    counts = latest["front"].counts
    assert counts.sampled >= counts.sent and counts.read >= counts.sampled
    assert abs(latest["front"].clock_offset_s) < 60


def test_a_clip_that_is_played_once_shows_its_progress_and_ends(box, tmp_path):
    box.configure([{"id": "once", "source": str(write_clip(tmp_path / "once.avi", seconds=6))}])
    box.start()
    share = wait_until(lambda: box.camera("once")["share_done"])
    assert 0 < share <= 1
    once = box.wait_for("once", "ended")
    assert once["share_done"] == 1 and once["restarts"] == 0 and once["frames"]["read"] == 60
    assert box.get("/healthz")[0] == 200


def test_what_it_cannot_start_with_is_one_clear_sentence(box, tmp_path, stream, clip):
    def run():
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        done = subprocess.run(
            [sys.executable, "-m", "edge_client.cli", "run", "--config", str(box.config_path)],
            cwd=ROOT,
            env={**os.environ, **keys},
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stderr

    status, said = run()
    assert status == 1 and "cannot be read (No such file or directory)" in said and said.count("\n") == 1
    box.configure([looped("front", clip), looped("front", clip)])
    status, said = run()
    assert status == 1 and "the id stands twice" in said and said.count("\n") == 1
    box.configure([looped("front", clip)])
    box.start()
    status, said = run()
    assert status == 1 and said.count("\n") == 1 and "spool" in said


def test_json_lines_are_one_object_each_and_hold_the_states(box, clip):
    box.configure([looped("front", clip)])
    box.start("--log-format", "json")
    box.wait_for("front", "online")
    assert box.end() == 0
    events = [json.loads(line) for line in box.log.splitlines()]
    assert [e["event"] for e in events if e.get("camera_id") == "front"][:2] in (
        ["opened", "online"],
        ["online", "opened"],
    )
    assert {e["level"] for e in events} == {"info"}
