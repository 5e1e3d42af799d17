"""What a camera's view usually looks like: per pixel a mean and a variance of luma, in time, not in frames.

Frames come about once a second, so nothing here counts on one resembling the last. All arrays are of the small
picture, (h, w): float32 luma, uint8 steps of luma, uint8 masks with 255 for true.
"""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Luma = NDArray[np.float32]
Mask = NDArray[np.uint8]
Steps = NDArray[np.uint8]
Cells = NDArray[np.intp]

_MEAN_TAU_S, _DOUBTFUL_TAU_S = 8.0, 60.0
_VARIANCE_TAU_S, _FOREGROUND_VARIANCE_TAU_S = 30.0, 90.0
# Background that looks a little like something else is learnt slowly: a leg in trousers of the wall's colour.
_DOUBTFUL_STEP = 6
# What stands still this long belongs to the scene: a parked car.
_ABSORB_S = 90.0
# What a parked car hides is remembered for this long, so that nothing seems to appear when it drives off.
_REMEMBER_S = 90.0
# A second look fades at these rates: while the first is seen, and while neither is. Who walks past a car just parked
# costs that car some seconds and no more.
_FADING, _CONTRADICTED = 0.5, 2.0
_SECOND_RATE = 0.3
# More than nothing: there is one.
_JUST_SEEN_S = 1e-3
_FIRST_SIGMA = 4.0
# JPEG and H.264 leave this much even in a studio.
_LEAST_SIGMA = 1.5
# One passer-by must not make a pixel blind: what a single frame can add to its variance is bounded.
_MOST_STEP = 40.0
_CELL_PX = 8
_FIT_ROUNDS, _SETTLED = 4, 0.002
_MOST_GAIN = 2.5
_QUIET_CELLS = 1.0
_FITTING_CELLS = 8.0
# A small pixel is the mean of many: of white ones and a few that were not.
_WHITE = 240.0
_WINDOW_PX = (7, 7)
# Less is noise.
_DETAIL_SIGMA = 7.0
_SAME_CORRELATION = 0.7
_NEIGHBOURS = np.ones((3, 3), np.uint8)
_AROUND = np.ones((5, 5), np.uint8)


@dataclass(frozen=True, slots=True)
class Light:
    """The whole picture's brightness against a reference: seen = gain * reference + offset."""

    gain: float = 1.0
    offset: float = 0.0


def whole_cells(active: Mask) -> Cells:
    """Which cells fit_light may ask: those without an ignored pixel, which would claim that no light ever changes."""
    return np.flatnonzero(_cells(active.astype(np.float32)) >= 255.0)


def fit_light(seen: Luma, reference: Luma, cells: Cells) -> Light:
    """Least squares over cells of 8 x 8 pixels, again and again without the cells that stray (iteratively reweighted,
    weights 0 and 1, scale from the median absolute deviation: P. J. Huber, "Robust Statistics", 1981, ch. 7-8).

    cells: flat indices. Holds while less than half of them are covered by something new.
    """
    if not len(cells):
        return Light()
    x, y = _cells(reference)[cells], _cells(seen)[cells]
    residual = y - x
    if float(np.median(np.abs(residual))) < _QUIET_CELLS:
        return Light()  # most of the picture has not changed: nothing to make up for, and nothing to get wrong
    gain, offset = 1.0, float(np.median(residual))
    for _ in range(_FIT_ROUNDS):
        residual = np.abs(y - gain * x - offset)
        kept = residual <= max(2.5 * 1.4826 * float(np.median(residual)), 1.0)
        xs, ys, count = x[kept], y[kept], int(np.count_nonzero(kept))
        x_mean, y_mean = float(xs.sum()) / count, float(ys.sum()) / count
        xs -= x_mean
        spread = float(xs @ xs)
        last, gain = gain, float(xs @ ys) / spread if spread > count else 1.0
        gain = min(max(gain, 1 / _MOST_GAIN), _MOST_GAIN)
        offset = y_mean - gain * x_mean
        if abs(gain - last) < _SETTLED:
            break
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


