"""JPEGs out of a stream of bytes: the same pictures however it is split, and nothing that raises or piles up."""

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_client.jpeg_stream import JpegStream
from tests.cameras import http
from tests.cameras.http import picture

PICTURES = [picture(n) for n in range(6)]


def with_thumbnail(jpeg, thumbnail):
    """jpeg with a whole JPEG inside its first segment, as cameras that write EXIF do."""
    body = b"Exif\0\0" + thumbnail
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def progressive(n):
    frame = np.random.default_rng(n).integers(0, 255, (64, 64, 3), np.uint8)
    flags = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2]
    return cv2.imencode(".jpg", frame, flags)[1].tobytes()


def read(stream, data, cuts):
    stream = JpegStream() if stream is None else stream
    found, at = [], 0
    for cut in [*sorted(cuts), len(data)]:
        found += stream.feed(data[at:cut])
        at = cut
    return found, stream


def part(jpeg, length):
    head = b"--b\r\nContent-Type: image/jpeg\r\n"
    return head + (b"" if length is None else b"Content-Length: %d\r\n" % length) + b"\r\n" + jpeg + b"\r\n"


whole = st.sampled_from([*PICTURES, with_thumbnail(PICTURES[0], PICTURES[1]), progressive(3)])
torn = st.builds(lambda jpeg, share: jpeg[: int(len(jpeg) * share)], whole, st.floats(0, 0.95))
parts = st.builds(
    lambda jpeg, wrong: part(jpeg, len(jpeg) + wrong if wrong is not None else None),
    whole | torn,
    st.none() | st.just(0) | st.integers(-80, 3000),
)
garbage = st.binary(max_size=300) | st.sampled_from(
    [
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0\xff\xff",
        b"\xff" * 40,
        b"Content-Length: 0\r\n\r\n",
        b"\xff\xd9",
        b"x" * 9000,
    ]
)


@given(st.lists(parts | garbage, max_size=8), st.data())
def test_any_split_of_the_same_bytes_gives_the_same_pictures_and_the_same_count(pieces, data):
    sent = b"".join(pieces)
    cuts = data.draw(st.lists(st.integers(0, len(sent)), max_size=30))
    at_once, one = read(None, sent, [])
    split, other = read(None, sent, cuts)
    assert split == at_once and other.torn == one.torn


@given(st.lists(whole, min_size=1, max_size=5), st.integers(1, 700))
def test_byte_by_byte_or_in_lumps_every_picture_comes_whole_and_at_its_last_byte(jpegs, step):
    sent = b"".join(part(jpeg, None) for jpeg in jpegs)
    found, stream = read(None, sent, range(0, len(sent), step))
    assert found == jpegs and stream.torn == 0
    quick = JpegStream()
    assert [quick.feed(jpeg) for jpeg in jpegs] == [[jpeg] for jpeg in jpegs]


@given(st.lists(st.binary(max_size=4000) | garbage | parts, max_size=20))
def test_no_bytes_raise_and_what_is_held_stays_below_its_bound(pieces):
    bound = 5000
    stream = JpegStream(max_bytes=bound)
    for piece in pieces:
        for found in stream.feed(piece):
            assert len(found) <= bound and found.startswith(b"\xff\xd8") and b"\xff\xd9" in found
        assert stream.held_bytes <= bound


@given(st.binary(max_size=2000).filter(lambda b: b"\xff" not in b), st.lists(whole, min_size=1, max_size=4))
def test_what_stands_between_pictures_costs_none_of_them(junk, jpegs):
    found, _ = read(None, b"".join(junk + jpeg for jpeg in jpegs), [])
    assert found == jpegs


@pytest.mark.parametrize(
    ("camera", "whole_of_ten", "torn_of_ten"),
    [
        (http.StreamCamera, 10, 0),
        (http.LyingCamera, 10, 0),
        (http.BareCamera, 10, 0),
        (http.BurstCamera, 30, 0),
        # The last one of these is seen to be torn when the next part comes.
        (http.TornCamera, 5, 4),
        (http.EmptyPartCamera, 5, 4),
    ],
)
def test_cameras_that_lie_are_read_and_what_is_torn_is_counted(camera, whole_of_ten, torn_of_ten):
    with camera() as it:
        found, stream = read(None, b"".join(it.part(n) for n in range(10)), [])
    assert len(found) == whole_of_ten and stream.torn == torn_of_ten
    assert all(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) is not None for jpeg in found)


def test_a_length_that_is_right_is_believed_and_one_that_is_wrong_never_again():
    stream = JpegStream()
    # A right length spares the look inside: here something that only a length can carry past.
    odd = PICTURES[0][:-2] + b"\xff\xd8\xff" + b"\xff\xd9"
    assert stream.feed(part(odd, len(odd))) == [odd]
    assert stream.feed(part(PICTURES[1], len(PICTURES[1]) + 70) + b"-" * 100) == [PICTURES[1]]
    assert stream.feed(part(odd, len(odd))) == []


@pytest.mark.parametrize("step", [1, 7, 100, 5000, 50_000])
def test_an_empty_part_counts_once_and_a_length_from_far_back_is_nobody_s_however_the_bytes_are_split(step):
    empties = part(b"", 0) * 5 + part(PICTURES[0], None)
    found, stream = read(None, empties, range(0, len(empties), step))
    assert found == [PICTURES[0]] and stream.torn == 4  # the last may be said of the picture
    far = b"Content-Length: %d\r\n" % (len(PICTURES[1]) + 5000) + b"x" * 6000 + PICTURES[1]
    found, _ = read(None, far, range(0, len(far), step))
    assert found == [PICTURES[1]]


def test_a_picture_over_the_bound_is_counted_and_the_next_one_is_read():
    stream = JpegStream(max_bytes=2000)
    endless = PICTURES[0][:-2] + b"\x11" * 3000
    assert stream.feed(endless) == [] and stream.torn == 1
    small = picture(1, (16, 16))
    assert len(small) < 2000 and stream.feed(small) == [small]
