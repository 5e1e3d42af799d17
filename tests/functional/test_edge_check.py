"""`framewatch-edge check` and `snapshot`: every camera is opened for real, and what is masked stays masked."""

import hashlib
import os
import re
import stat
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_client import cli
from tests.edge_box import Box, MjpegCamera, Stream, write_clip

DATA = Path(os.environ.get("FRAMEWATCH_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
YOLOX = DATA / "models" / "yolox_nano_416.onnx"
PASSWORD = "p@ss:w/rd #1%"
RIGHT_HALF = [[0.5, 0.0], [1.0, 0.0], [1.0, 1.0], [0.5, 1.0]]


@pytest.fixture
def camera():
    camera = MjpegCamera(PASSWORD)
    yield camera
    camera.close()


@pytest.fixture
def box(tmp_path, monkeypatch):
    """Only for its file; nothing runs."""
    monkeypatch.setenv("CAM_PW", PASSWORD)
    monkeypatch.chdir(tmp_path)
    stream = Stream()
    stream.close()
    return Box(tmp_path, stream)


@pytest.fixture
def bright_clip(tmp_path):
    writer = cv2.VideoWriter(str(tmp_path / "a.avi"), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*"MJPG"), 10, (160, 120))
    for _ in range(5):
        writer.write(np.full((120, 160, 3), 200, np.uint8))
    writer.release()
    return str(tmp_path / "a.avi")


def test_check_shows_a_line_for_each_camera_and_saves_what_it_sees(box, camera, bright_clip, tmp_path, capfd):
    box.configure(
        [
            {"id": "clip", "source": bright_clip, "privacy_masks": [RIGHT_HALF], "sampling": {"hours": []}},
            {"id": "yard", "source": f"http://viewer:${{CAM_PW}}@{camera.host}/x", "sampling": {"every": 1000}},
            {"id": "off", "source": "0", "enabled": False},
        ],
        defaults={"sampling": {"fps": 1, "hours": ["mon 03:00-03:01"]}},
    )
    assert cli.main(["check", "--config", str(box.config_path), "--snapshots", str(tmp_path / "seen")]) == 0
    out, err = capfd.readouterr()
    lines = [line.split() for line in out.splitlines()]
    assert lines[0][:5] == ["camera", "state", "resolution", "fps", "codec"]
    assert lines[1][:5] == ["clip", "ok", "160x120", "10", "mjpg"] and lines[1][-1] == "ms"
    assert lines[2][:3] == ["yard", "ok", "160x120"] and lines[3][:2] == ["off", "disabled"]
    picture = cv2.imread(str(tmp_path / "seen" / "clip.jpg"))
    assert picture[:, 84:].max() <= 8 and picture[:, :76].min() > 150
    assert (tmp_path / "seen" / "yard.jpg").exists() and not (tmp_path / "seen" / "off.jpg").exists()
    assert stat.S_IMODE((tmp_path / "seen" / "clip.jpg").stat().st_mode) == 0o600
    assert err == "" and PASSWORD not in out


def test_check_fails_when_one_camera_does_and_says_what_to_do(box, camera, bright_clip, tmp_path, capfd):
    box.configure(
        [
            {"id": "clip", "source": bright_clip},
            {"id": "gone", "source": str(tmp_path / "no.mp4")},
            {"id": "shut", "source": f"http://viewer:${{WRONG_PW}}@{camera.host}/x"},
        ]
    )
    os.environ.pop("WRONG_PW", None)
    assert cli.main(["check", "--config", str(box.config_path)]) == 1
    out, _ = capfd.readouterr()
    assert "gone    not-found" in out and "  gone: cannot read " in out and "there is no such file" in out
    assert "  shut: the source needs ${WRONG_PW}" in out and "clip    ok" in out
    assert (tmp_path / "snapshots" / "clip.jpg").exists()  # where it goes when nothing is said


def test_check_says_why_no_picture_of_a_camera_can_be_sent(box, tmp_path, capfd):
    tiny = cv2.VideoWriter(str(tmp_path / "a.avi"), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 64))
    tiny.write(np.full((64, 64, 3), 200, np.uint8))
    tiny.release()
    box.configure([{"id": "clip", "source": str(tmp_path / "a.avi")}])
    assert cli.main(["check", "--config", str(box.config_path)]) == 1
    out, _ = capfd.readouterr()
    assert "clip    bad-data  64x64" in out and "vision takes none of 64x64" in out


def test_check_refuses_a_wrong_password_without_showing_it(box, camera, capfd, monkeypatch):
    monkeypatch.setenv("WRONG_PW", "hunter2")
    box.configure([{"id": "shut", "source": f"http://viewer:${{WRONG_PW}}@{camera.host}/x"}])
    assert cli.main(["check", "--config", str(box.config_path)]) == 1
    out, err = capfd.readouterr()
    assert "shut    auth-failed" in out and "(401)" in out and "hunter2" not in out + err


def test_check_of_a_bad_file_says_where_and_opens_nothing(box, capfd):
    box.configure([{"id": "clip", "source": "0", "sampling": {"evry": 1}}])
    assert cli.main(["check", "--config", str(box.config_path)]) == 1
    out, err = capfd.readouterr()
    assert out == "" and "unknown key 'evry'; did you mean 'every'?" in err