def difference(seen: Luma, reference: Luma) -> Steps:
    """How far each pixel lies outside what the reference shows at it and its eight neighbours; 0 inside.

    In whole steps of luma: bytes take a quarter of the time, and no threshold is that fine.
    A camera that shakes by a pixel and a leaf that takes its neighbour's place differ by nothing. Comparing with
    neighbours: A. Elgammal et al., "Non-parametric Model for Background Subtraction", ECCV 2000, section 4.
    """
    seen_steps, known = steps(seen), steps(reference)
    above = cv2.subtract(seen_steps, cv2.dilate(known, _NEIGHBOURS))  # bytes stop at 0
    below = cv2.subtract(cv2.erode(known, _NEIGHBOURS), seen_steps)
    return cv2.max(above, below).astype(np.uint8, copy=False)


def steps(values: Luma) -> Steps:
    """Rounded, and cut off at 255."""
    return cv2.convertScaleAbs(values).astype(np.uint8, copy=False)


def where(true: NDArray[np.bool_]) -> Mask:
    return true.view(np.uint8) * np.uint8(255)


def structure(seen: Luma, reference: Luma) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(detail, same): where either picture has detail to compare, and where both have the same.

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
    detail = np.maximum(var_a, var_b) > _DETAIL_SIGMA**2
    same = detail & (covariance > 0) & (covariance * covariance > _SAME_CORRELATION**2 * var_a * var_b)
    return detail, same


