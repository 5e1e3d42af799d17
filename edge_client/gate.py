"""Which sampled frames are worth sending: the first, those in which something moves, and one now and then.

Works on a small luma image of what is left behind the privacy masks. Invariants:
- every frame gets one decision with one reason;
- while frames come, none is withheld once the last that was sent is `keepalive_s` old;
- what lies inside an ignored polygon is never part of a reason;
- the caller brings the time; there is no clock in here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from edge_client.gate_blobs import Blobs, find_blobs, no_blobs
from edge_client.gate_model import (
    Background,
    Cells,
    Luma,
    Mask,
    Steps,
    difference,
    fit_light,
    lit,
    steps,
    structure,
    where,
    whole_cells,
)
from edge_client.gate_settings import GateDecision, GateSettings, WithheldReason
from edge_client.jpeg import FrameBGR
from edge_client.masks import raster
from edge_client.near_duplicate import Reference
from framewatch.domain.frames import BoxXYXYRel, GateReason
from framewatch.domain.geometry import PolygonRel

__all__ = ["GateDecision", "GateReason", "GateSettings", "MotionGate", "WithheldReason"]

# Of the longer side, at most. 320 costs nearly twice the CPU and found nothing more on the clips.
_SMALL_PX = 256
# At sensitivity 0.5: luma steps of 255, and multiples of the pixel's own standard deviation.
_LEAST_STEP, _SIGMAS = 14.0, 4.0
_WEAK = 0.6
# The envelope's readers take a hundred; more than some is a snowfall.
_MOST_BOXES = 16
# More of the picture than a visitor covers: then its light is asked, and what is usual is learnt anew.
_GLOBAL_SHARE = 0.4
_SAME_VIEW_SHARE = 0.5
# Falls below the first: dark, grey; rises above the second: no longer.
_DARK_LUMA = (45.0, 55.0)
_GREY_CHROMA = (3.0, 6.0)
_DARK_STEP = 20.0
# A switched light, not a cloud: from one frame to the next.
_NEW_GAIN, _NEW_OFFSET = 1.2, 15.0
_DETAIL_SHARE, _SAME_DETAIL_SHARE, _NEW_DETAIL_SHARE = 0.2, 0.7, 0.25
_WINDOW_MARGIN_PX = 4
# Of a smaller thing, such as a cat, the windows that details are compared in show mostly what is around it.
_LEAST_LIT_PX = 150
# A lamp goes on and somebody stands beside it from then on: the picture is looked at again once it has settled.
_LOOK_AGAIN_S = 3.0
# Of what stands in the picture, this much has to differ from the last frame that was sent.
_NEWS_SHARE = 0.04
_OPEN = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))


@dataclass(frozen=True, slots=True)
class _Sent:
    luma: Luma
    at_s: float


@dataclass(frozen=True, slots=True)
class _View:
    """What follows from a picture's size."""

    shape_hw: tuple[int, int]
    factor: int
    active: Mask
    active_px: int
    cells: Cells
    zones: Mask | None
    least_px: int