def test_a_snapshot_is_one_masked_picture_where_it_was_asked_for(box, bright_clip, tmp_path, capfd):
    box.configure([{"id": "clip", "source": bright_clip, "privacy_masks": [RIGHT_HALF]}])
    out_path = tmp_path / "x" / "door.jpg"
    assert cli.main(["snapshot", "clip", "--config", str(box.config_path), "-o", str(out_path)]) == 0
    assert cv2.imread(str(out_path))[:, 84:].max() <= 8
    assert cli.main(["snapshot", "clip", "--config", str(box.config_path)]) == 0 and (tmp_path / "clip.jpg").exists()


def test_a_snapshot_of_a_camera_that_is_not_in_the_file_names_those_that_are(box, bright_clip, capfd):
    box.configure([{"id": "clip", "source": bright_clip}])
    with pytest.raises(SystemExit) as caught:
        cli.main(["snapshot", "clap", "--config", str(box.config_path)])
    assert caught.value.code == 2 and "there is no camera 'clap'" in (err := capfd.readouterr().err) and "clip" in err


def test_a_snapshot_of_a_camera_that_shows_nothing_fails_with_the_sentence(box, tmp_path, capfd):
    box.configure([{"id": "gone", "source": str(write_clip(tmp_path / "b.avi")) + ".no"}])
    assert cli.main(["snapshot", "gone", "--config", str(box.config_path)]) == 1
    assert "there is no such file" in capfd.readouterr().err and not (tmp_path / "gone.jpg").exists()


# -- the screen ------------------------------------------------------------------------------------------------------


def message(*fields: tuple[int, int | bytes]) -> bytes:
    """As Protocol Buffers write them: numbers below 128, and what has a length below 16384."""
    written = b""
    for number, value in fields:
        if isinstance(value, int):
            written += bytes([number << 3, value])
        else:
            written += bytes([number << 3 | 2, len(value) & 0x7F | 0x80, len(value) >> 7]) + value
    return written


def picture_to_picture() -> bytes:
    """An ONNX network that answers the picture it was given: a network, and no detector."""
    sides = message(*((1, message((1, side))) for side in (1, 3)), *((1, message((2, b"S"))) for _ in range(2)))
    of_floats = message((1, message((1, 1), (2, sides))))
    node = message((1, b"in"), (2, b"out"), (4, b"Relu"))
    graph = message(
        (1, node), (2, b"g"), (11, message((1, b"in"), (2, of_floats))), (12, message((1, b"out"), (2, of_floats)))
    )
    return message((1, 7), (7, graph), (8, message((2, 13))))


def screen(**more):
    return {"screen": {"model": "ssd-mobilenet-v2", "labels": ["person", "dog"], **more}}


def check_with(box, capfd, screen, cameras):
    box.configure(cameras, **screen)
    status = cli.main(["check", "--config", str(box.config_path)])
    lines = [line for line in capfd.readouterr().out.splitlines() if line.startswith("screen: ")]
    return status, lines


def test_check_tries_the_screen_on_the_first_picture_and_says_what_it_took(box, bright_clip, capfd):
    cameras = [{"id": "bare", "source": bright_clip, "screen": False}, {"id": "clip", "source": bright_clip}]
    status, (line,) = check_with(box, capfd, screen(), cameras)
    said = r"screen: ssd-mobilenet-v2\S* takes \d+ ms a picture; this one shows none of its labels"
    assert status == 0 and re.fullmatch(said, line)


@pytest.mark.skipif(not YOLOX.is_file(), reason=f"there is no {YOLOX}")
def test_check_tries_an_onnx_file_also_when_no_camera_shows_a_picture(box, tmp_path, capfd):
    digest = hashlib.sha256(YOLOX.read_bytes()).hexdigest()
    cameras = [{"id": "gone", "source": str(tmp_path / "no.mp4")}]
    status, (line,) = check_with(box, capfd, screen(model=str(YOLOX), sha256=digest), cameras)
    assert status == 1 and line.startswith("screen: yolox-yolox_nano_416 takes ")


@pytest.mark.parametrize(
    "wrong",
    [
        (None, {}, "street.onnx does not exist"),
        (b"not a network", {}, "cannot read "),
        (picture_to_picture(), {}, "is not a supported detector: it answers the shape "),
        (b"another", {"sha256": "0" * 64}, "not the expected " + "0" * 64),
    ],
    ids=["missing", "no network", "no detector", "another file"],
)
def test_check_fails_when_the_screen_cannot_work_and_says_why_in_a_line(box, bright_clip, capfd, wrong):
    content, more, what = wrong
    path = box.folder / "street.onnx"
    if content is not None:
        path.write_bytes(content)
    cameras = [{"id": "clip", "source": bright_clip}]
    status, (line,) = check_with(box, capfd, screen(model=str(path), **more), cameras)
    assert status == 1 and what in line and line.endswith("until then every frame goes unscreened.")


def test_check_of_a_box_without_a_screen_or_whose_cameras_do_without_says_nothing_of_one(box, bright_clip, capfd):
    assert check_with(box, capfd, {}, [{"id": "clip", "source": bright_clip}]) == (0, [])
    assert check_with(box, capfd, screen(), [{"id": "clip", "source": bright_clip, "screen": False}]) == (0, [])
