"""framewatch-edge spool: what waits, seen from outside."""

import argparse
import json
from datetime import UTC, datetime, timedelta

from edge_client import spool_tool
from edge_client.buffer import Record
from edge_client.spool import LIVE_MAX_AGE_S, Spool
from framewatch.domain.frames import Frame, FrameMeta
from framewatch.wire.envelope import encode_envelope, format_utc

BOOT = "20260501T080000Zabcdef"


def frame(camera_id, seq, captured_at):
    meta = FrameMeta(camera_id, BOOT, seq, captured_at, 640, 360)
    return Record(camera_id, meta.frame_id, encode_envelope(Frame(meta, b"\xff\xd8\xff\xe0 picture \xff\xd9")))


def run(folder, *options):
    parser = argparse.ArgumentParser()
    spool_tool.add_parser(parser.add_subparsers())
    return spool_tool.run(parser.parse_args(["spool", "--folder", str(folder), *options]))


def test_it_tells_lanes_while_a_client_runs_and_changes_nothing(tmp_path, capsys):
    now = datetime.now(UTC)
    spool = Spool(tmp_path, sync_after_s=None)
    old = now - timedelta(hours=2)
    for seq, at in enumerate([old, old + timedelta(seconds=1), now - timedelta(seconds=LIVE_MAX_AGE_S / 2), now]):
        spool.put(frame("front-door", seq, at), drop_oldest=True)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    assert run(tmp_path, "--log-format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["client_runs"] is True
    live, backlog = told["waiting"]
    assert (live["camera_id"], live["lane"], live["records"]) == ("front-door", "live", 2)
    assert (backlog["lane"], backlog["records"], backlog["oldest_captured_at"]) == ("backlog", 2, format_utc(old))
    assert live["bytes"] + backlog["bytes"] == spool.depth("front-door").bytes
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    spool.abort()


def test_without_a_client_all_of_it_is_backlog_and_what_was_sent_is_not_shown(tmp_path, capsys):
    now = datetime.now(UTC)
    spool = Spool(tmp_path, sync_after_s=None)
    for seq in range(3):
        spool.put(frame("garden", seq, now - timedelta(minutes=5)), drop_oldest=True)
    spool.ack(spool.take(timeout_s=0)[1])
    spool.abort()
    assert run(tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "no client runs on it; the next one sends what waits"
    assert lines[1].split()[:4] == ["garden", "backlog", "2", "records"]
    assert "(5 min " in lines[1]


def test_an_empty_spool_says_that_nothing_waits_and_any_other_folder_that_it_is_none(tmp_path, capsys):
    Spool(tmp_path / "spool", sync_after_s=None).abort()
    assert run(tmp_path / "spool") == 0
    assert capsys.readouterr().out.splitlines()[1] == "nothing waits"
    for options in ((), ("--log-format", "json")):
        assert run(tmp_path, *options) == 2
        said = capsys.readouterr()
        assert said.err == f"no client has ever run on {tmp_path}; name the spool folder of the client.\n"
        assert not said.out


def test_a_torn_tail_is_neither_shown_nor_cut(tmp_path, capsys):
    spool = Spool(tmp_path, sync_after_s=None)
    spool.put(frame("garden", 0, datetime.now(UTC)), drop_oldest=True)
    spool.abort()
    [path] = (tmp_path / "garden").iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:50])
    assert run(tmp_path, "--log-format", "json") == 0
    assert [w["records"] for w in json.loads(capsys.readouterr().out)["waiting"]] == [1]
    assert path.read_bytes() == whole + whole[:50]


def test_a_missing_folder_is_a_sentence(tmp_path, capsys):
    assert run(tmp_path / "none") == 2
    assert "cannot be read: No such file or directory; name the spool folder" in capsys.readouterr().err