class Background:
    """Two looks of each pixel and the variance of its luma, with rates per second.

    `mean` is what it shows now, as a single Gaussian: C. R. Wren et al., "Pfinder", PAMI 1997. The second look is
    first a candidate, something that has come to stand there, and belongs to the background once it was seen for
    _ABSORB_S; then the two change places, so that nothing is blended into what it stands in front of and no ghost is
    left when it goes. Layers of this kind: K. Kim et al., "Real-time Foreground-Background Segmentation using
    Codebook Model", Real-Time Imaging 2005, section 3.2.

    The variance comes from the step since the frame before, not from the distance to the mean: leaves that come and
    go make a step in every frame, somebody who stands in the way for a minute makes two. Half the mean squared step
    estimates a variance whatever the mean does: J. von Neumann et al., "The Mean Square Successive Difference", 1941.
    """

    def __init__(self, seen: Luma, at_s: float) -> None:
        self.mean = seen.copy()
        self.variance = np.full_like(seen, _FIRST_SIGMA**2)
        self._second = seen.copy()
        self._second_s = np.zeros_like(seen)
        """For how long the second look was seen, less what it has faded since. 0: there is none."""
        self._has_second = False
        self._last = seen
        self._at_s = at_s
        self._frames = 1

    def sigma(self) -> Luma:
        """The largest among each pixel's neighbours: leaves reach a little further with every gust."""
        return np.sqrt(cv2.dilate(self.variance, _AROUND))

    def relight(self, light: Light, seen: Luma) -> None:
        """Whatever was cut off at white may be any brighter than its relit value: there, brighter is as expected."""
        if light == Light():
            return
        was_white = self.mean >= _WHITE
        self.mean = lit(self.mean, light)
        np.copyto(self.mean, seen, where=was_white & (seen > self.mean))
        self._second = lit(self._second, light)
        self._last = lit(self._last, light)
        if light.gain > 1.0:
            np.minimum(self.variance * np.float32(light.gain**2), np.float32(_MOST_STEP**2), out=self.variance)

    def restart(self, seen: Luma, at_s: float) -> None:
        """Another light or another view: what it shows now is the background, and its noise is unknown."""
        np.maximum(self.variance, np.float32(_FIRST_SIGMA**2), out=self.variance)
        self.adopt(seen, np.full(seen.shape, 255, np.uint8))
        self._at_s = at_s
        self._frames = 1

    def adopt(self, seen: Luma, where: Mask) -> None:
        """Another light on a part of the picture."""
        cv2.copyTo(seen, where, self.mean)
        self._second_s[where > 0] = 0.0
        self._last = np.where(where > 0, seen, self._last)

    def compare(self, seen: Luma) -> "Comparison":
        away = difference(seen, self.mean)
        if not self._has_second:
            return Comparison(away, away, None)
        away_second = difference(seen, self._second)
        known = np.where(self._second_s >= _ABSORB_S, np.minimum(away, away_second), away)
        return Comparison(known, away, away_second)

    def learn(self, seen: Luma, compared: "Comparison", step_at: Steps, foreground: Mask, at_s: float) -> None:
        """compared: of this frame. step_at: what counts as different. foreground: what is not background."""
        elapsed_s = max(0.0, at_s - self._at_s)
        self._at_s = at_s
        self._frames += 1
        if self._has_second or foreground.any():
            self._learn_second(seen, compared, step_at, foreground, elapsed_s)
        background = cv2.bitwise_not(foreground)
        step = seen - self._last
        self._last = seen
        squared = np.minimum(step * step, np.float32(_MOST_STEP**2)) * np.float32(0.5)
        # The first frames weigh more, so that the noise is known after some of them.
        first = 1.0 / self._frames

        def rate(tau_s: float) -> float:
            return 1.0 - math.exp(-elapsed_s / tau_s)

        sure = cv2.bitwise_and(background, where(compared.mean <= _DOUBTFUL_STEP))
        cv2.accumulateWeighted(seen, self.mean, max(first, rate(_MEAN_TAU_S)), sure)
        cv2.accumulateWeighted(seen, self.mean, rate(_DOUBTFUL_TAU_S), cv2.subtract(background, sure))
        cv2.accumulateWeighted(squared, self.variance, max(first, rate(_VARIANCE_TAU_S)), background)
        cv2.accumulateWeighted(squared, self.variance, rate(_FOREGROUND_VARIANCE_TAU_S), foreground)
        np.maximum(self.variance, np.float32(_LEAST_SIGMA**2), out=self.variance)

    def _learn_second(
        self, seen: Luma, compared: "Comparison", step_at: Steps, foreground: Mask, elapsed_s: float
    ) -> None:
        """Works on the few pixels that matter, as flat indices: whole pictures would take three times as long."""
        second_s = self._second_s.ravel()
        settled_before = np.flatnonzero((self._second_s >= _ABSORB_S) & (foreground == 0))
        there = np.flatnonzero(foreground)
        now, step = seen.ravel(), step_at.ravel()
        fits = np.zeros(len(there), bool)
        if compared.second is not None:
            second_away = compared.second.ravel()
            fits = (second_s[there] > 0) & (second_away[there] <= step[there])
            # What was known before is back: a car drove off.
            back = (second_away[settled_before] <= step[settled_before]) & (
                compared.mean.ravel()[settled_before] > step[settled_before]
            )
            self._swap(settled_before[back])
        grows, doubted = there[fits], there[~fits]
        old_s = second_s[grows], second_s[doubted]
        np.maximum(second_s - np.float32(_FADING * elapsed_s), np.float32(0), out=second_s)
        second_s[grows] = old_s[0] + elapsed_s
        second_s[doubted] = np.maximum(old_s[1] - _CONTRADICTED * elapsed_s, 0.0)
        new = doubted[second_s[doubted] == 0]
        second = self._second.ravel()
        second[new] = now[new]
        second_s[new] = _JUST_SEEN_S
        second[grows] += (now[grows] - second[grows]) * np.float32(_SECOND_RATE)
        self._swap(grows[second_s[grows] >= _ABSORB_S])
        self._has_second = bool(second_s.any())

    def _swap(self, indices: NDArray[np.intp]) -> None:
        mean, second = self.mean.ravel(), self._second.ravel()
        mean[indices], second[indices] = second[indices], mean[indices]
        self._second_s.ravel()[indices] = _ABSORB_S + _REMEMBER_S * _FADING


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far each pixel of a frame lies from what is known of it, from the mean, and from the second look."""

    known: Steps
    mean: Steps
    second: Steps | None