class MotionGate:
    """One camera's gate. Not safe for several threads."""

    def __init__(self, settings: GateSettings, masked: Sequence[PolygonRel] = ()) -> None:
        """masked: the camera's privacy masks, which are black in every light and so say nothing of it."""
        self._settings = settings
        self._ignored = (*settings.ignore, *masked)
        self._view: _View | None = None
        self._dark = False
        self._grey = False
        self._look_again_at_s: float | None = None
        self._next_look_at_s: float | None = None

    def consider(self, frame_bgr: FrameBGR, at_s: float) -> GateDecision:
        """frame_bgr: uint8 (H, W, 3), already masked; it is not changed. at_s: monotonic or media seconds."""
        if not self._settings.enabled:
            return GateDecision(True, GateReason.FORCED)
        seen, chroma, factor = _small(frame_bgr)
        view = self._view
        if view is None or view.shape_hw != frame_bgr.shape[:2]:
            self._view = self._start(frame_bgr.shape[:2], seen.shape, factor)
            self._see_light(seen, chroma, self._view)
            self._background = Background(seen, at_s)
            self._mark_sent(seen, at_s)
            self._reference = Reference(seen, at_s)
            return GateDecision(True, GateReason.FIRST, night=self._night)
        return self._decide(view, seen, at_s, switched=self._see_light(seen, chroma, view))

    def _start(self, shape_hw: tuple[int, ...], small_hw: tuple[int, ...], factor: int) -> _View:
        height, width = small_hw[:2]
        active = cv2.bitwise_not(raster(self._ignored, width, height)).astype(np.uint8, copy=False)
        zones = raster(self._settings.zones, width, height) if self._settings.zones else None
        least_px = max(4, round(self._settings.min_area_share * width * height))
        active_px = max(1, cv2.countNonZero(active))
        return _View((shape_hw[0], shape_hw[1]), factor, active, active_px, whole_cells(active), zones, least_px)

    def _see_light(self, seen: Luma, chroma: Steps, view: _View) -> bool:
        """Whether it became dark or bright, or lost or won its colours, since the last frame."""
        before = self._dark, self._grey
        self._dark = cv2.mean(seen, view.active)[0] < _DARK_LUMA[self._dark]
        self._grey = cv2.mean(chroma, view.active)[0] < _GREY_CHROMA[self._grey]
        return before != (self._dark, self._grey)

    @property
    def _night(self) -> bool:
        return self._dark or self._grey

    def _decide(self, view: _View, seen: Luma, at_s: float, *, switched: bool) -> GateDecision:
        model = self._background
        luma_before = cv2.mean(model.mean, view.active)[0]
        light = fit_light(seen, model.mean, view.cells)
        model.relight(light, seen)
        compared = model.compare(seen)
        strong_at, weak_at = self._thresholds()
        changed = cv2.bitwise_and(where(compared.known > weak_at), view.active).astype(np.uint8, copy=False)
        strong = where(compared.known > strong_at)
        blobs = find_blobs(changed, strong, view.active, view.zones, view.least_px)
        share = cv2.countNonZero(changed) / view.active_px
        relit = not 1 / _NEW_GAIN < light.gain < _NEW_GAIN or abs(light.offset) > _NEW_OFFSET
        if share > _GLOBAL_SHARE:
            went_light = self._is_light(view, seen, changed, luma_before, switched=switched)
            if went_light:
                blobs = no_blobs(changed.shape)
            model.restart(seen, at_s)  # another light, a camera that was turned, somebody right before it
        else:
            model.learn(seen, compared, weak_at, blobs.mask(), at_s)
            blobs, by_light = self._without_light(blobs, seen, relit=relit)
            went_light = bool(by_light.numbers)
            if went_light and relit:
                model.adopt(seen, by_light.mask())
        if went_light and not blobs.numbers and (relit or share > _GLOBAL_SHARE):
            self._plan_another_look(at_s)
        news = bool(blobs.numbers) and self._is_news(view, seen, strong_at, blobs)
        reason = self._reason(seen, at_s, blobs, news=news, light_changed=went_light or relit)
        moved = reason in (GateReason.MOTION, WithheldReason.DUPLICATE)
        boxes = _relative(blobs, view) if moved else ()
        # What stands in the picture is looked at anew each time: the model may have missed it.
        repeats = reason is GateReason.KEEPALIVE and not blobs.numbers and self._repeats(view, seen, at_s, weak_at)
        is_sent = isinstance(reason, GateReason)
        if is_sent and not repeats:
            self._reference = Reference(seen, at_s)
        return GateDecision(is_sent, reason, boxes, share, light.gain, self._night, repeats)

    @property
    def _tolerance(self) -> float:
        """By the sensitivity that counts now: 2 at none, 1 at the usual one, 0.5 at most."""
        sensitivity = self._settings.night_sensitivity if self._night else self._settings.sensitivity
        return float(2.0 ** (1.0 - 2.0 * sensitivity))

    def _repeats(self, view: _View, seen: Luma, at_s: float, weak_at: Steps) -> bool:
        # Whoever wants to be sent less does not want to have less found in what is sent.
        noise = cv2.convertScaleAbs(weak_at, alpha=1.0 / max(1.0, self._tolerance)).astype(np.uint8, copy=False)
        return self._reference.nearly_equals(seen, at_s, noise, view.active, view.least_px)

    def _thresholds(self) -> tuple[Steps, Steps]:
        """Per pixel the step above which something has changed for sure, and the one above which it may have."""
        factor = self._tolerance
        step: Luma = np.maximum(
            self._background.sigma() * np.float32(_SIGMAS * factor), np.float32(_LEAST_STEP * factor)
        )
        return steps(step), steps(step * np.float32(_WEAK))

    def _is_light(self, view: _View, seen: Luma, changed: Mask, luma_before: float, *, switched: bool) -> bool:
        """Whether a change of most of the picture is one of its light; without evidence it counts as motion."""
        luma = cv2.mean(seen, view.active)[0]
        if switched or (min(luma_before, luma) < _DARK_LUMA[1] and abs(luma - luma_before) > _DARK_STEP):
            return True  # in the dark there is no detail to compare
        detail, same = structure(seen, self._background.mean)
        inside = changed > 0
        return bool(np.count_nonzero(same & inside) > _SAME_VIEW_SHARE * np.count_nonzero(detail & inside))

    def _without_light(self, blobs: Blobs, seen: Luma, *, relit: bool) -> tuple[Blobs, Blobs]:
        """Those in which something else has changed than the light, and the others.

        Usually a blob has to show that it is light: it has detail, and the detail is as before. When the light of the
        whole picture has just changed, it has to show that it is not: enough of it has another detail than before.
        """
        if not blobs.numbers:
            return blobs, blobs
        here = blobs.around(_WINDOW_MARGIN_PX)
        detail, same = structure(seen[here], self._background.mean[here])
        labels = blobs.labels[here]
        areas = blobs.stats[:, cv2.CC_STAT_AREA]
        with_detail = np.bincount(labels[detail], minlength=len(areas))
        with_same = np.bincount(labels[same], minlength=len(areas))
        if relit:
            is_light = with_detail - with_same < _NEW_DETAIL_SHARE * areas
        else:
            is_light = (with_detail > _DETAIL_SHARE * areas) & (with_same > _SAME_DETAIL_SHARE * with_detail)
            is_light &= areas >= _LEAST_LIT_PX
        return (
            blobs.only([n for n in blobs.numbers if not is_light[n]]),
            blobs.only([n for n in blobs.numbers if is_light[n]]),
        )

    def _plan_another_look(self, at_s: float) -> None:
        """Not after every one of a flickering lamp's changes."""
        if self._look_again_at_s is None:
            earliest_s = at_s + _LOOK_AGAIN_S
            self._look_again_at_s = max(earliest_s, self._next_look_at_s or earliest_s)
            self._next_look_at_s = self._look_again_at_s + self._settings.keepalive_s / 2

    def _reason(
        self, seen: Luma, at_s: float, blobs: Blobs, *, news: bool, light_changed: bool
    ) -> GateReason | WithheldReason:
        if news:
            self._mark_sent(seen, at_s)
            return GateReason.MOTION
        # What stands in the picture is shown twice as often; see GateSettings.
        wait_s = self._settings.keepalive_s / (2 if blobs.numbers else 1)
        look_again = self._look_again_at_s is not None and at_s >= self._look_again_at_s and not light_changed
        if look_again or not 0 <= at_s - self._sent.at_s < wait_s:
            self._mark_sent(seen, at_s)
            return GateReason.KEEPALIVE
        if blobs.numbers:
            return WithheldReason.DUPLICATE
        return WithheldReason.LIGHT_CHANGE if light_changed else WithheldReason.NO_MOTION

    def _is_news(self, view: _View, seen: Luma, step_at: Steps, blobs: Blobs) -> bool:
        """Whether the last frame that was sent does not already show this."""
        sent = lit(self._sent.luma, fit_light(seen, self._sent.luma, view.cells))
        changed = cv2.bitwise_and(where(difference(seen, sent) > step_at), view.active)
        news_px = cv2.countNonZero(cv2.morphologyEx(changed, cv2.MORPH_OPEN, _OPEN))
        return bool(news_px >= max(view.least_px, _NEWS_SHARE * blobs.area_px))

    def _mark_sent(self, seen: Luma, at_s: float) -> None:
        self._sent = _Sent(seen, at_s)
        self._look_again_at_s = None


