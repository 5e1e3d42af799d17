"""JPEG encoding: a picture always fits, or says so."""

import cv2
import numpy as np
import pytest

from edge_client.jpeg import encode_to_fit
from framewatch.domain.errors import FrameTooLarge


def noise(height, width):
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def size_of(jpeg):
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape[1::-1]


def test_a_picture_that_fits_keeps_its_size():
    jpeg, width, height = encode_to_fit(np.zeros((90, 160, 3), np.uint8), 1 << 20)
    assert (width, height) == (160, 90) == size_of(jpeg)
    assert jpeg.startswith(b"\xff\xd8\xff") and jpeg.endswith(b"\xff\xd9")


def test_quality_goes_before_size():
    frame_bgr = noise(400, 600)
    best, *_ = encode_to_fit(frame_bgr, 1 << 20)
    jpeg, width, height = encode_to_fit(frame_bgr, len(best) - 1)
    assert len(jpeg) < len(best) and (width, height) == (600, 400)


def test_size_goes_when_quality_is_not_enough():
    frame_bgr = noise(400, 600)
    jpeg, width, height = encode_to_fit(frame_bgr, 40_000)
    assert len(jpeg) <= 40_000 and width < 600
    assert (width, height) == size_of(jpeg)
    assert width / height == pytest.approx(1.5, abs=0.02)


def test_a_noisy_eight_megapixel_frame_fits_a_stream_record():
    jpeg, *_ = encode_to_fit(noise(2160, 3840), (1 << 20) - 12 * 1024)
    assert len(jpeg) <= (1 << 20) - 12 * 1024


def test_a_picture_that_cannot_fit_says_so():
    with pytest.raises(FrameTooLarge, match="600x400 does not fit 100 bytes"):
        encode_to_fit(noise(400, 600), 100)


def test_a_picture_wider_than_a_jpeg_can_be_is_shrunk():
    jpeg, width, _ = encode_to_fit(np.zeros((70, 66_000, 3), np.uint8), 1 << 20)
    assert width <= 65_500 and jpeg
