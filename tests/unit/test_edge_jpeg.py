"""JPEG encoding: a picture always fits, or says so."""

import cv2
import numpy as np
import pytest

from edge_client.jpeg import encode_to_fit
from framewatch.domain.errors import FrameTooLarge, FrameTooSmall


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


def test_a_picture_wider_than_vision_takes_is_shrunk():
    jpeg, width, height = encode_to_fit(np.zeros((1000, 12_500, 3), np.uint8), 1 << 20)
    assert (width, height) == (10_000, 800) == size_of(jpeg)


@pytest.mark.parametrize("size_wh", [(640, 79), (79, 640), (66_000, 500)])
def test_a_picture_that_vision_would_refuse_says_so(size_wh):
    with pytest.raises(FrameTooSmall, match=r"\d+x\d+, each side must have 80 to 10000 pixels"):
        encode_to_fit(np.zeros((*size_wh[::-1], 3), np.uint8), 1 << 20)


def test_a_picture_never_gets_smaller_than_vision_takes():
    with pytest.raises(FrameTooLarge, match=r"and 1[0-9][0-9]x[89][0-9]"):
        encode_to_fit(noise(400, 600), 100)
