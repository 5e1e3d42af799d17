"""`framewatch-edge gate`: what it prints, draws and refuses."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from edge_client.cli import main
from tests.scenes import photographed, room, with_person


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Sixteen pictures, one a second: somebody walks through from the fifth to the ninth."""
    path, rng, scene = tmp_path_factory.mktemp("pictures"), np.random.default_rng(2), room()
    for n in range(16):
        picture = photographed(with_person(scene, 60 * (n - 4)) if 5 <= n <= 9 else scene, rng)
        cv2.imwrite(str(path / f"{n:02}.png"), picture)
    return path


def test_the_table_counts_every_frame_by_reason_and_says_when_and_why(folder, capsys):
    assert main(["gate", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "16 frames considered, 6 sent, 62% saved" in out
    lines = [line.split() for line in out.splitlines()]
    assert ["sent", "motion", "5", "31.2%"] in lines
    assert ["withheld", "no_motion", "10", "62.5%"] in lines
    assert ["0:05.0", "0:09.0", "5", "motion"] in [line[:4] for line in lines]


def test_it_says_how_many_of_those_sent_repeat_another(folder, capsys):
    assert main(["gate", str(folder), "--keepalive-s", "2"]) == 0
    assert "  4 of those sent repeat an earlier one" in capsys.readouterr().out
    assert main(["gate", str(folder)]) == 0
    assert "repeat" not in capsys.readouterr().out


def test_a_sheet_has_a_tile_a_frame_in_colour_where_sent_and_grey_where_not(folder, tmp_path, capsys):
    sheet = tmp_path / "sheet.png"
    assert main(["gate", str(folder), "--sheet", str(sheet)]) == 0
    assert f"written: {sheet}" in capsys.readouterr().out
    picture = cv2.imread(str(sheet)).astype(int)
    tile_h, tile_w = picture.shape[0] // 2, picture.shape[1] // 8

    def coloured(number):
        y, x = number // 8 * tile_h, number % 8 * tile_w
        tile = picture[y : y + tile_h - 20, x : x + tile_w]
        return (tile.max(axis=2) - tile.min(axis=2)).mean() > 3

    assert [n for n in range(16) if coloured(n)] == [0, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("name", ["gate.avi", "gate.mp4"])
def test_a_video_holds_every_frame(folder, tmp_path, name):
    assert main(["gate", str(folder), "--video", str(tmp_path / name)]) == 0
    capture, frames = cv2.VideoCapture(str(tmp_path / name)), 0
    while capture.grab():
        frames += 1
    assert frames == 16


def test_what_is_masked_is_black_on_the_sheet_and_counts_nowhere(folder, tmp_path, capsys):
    sheet = tmp_path / "sheet.png"
    everything = "0,0 1,0 1,1 0,1"
    assert main(["gate", str(folder), "--mask", everything, "--sheet", str(sheet)]) == 0
    assert "motion " not in capsys.readouterr().out.replace("no_motion", "")
    assert not cv2.imread(str(sheet))[:130].any()


def test_settings_of_the_command_line_count(folder, capsys):
    assert main(["gate", str(folder), "--min-area-share", "0.2"]) == 0
    assert "16 frames considered, 1 sent" in capsys.readouterr().out
    assert main(["gate", str(folder), "--ignore", "0,0 1,0 1,1 0,1", "--keepalive-s", "4"]) == 0
    assert "16 frames considered, 4 sent" in capsys.readouterr().out
    assert main(["gate", str(folder), "--seconds", "4"]) == 0
    assert "5 frames considered, 1 sent" in capsys.readouterr().out


def test_a_file_that_is_no_clip_is_one_sentence_and_no_word_of_a_library(tmp_path):
    clip = tmp_path / "clip.mp4"
    clip.write_text("not a video\n" * 50)
    gate = [sys.executable, "-m", "edge_client.cli", "gate", clip]
    told = subprocess.run(gate, check=False, capture_output=True, text=True)
    assert told.returncode == 1
    assert told.stderr.startswith(f"{clip}: cannot read {clip}: it is not a video") and told.stderr.count("\n") == 1


def test_a_single_frame_is_told_of_in_the_singular(folder, capsys):
    assert main(["gate", str(folder), "--seconds", "0.5"]) == 0
    assert ": 1 frame considered, 1 sent" in capsys.readouterr().out


EDGE_FILE = """\
box: hut
stream: {{name: frames}}
spool: {{folder: /var/spool/framewatch}}
defaults:
  gate: {{keepalive_s: 2}}
  sampling: {{fps: 0.5}}
cameras:
  - id: yard
    source: {folder}
    privacy_masks: [[[0, 0], [1, 0], [1, 1], [0, 1]]]
"""


def test_a_camera_of_the_edge_file_is_shown_with_its_own_settings_and_masks(folder, tmp_path, capsys):
    edge_file, sheet = tmp_path / "cameras.yaml", tmp_path / "sheet.png"
    edge_file.write_text(EDGE_FILE.format(folder=folder))
    assert main(["gate", "yard", "--config", str(edge_file), "--sheet", str(sheet)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("yard: 8 frames considered, 8 sent") and "keepalive" in out
    assert not cv2.imread(str(sheet))[:130].any()


def test_a_camera_that_the_edge_file_does_not_hold_is_told_from_those_it_does(folder, tmp_path, capsys):
    edge_file = tmp_path / "cameras.yaml"
    edge_file.write_text(EDGE_FILE.format(folder=folder))
    with pytest.raises(SystemExit):
        main(["gate", "yrad", "--config", str(edge_file)])
    assert "there is no camera 'yrad'; there are yard" in capsys.readouterr().err
    edge_file.write_text("box: hut\nstraem: 5\n")
    with pytest.raises(SystemExit):
        main(["gate", "yard", "--config", str(edge_file)])
    assert "cameras.yaml:2: straem" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--sensitivity", "2"], "--sensitivity: Input should be less than or equal to 1"),
        (["--zone", "0,0 1,1"], "a polygon needs at least 3 points"),
        (["--zone", "0,0 9,1 1,1"], "point 2 of the polygon is (9, 1)"),
        (["--zone", "here"], "is not a polygon such as"),
        (["--sheet", "sheet.webm"], "has to end in .png or .jpg"),
        (["--video", "/nowhere/at/all.avi"], "there is no folder /nowhere/at"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_in_a_sentence(folder, capsys, arguments, says):
    with pytest.raises(SystemExit) as caught:
        main(["gate", str(folder), *arguments])
    assert caught.value.code == 2
    assert says in capsys.readouterr().err


def test_a_file_that_is_not_there_is_said_to_be_so(capsys):
    assert main(["gate", "/no/such/clip.mp4"]) == 1
    assert "there is no such file or folder" in capsys.readouterr().err


def test_a_password_is_never_printed(capsys, monkeypatch):
    monkeypatch.setenv("CAM_PW", "hunter2-secret")
    assert main(["gate", "http://viewer:${CAM_PW}@127.0.0.1:9/video"]) == 1
    out, err = capsys.readouterr()
    assert "hunter2" not in out + err and "${CAM_PW}" in err
