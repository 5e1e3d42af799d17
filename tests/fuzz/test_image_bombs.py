"""A few bytes that unfold into gigabytes or minutes: at every place that decodes pictures, in its own process."""

import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from edge_client.camera import CHILD_ENV
from edge_client.client import EdgeCamera
from edge_client.sampler import EveryNth
from framewatch.adapters.vision.images import decode, read_header
from framewatch.domain.errors import ImageRejected
from framewatch.wire.envelope import decode_envelope, encode_envelope
from tests.edge_run import Outcome
from tests.frames import make_frame
from tests.fuzz import bounded
from tests.fuzz.pictures import bombs, plain_jpeg, plain_png, progressive_jpeg, suffix_of, turned

# What the largest picture that is decoded takes: its pixels and, if it is progressive, its coefficients. The vision
# server takes 10,000 pixels a side, as Rekognition does.
MOST_MIB = {"folder": 700, "snapshot": 700, "vision": 800}
MOST_CPU_S = 5.0


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bombs")
    made = {"0 a picture": plain_jpeg(640, 480), **bombs()}
    paths = []
    for name, data in made.items():
        paths.append(folder / (name.replace(",", "") + suffix_of(data)))
        paths[-1].write_bytes(data)
    return paths


@pytest.mark.slow
@pytest.mark.parametrize("part", sorted(MOST_MIB))
def test_a_bomb_is_decoded_within_bounds_or_refused(part, files):
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.decode_alone", part, *map(str, files)],
        env={**os.environ, **CHILD_ENV},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = [json.loads(line) for line in done.stdout.splitlines()]
    print(done.stdout)
    assert len(told) == len(files)
    assert told[0]["came"] in ("640x480", "320x240")
    dear = [line for line in told if line["mib"] > MOST_MIB[part] or line["cpu_s"] > MOST_CPU_S]
    assert not dear


@pytest.mark.parametrize("name", ["thousands of scans", "a million empty segments", "millions of fill bytes"])
def test_what_would_take_for_ever_is_known_before_anything_is_decoded(name):
    data = {
        "thousands of scans": lambda: progressive_jpeg(640, 480, 200_000),
        "a million empty segments": lambda: plain_jpeg(640, 480)[:2] + b"\xff\xfe\0\2" * 1_200_000,
        "millions of fill bytes": lambda: plain_jpeg(640, 480)[:2] + b"\xff" * 5_000_000,
    }[name]()
    with bounded(), pytest.raises(ImageRejected):
        decode(data, read_header(data))


def test_a_picture_of_as_many_scans_as_any_camera_writes_is_decoded():
    data = progressive_jpeg(640, 480, 30)
    assert decode(data, read_header(data)).shape == (480, 640, 3)


# -- what is odd and still a picture ----------------------------------------------------------------------------


def _quarters() -> np.ndarray:
    """Top left red, top right green, below blue: every turn of it looks different (BGR)."""
    image = np.zeros((120, 200, 3), np.uint8)
    image[:60, :100, 2] = image[:60, 100:, 1] = image[60:, :, 0] = 255
    return image


def _colours(image: np.ndarray) -> tuple[str, ...]:
    """Of the four corners, as shown: top left, top right, bottom left, bottom right."""
    corners = (image[5, 5], image[5, -6], image[-6, 5], image[-6, -6])
    return tuple("bgr"[int(np.argmax(corner))] for corner in corners)


# As Exif 2.32 defines them: where the stored first row and column are shown.
SHOWN = {
    1: ("r", "g", "b", "b"),
    2: ("g", "r", "b", "b"),
    3: ("b", "b", "g", "r"),
    4: ("b", "b", "r", "g"),
    5: ("r", "b", "g", "b"),
    6: ("b", "r", "b", "g"),
    7: ("b", "g", "b", "r"),
    8: ("g", "b", "r", "b"),
}
_PLAIN = cv2.imencode(".jpg", _quarters(), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


@pytest.mark.parametrize("orientation", sorted(SHOWN))
def test_vision_looks_at_a_picture_as_a_browser_shows_it_so_boxes_lie_on_what_they_name(orientation):
    data = turned(_PLAIN, orientation)
    image = decode(data, read_header(data))
    assert image.shape[:2] == ((120, 200) if orientation < 5 else (200, 120))
    assert _colours(image) == SHOWN[orientation]


@pytest.mark.slow
def test_what_leaves_the_edge_is_turned_upright_and_has_no_exif_no_tail_and_no_thumbnail(tmp_path):
    """So what a viewer turns, and what a polyglot carries, ends at the box."""
    tails = {2: b"PK\3\4 a zip" + b"\xff\xd9", 3: b"<html><script>alert(1)</script></html>", 4: b""}
    for orientation in SHOWN:
        data = turned(_PLAIN, orientation) + tails.get(orientation, b"")
        (tmp_path / f"{orientation}.jpg").write_bytes(data)
    frames = Outcome(EdgeCamera("front", str(tmp_path), sampling=EveryNth(1))).stream.frames
    assert len(frames) == len(SHOWN)
    for orientation, frame in zip(SHOWN, frames, strict=True):
        assert b"Exif" not in frame.jpeg and b"<html>" not in frame.jpeg and b"PK\3\4" not in frame.jpeg
        image = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert _colours(image) == SHOWN[orientation]
        assert (frame.meta.height, frame.meta.width) == image.shape[:2]


@pytest.mark.slow
def test_bombs_in_a_folder_cost_themselves_alone(tmp_path):
    for n, data in enumerate(
        [
            _PLAIN,
            progressive_jpeg(4_000, 4_000, 5_000),
            plain_png(60_000, 50_000, whole=False),
            plain_jpeg(30_000, 30_000, most_bytes=1000),
            _PLAIN[:200],
            plain_jpeg(200, 120, 4),
            _PLAIN,
        ]
    ):
        (tmp_path / f"{n}{suffix_of(data)}").write_bytes(data)
    outcome = Outcome(EdgeCamera("front", str(tmp_path), sampling=EveryNth(1)))
    assert [(frame.meta.width, frame.meta.height) for frame in outcome.stream.frames] == [(200, 120)] * 3
    assert "skipped 4 unreadable pictures" in outcome.text


@pytest.mark.parametrize(
    "data",
    [
        plain_jpeg(200, 120, 4),
        plain_jpeg(200, 120, 1),
        progressive_jpeg(200, 120, 4),
        _PLAIN + b"PK\3\4" + b"\xff\xd9",
    ],
    ids=["CMYK", "grey", "progressive", "with a zip behind it"],
)
def test_an_odd_picture_is_colours_of_its_size(data):
    assert decode(data, read_header(data)).shape == (120, 200, 3)


def test_the_stream_takes_a_picture_s_bytes_as_they_are_and_decodes_none():
    """A bomb costs the processor what its bytes cost; vision refuses it, or decodes it within its own bounds."""
    frame = make_frame()
    for bomb in (progressive_jpeg(640, 480, 20_000), plain_jpeg(30_000, 30_000, most_bytes=900_000)):
        sent = type(frame)(frame.meta, bomb[:-2] + b"\xff\xd9")
        with bounded():
            assert decode_envelope(encode_envelope(sent)) == sent
