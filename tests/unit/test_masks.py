"""Privacy masks: what is under one never leaves the box."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_client.jpeg import encode_to_fit
from edge_client.masks import PrivacyMasks, raster
from framewatch.domain.geometry import area_share, contains

WINDOW = ((0.5, 0.25), (0.9, 0.25), (0.9, 0.75), (0.5, 0.75))
ROOF = ((0.0, 0.3), (0.3, 0.0), (0.6, 0.3))

triangles = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=5).filter(
    lambda polygon: area_share(polygon) > 0.01
)


def white(height=240, width=320):
    return np.full((height, width, 3), 255, np.uint8)


@settings(max_examples=40)
@given(st.lists(triangles, min_size=1, max_size=3), st.integers(1, 90), st.integers(1, 120))
def test_every_pixel_that_a_mask_covers_is_exactly_black(polygons, height, width):
    frame = white(height, width)
    PrivacyMasks(polygons).apply(frame)
    for y in range(height):
        for x in range(width):
            centre = (x + 0.5) / width, (y + 0.5) / height
            if any(contains(tuple(polygon), *centre) for polygon in polygons):
                assert not frame[y, x].any()


def test_nothing_is_blacked_out_further_than_two_pixels_from_a_mask():
    frame = white()
    PrivacyMasks((WINDOW,)).apply(frame)
    black = np.argwhere(~frame.any(axis=2))
    assert (black.min(axis=0) >= (58, 158)).all() and (black.max(axis=0) <= (182, 290)).all()
    assert (frame[:57] == 255).all() and (frame[:, :157] == 255).all()


def test_where_two_masks_overlap_it_is_black_too():
    frame = white()
    PrivacyMasks((WINDOW, WINDOW, ROOF)).apply(frame)
    assert not frame[80:160, 180:270].any()


def test_the_interior_is_exactly_black_in_the_picture_that_is_sent():
    rng = np.random.default_rng(3)
    frame = rng.integers(0, 255, (480, 640, 3), np.uint8)
    frame[:, :, 2] = 255  # a red that would show as a trace of colour
    PrivacyMasks((WINDOW,)).apply(frame)
    jpeg, width, height = encode_to_fit(frame, 1_000_000)
    sent = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert (height, width) == sent.shape[:2] == (480, 640)
    # JPEG mixes within blocks of 16 pixels: outside colours reach that far in, never the other way.
    assert not sent[120 + 16 : 360 - 16, 320 + 16 : 576 - 16].any()


@pytest.mark.parametrize("quality", [90, 45])
def test_two_pictures_that_differ_only_under_the_mask_are_the_same_bytes(quality):
    frames = [white(), white()]
    frames[0][100:140, 200:250] = (10, 200, 30)
    for frame in frames:
        PrivacyMasks((WINDOW,)).apply(frame)
    first, second = (encode_to_fit(frame, 1_000_000, quality)[0] for frame in frames)
    assert first == second


def test_another_resolution_is_masked_in_the_same_place():
    masks = PrivacyMasks((WINDOW,))
    for height, width in ((240, 320), (480, 640), (240, 320), (1080, 1920)):
        frame = white(height, width)
        masks.apply(frame)
        assert not frame[height // 4 : height * 3 // 4, width // 2 : width * 9 // 10].any()
        assert frame[0, 0].all() and frame[-1, -1].all()


def test_without_masks_the_picture_stays_as_it_is():
    frame = white()
    PrivacyMasks(()).apply(frame)
    assert (frame == 255).all()


def test_a_raster_covers_a_polygon_thinner_than_a_pixel():
    sliver = ((0.1, 0.5), (0.9, 0.5), (0.9, 0.501))
    assert raster((sliver,), 20, 20)[10, 2:18].all()
