"""What a camera's view usually looks like: per pixel a mean and a variance of luma, in time, not in frames.

Frames come about once a second, so nothing here counts on one resembling the last. All arrays are float32 (h, w) or
uint8 masks (h, w) with 255 for true, of the small picture.
"""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Luma = NDArray[np.float32]
Mask = NDArray[np.uint8]

# How fast the model follows what it takes for background, and what it takes for something in front of it. The second
# is the time in which a parked car becomes part of the scene.
_BACKGROUND_TAU_S, _FOREGROUND_TAU_S = 8.0, 60.0
_VARIANCE_TAU_S, _FOREGROUND_VARIANCE_TAU_S = 30.0, 90.0
_FIRST_SIGMA = 4.0
# JPEG and H.264 leave this much even in a studio.
_LEAST_SIGMA = 1.5
# One passer-by must not make a pixel blind: what a single frame can add to its variance is bounded.
_MOST_DEVIATION = 60.0
_CELL_PX = 8
_FIT_ROUNDS = 4
_MOST_GAIN = 2.5
_QUIET_CELLS = 1.0
_FITTING_CELLS = 8.0
_WINDOW_PX = (7, 7)
_NEIGHBOURS = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Light:
    """The whole picture's brightness against a reference: seen = gain * reference + offset."""

    gain: float = 1.0
    offset: float = 0.0


def fit_light(seen: Luma, reference: Luma) -> Light:
    """Least squares over cells of 8 x 8 pixels, again and again without the cells that stray (iteratively reweighted,
    weights 0 and 1, scale from the median absolute deviation: P. J. Huber, "Robust Statistics", 1981, ch. 7-8).

    Holds while less than half of the picture is covered by something new.
    """
    x, y = _cells(reference), _cells(seen)
    residual = y - x
    if float(np.median(np.abs(residual))) < _QUIET_CELLS:
        return Light()  # most of the picture has not changed: nothing to make up for, and nothing to get wrong
    gain, offset = 1.0, float(np.median(residual))
    for _ in range(_FIT_ROUNDS):
        residual = np.abs(y - gain * x - offset)
        kept = residual <= max(2.5 * 1.4826 * float(np.median(residual)), 1.0)
        xs, ys = x[kept], y[kept]
        x_mean, y_mean = float(xs.mean()), float(ys.mean())
        spread = float(np.square(xs - x_mean).sum())
        gain = float(((xs - x_mean) * (ys - y_mean)).sum()) / spread if spread > len(xs) else 1.0
        gain = min(max(gain, 1 / _MOST_GAIN), _MOST_GAIN)
        offset = y_mean - gain * x_mean
    explained = np.abs(y - gain * x - offset) <= _FITTING_CELLS
    # A light that does not explain half of the picture explains nothing: a lamp beside the door, or another view.
    return Light(gain, offset) if np.count_nonzero(explained) * 2 > len(y) else Light()


def _cells(luma: Luma) -> Luma:
    """Means of whole cells, flat; the last few rows and columns are in none (a whole factor is six times faster)."""
    width, height = (max(1, side // _CELL_PX) for side in (luma.shape[1], luma.shape[0]))
    if min(luma.shape) >= _CELL_PX:
        luma = luma[: height * _CELL_PX, : width * _CELL_PX]
    return np.asarray(cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA), np.float32).ravel()


def lit(reference: Luma, light: Light) -> Luma:
    """The reference as it would look in that light, cut off where a camera cuts off."""
    if light == Light():
        return reference
    out = reference * np.float32(light.gain) + np.float32(light.offset)
    return np.clip(out, 0.0, 255.0, out=out)


def difference(seen: Luma, reference: Luma) -> Luma:
    """How far each pixel lies outside what the reference shows at it and its eight neighbours; 0 inside.

    A camera that shakes by a pixel and a leaf that takes its neighbour's place differ by nothing. Comparing with
    neighbours: A. Elgammal et al., "Non-parametric Model for Background Subtraction", ECCV 2000, section 4.
    """
    above = cv2.subtract(seen, cv2.dilate(reference, _NEIGHBOURS))
    below = cv2.subtract(cv2.erode(reference, _NEIGHBOURS), seen)
    return np.maximum(cv2.max(above, below), np.float32(0))


def structure(seen: Luma, reference: Luma, noise: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(textured, kept): where either picture has detail to compare, and where both have the same.

    Light multiplies and shifts what it falls on and leaves its normalised cross-correlation alone; a body in front of
    it does not. Source: J. C. S. Jacques Jr. et al., "Background Subtraction and Shadow Detection in Grayscale Video
    Sequences", SIBGRAPI 2005.
    """

    def mean(values: Any) -> Any:
        return cv2.boxFilter(values, -1, _WINDOW_PX)

    mean_a, mean_b = mean(seen), mean(reference)
    var_a = np.maximum(mean(seen * seen) - mean_a * mean_a, 0.0)
    var_b = np.maximum(mean(reference * reference) - mean_b * mean_b, 0.0)
    covariance = mean(seen * reference) - mean_a * mean_b
    flat = (2.0 * noise) ** 2
    textured = np.maximum(var_a, var_b) > flat
    kept = textured & (covariance > 0) & (covariance * covariance > 0.5 * var_a * var_b)
    return textured, kept


class Background:
    """Mean and variance of each pixel. Grimson-style single Gaussians: C. R. Wren et al., "Pfinder", PAMI 1997, with
    rates per second instead of per frame."""

    def __init__(self, seen: Luma, at_s: float) -> None:
        self.mean = seen.copy()
        self.variance = np.full_like(seen, _FIRST_SIGMA**2)
        self._at_s = at_s
        self._frames = 1

    def sigma(self) -> Luma:
        return np.sqrt(self.variance)

    def relight(self, light: Light) -> None:
        self.mean = lit(self.mean, light)
        if light.gain > 1.0:
            np.minimum(self.variance * np.float32(light.gain**2), np.float32(_MOST_DEVIATION**2), out=self.variance)

    def restart(self, seen: Luma, at_s: float) -> None:
        """The light is another: what it shows now is the background, and its noise is unknown."""
        self.mean = seen.copy()
        np.maximum(self.variance, _FIRST_SIGMA**2, out=self.variance)
        self._at_s = at_s
        self._frames = 1

    def adopt(self, seen: Luma, where: Mask) -> None:
        cv2.copyTo(seen, where, self.mean)

    def learn(self, seen: Luma, foreground: Mask, at_s: float) -> None:
        """foreground: learnt slowly. The first frames weigh more, so that noise is known after some of them."""
        elapsed_s = max(0.0, at_s - self._at_s)
        self._at_s = at_s
        self._frames += 1
        background = cv2.bitwise_not(foreground)
        deviation = seen - self.mean
        squared = np.minimum(deviation * deviation, np.float32(_MOST_DEVIATION**2))
        first = 1.0 / self._frames
        for where, mean_tau_s, variance_tau_s, least in (
            (background, _BACKGROUND_TAU_S, _VARIANCE_TAU_S, first),
            (foreground, _FOREGROUND_TAU_S, _FOREGROUND_VARIANCE_TAU_S, 0.0),
        ):
            cv2.accumulateWeighted(seen, self.mean, max(least, 1 - math.exp(-elapsed_s / mean_tau_s)), where)
            cv2.accumulateWeighted(
                squared, self.variance, max(least, 1 - math.exp(-elapsed_s / variance_tau_s)), where
            )
        np.maximum(self.variance, _LEAST_SIGMA**2, out=self.variance)