def _small(frame_bgr: FrameBGR) -> tuple[Luma, Steps, int]:
    """Luma with the finest detail blurred away, the chroma (largest less smallest of B, G, R), and the factor.

    Each small pixel is the mean of four that lie spread over its square: the mean of all of them takes three times as
    long, and what more noise it takes away the blur takes, too. Whole factors, so that every small pixel is made
    alike: the last few rows and columns are not looked at.
    """
    height, width = frame_bgr.shape[:2]
    factor = max(1, min(-(-max(height, width) // _SMALL_PX), height, width))
    size_wh = (width // factor, height // factor)
    small: Any = frame_bgr[: size_wh[1] * factor, : size_wh[0] * factor]
    if factor > 2:
        small = cv2.resize(small, (2 * size_wh[0], 2 * size_wh[1]), interpolation=cv2.INTER_NEAREST)
    if factor > 1:
        small = cv2.resize(small, size_wh, interpolation=cv2.INTER_AREA)
    blue, green, red = cv2.split(small)
    most, least = cv2.max(cv2.max(blue, green), red), cv2.min(cv2.min(blue, green), red)
    luma = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), (3, 3), 0)
    return luma.astype(np.float32), cv2.subtract(most, least).astype(np.uint8, copy=False), factor


def _relative(blobs: Blobs, view: _View) -> tuple[BoxXYXYRel, ...]:
    height, width = view.shape_hw
    x, y = view.factor / width, view.factor / height
    return tuple(
        (left * x, top * y, min(1.0, right * x), min(1.0, bottom * y))
        for left, top, right, bottom in blobs.boxes_xyxy_px[:_MOST_BOXES]
    )
