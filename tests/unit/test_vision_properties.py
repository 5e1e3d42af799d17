import cv2
import numpy as np
import pytest

from framewatch.adapters.vision.css_colors import CSS_COLORS, simplified_color
from framewatch.adapters.vision.properties import image_properties


def plain(blue: int, green: int, red: int) -> np.ndarray:
    return np.full((120, 160, 3), (blue, green, red), np.uint8)


def noise() -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (240, 320, 3), np.uint8)


def test_white_is_all_brightness_and_no_contrast():
    quality = image_properties(plain(255, 255, 255), [], max_colors=10).whole.quality
    assert (quality.brightness, quality.contrast, quality.sharpness) == (pytest.approx(100.0), 0.0, 0.0)


def test_half_black_half_white_is_all_contrast():
    image = plain(0, 0, 0)
    image[:, 80:] = 255
    quality = image_properties(image, [], max_colors=10).whole.quality
    assert quality.contrast == pytest.approx(100.0)
    assert quality.brightness == pytest.approx(50.0)


def test_blur_lowers_sharpness():
    sharp, soft = noise(), cv2.GaussianBlur(noise(), (0, 0), 3)
    assert (
        image_properties(sharp, [], max_colors=1).whole.quality.sharpness
        > image_properties(soft, [], max_colors=1).whole.quality.sharpness + 50.0
    )


def test_a_smooth_ramp_has_contrast_but_is_not_sharp():
    ramp = np.repeat(np.linspace(0, 255, 160).astype(np.uint8)[None, :, None], 120, 0).repeat(3, 2)
    quality = image_properties(ramp, [], max_colors=1).whole.quality
    assert quality.contrast > 50.0
    assert quality.sharpness < 1.0


def test_dominant_colours_come_largest_first_with_their_share():
    image = plain(0, 0, 255)
    image[:, :40] = (255, 0, 0)
    red, blue = image_properties(image, [], max_colors=10).whole.dominant_colors
    assert (red.css_color, red.rgb, red.simplified_color) == ("red", (255, 0, 0), "red")
    assert (blue.css_color, blue.rgb) == ("blue", (0, 0, 255))
    assert (red.pixel_percent, blue.pixel_percent) == (pytest.approx(75.0), pytest.approx(25.0))


def test_no_more_colours_than_asked_for():
    assert len(image_properties(noise(), [], max_colors=3).whole.dominant_colors) == 3
    assert image_properties(noise(), [], max_colors=0).whole.dominant_colors == ()


def test_foreground_is_inside_the_boxes_and_background_outside():
    image = plain(0, 0, 255)
    image[:, :80] = (0, 255, 0)
    properties = image_properties(image, [(0.0, 0.0, 0.5, 1.0)], max_colors=10)
    assert [c.css_color for c in properties.foreground.dominant_colors] == ["lime"]
    assert [c.css_color for c in properties.background.dominant_colors] == ["red"]
    assert [[c.css_color for c in colors] for colors in properties.instance_colors] == [["lime"]]


def test_a_region_that_is_not_there_has_no_numbers():
    nothing = image_properties(plain(1, 2, 3), [], max_colors=10)
    everything = image_properties(plain(1, 2, 3), [(0.0, 0.0, 1.0, 1.0)], max_colors=10)
    assert nothing.foreground is None
    assert nothing.background is not None
    assert everything.background is None


def test_a_box_of_less_than_a_pixel_still_has_a_colour():
    properties = image_properties(plain(0, 0, 255), [(0.5, 0.5, 0.5001, 0.5001)], max_colors=10)
    assert [c.css_color for c in properties.instance_colors[0]] == ["red"]


def test_simple_words_are_twelve_and_read_as_documented():
    words = {simplified_color(name) for name, _ in CSS_COLORS}
    expected = "black white grey red orange brown yellow green cyan blue purple pink"
    assert words == set(expected.split())
    # The two that published Rekognition answers show.
    assert (simplified_color("darkslategrey"), simplified_color("darkolivegreen")) == ("grey", "green")
