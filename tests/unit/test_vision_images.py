import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framewatch.adapters.vision.images import ImageHeader, decode, read_header
from framewatch.domain.errors import ImageRejected


def picture(width_px: int, height_px: int) -> np.ndarray:
    """Top half red, bottom half blue (BGR)."""
    image = np.zeros((height_px, width_px, 3), np.uint8)
    image[: height_px // 2, :, 2] = 255
    image[height_px // 2 :, :, 0] = 255
    return image


def jpeg(width_px: int, height_px: int, *options: int) -> bytes:
    return cv2.imencode(".jpg", picture(width_px, height_px), list(options))[1].tobytes()


def png(width_px: int, height_px: int) -> bytes:
    return cv2.imencode(".png", picture(width_px, height_px))[1].tobytes()


def exif_turned(data: bytes, orientation: int) -> bytes:
    tiff = b"II*\0" + struct.pack("<IH", 8, 1) + struct.pack("<HHIHHI", 0x0112, 3, 1, orientation, 0, 0)
    segment = b"Exif\0\0" + tiff
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:]


def png_declaring(width_px: int, height_px: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


@pytest.mark.parametrize("options", [(), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (cv2.IMWRITE_JPEG_RST_INTERVAL, 2)])
def test_a_jpegs_size_is_read_from_its_header(options):
    assert read_header(jpeg(120, 90, *options)) == ImageHeader("JPEG", 120, 90)


def test_a_jpegs_size_is_found_behind_metadata_and_fill_bytes():
    data = exif_turned(jpeg(120, 90), 6)
    assert read_header(data[:2] + b"\xff\xff" + data[2:]) == ImageHeader("JPEG", 120, 90)


def test_a_table_before_the_frame_is_not_taken_for_it():
    table = b"\xff\xc4" + struct.pack(">H", 21) + b"\x00" + bytes(18)
    data = jpeg(120, 90)
    assert read_header(data[:2] + table + data[2:]) == ImageHeader("JPEG", 120, 90)


def test_a_pngs_size_is_read_without_its_pixels():
    assert read_header(png_declaring(60_000, 50_000)) == ImageHeader("PNG", 60_000, 50_000)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a" + bytes(40),
        b"BM" + bytes(60),
        b"RIFF\0\0\0\0WEBPVP8 " + bytes(20),
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xd9\0\0\0\0",
        b"\xff\xd8\xff\xe0\0\0" + bytes(40),
        b"\xff\xd8\xff\xc0\0\x11",
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR",
        png_declaring(0, 10),
    ],
)
def test_what_is_no_jpeg_or_png_is_rejected(data):
    with pytest.raises(ImageRejected):
        read_header(data)


@given(st.binary(max_size=200), st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b""]))
def test_any_bytes_give_a_header_or_a_rejection(tail, start):
    try:
        header = read_header(start + tail)
    except ImageRejected:
        return
    assert header.width_px > 0
    assert header.height_px > 0


def test_a_cut_png_is_rejected_not_half_shown():
    data = png(200, 100)[:60]
    with pytest.raises(ImageRejected):
        decode(data, read_header(data))


def test_a_jpeg_is_turned_as_its_exif_says():
    data = exif_turned(jpeg(120, 90), 6)
    turned = decode(data, read_header(data))
    assert turned.shape == (120, 90, 3)
    assert turned[60, 80, 2] > 200  # what was on top is now on the right
    assert turned[60, 10, 0] > 200


def test_a_png_is_never_turned():
    data = png(120, 90)
    tiff = b"II*\0" + struct.pack("<IH", 8, 1) + struct.pack("<HHIHHI", 0x0112, 3, 1, 6, 0, 0) + bytes(4)
    chunk = b"eXIf" + tiff
    data = data[:33] + struct.pack(">I", len(tiff)) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:]
    assert decode(data, read_header(data)).shape == (90, 120, 3)


@pytest.mark.parametrize(
    ("size_px", "shape"),
    [((640, 480), (480, 640, 3)), ((1920, 1080), (540, 960, 3)), ((5760, 4000), (500, 720, 3))],
)
def test_a_jpeg_far_beyond_the_models_input_is_decoded_smaller(size_px, shape):
    data = jpeg(*size_px)
    assert decode(data, read_header(data), model_input_px=(300, 300)).shape == shape
    assert decode(data, read_header(data)).shape == (size_px[1], size_px[0], 3)


def test_grey_and_sixteen_bit_and_transparent_pictures_become_colour():
    for source in (
        np.zeros((90, 100), np.uint8),
        np.zeros((90, 100, 3), np.uint16),
        np.zeros((90, 100, 4), np.uint8),
    ):
        data = cv2.imencode(".png", source)[1].tobytes()
        decoded = decode(data, read_header(data))
        assert (decoded.shape, decoded.dtype) == ((90, 100, 3), np.uint8)
