"""Which sampled frames are worth sending: the first, those in which something moves, and one now and then.

Works on a small luma image behind the privacy masks. Invariants:
- every frame gets exactly one decision with one reason;
- once frames come, none is withheld when the last that was sent is `keepalive_s` old;
- nothing inside an ignored polygon is ever part of a reason;
- the caller brings the time; there is no clock in here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_client.gate_model import Background, Luma, Mask, difference, fit_light, lit, structure
from edge_client.gate_settings import GateDecision, GateSettings, WithheldReason
from edge_client.jpeg import FrameBGR
from edge_client.masks import raster
from framewatch.domain.frames import BoxXYXYRel, GateReason
from framewatch.domain.geometry import PolygonRel

__all__ = ["GateDecision", "GateReason", "GateSettings", "MotionGate", "WithheldReason"]

_SMALL_PX = 320
# At sensitivity 0.5: luma steps of 255, and multiples of the pixel's own standard deviation.
_LEAST_STEP, _SIGMAS = 14.0, 4.0
# A blob is what lies above this share of the threshold, if a part of it lies above the threshold itself.
_WEAK = 0.6
_STRONG_PART = 0.25
_MOST_BOXES = 16
# More of the picture than a visitor covers: then the light is asked.
_GLOBAL_SHARE = 0.4
_DARK_LUMA = (45.0, 55.0)  # falls below the first: dark; rises above the second: not dark
_GREY_CHROMA = (3.0, 6.0)
_DARK_STEP = 20.0
# A lamp goes on and somebody stands beside it from then on: the picture is looked at again once it has settled.
_LOOK_AGAIN_S = 3.0
# Of what stands in the picture, this much has to differ from the last frame that was sent.
_NEWS_SHARE = 0.06
_OPEN = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
_CLOSE = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))


@dataclass(slots=True)
class _Sent:
    luma: Luma
    at_s: float


@dataclass(frozen=True, slots=True)
class _Blobs:
    boxes_xyxy_px: tuple[tuple[int, int, int, int], ...]
    mask: Mask
    area_px: int


class MotionGate:
    """One camera's gate. Not safe for several threads."""

    def __init__(self, settings: GateSettings, masked: Sequence[PolygonRel] = ()) -> None:
        """masked: the camera's privacy masks; at their edges, too, nothing counts."""
        self._settings = settings
        self._ignored = (*settings.ignore, *masked)
        self._shape_hw: tuple[int, int] | None = None
        self._dark = False
        self._grey = False
        self._look_again_at_s: float | None = None

    def consider(self, frame_bgr: FrameBGR, at_s: float) -> GateDecision:
        """frame_bgr: uint8 (H, W, 3), already masked; it is not changed. at_s: monotonic or media seconds."""
        if not self._settings.enabled:
            return GateDecision(True, GateReason.FORCED)
        seen, chroma = self._small(frame_bgr)
        shape_hw = frame_bgr.shape[:2]
        if shape_hw != self._shape_hw:
            self._start(seen, shape_hw)
            self._see_light(seen, chroma)
            self._background = Background(seen, at_s)
            self._mark_sent(seen, at_s)
            return GateDecision(True, GateReason.FIRST, night=self._night)
        was_dark, was_grey = self._dark, self._grey
        self._see_light(seen, chroma)
        return self._decide(seen, at_s, switched=(was_dark, was_grey) != (self._dark, self._grey))

    def _decide(self, seen: Luma, at_s: float, *, switched: bool) -> GateDecision:
        model = self._background
        light = fit_light(seen, model.mean)
        before = float(model.mean.mean())
        model.relight(light)
        away = difference(seen, model.mean)
        strong_at = self._thresholds()
        changed = self._counted(away > _WEAK * strong_at)
        share = cv2.countNonZero(changed) / self._active_px
        light_changed = share > _GLOBAL_SHARE and self._is_light(seen, changed, before, switched=switched)
        if light_changed:
            changed = np.zeros_like(changed)
        blobs = self._blobs(changed, away, strong_at)
        if share > _GLOBAL_SHARE:
            model.restart(seen, at_s)  # another light, a camera that was turned, somebody right before it
        else:
            model.learn(seen, blobs.mask, at_s)
        decision = self._answer(seen, at_s, blobs, light_changed=light_changed)
        facts = (self._relative(blobs), share, light.gain, self._night)
        if decision in (GateReason.MOTION, WithheldReason.DUPLICATE):
            return GateDecision(decision is GateReason.MOTION, decision, *facts)
        return GateDecision(isinstance(decision, GateReason), decision, (), *facts[1:])

    def _answer(self, seen: Luma, at_s: float, blobs: _Blobs, *, light_changed: bool) -> GateReason | WithheldReason:
        if blobs.boxes_xyxy_px and self._is_news(seen, blobs):
            self._mark_sent(seen, at_s)
            return GateReason.MOTION
        if light_changed and self._look_again_at_s is None:
            self._look_again_at_s = at_s + _LOOK_AGAIN_S
        # What stands in the picture is shown twice as often; see GateSettings.
        wait_s = self._settings.keepalive_s / (2 if blobs.boxes_xyxy_px else 1)
        look_again = self._look_again_at_s is not None and at_s >= self._look_again_at_s and not light_changed
        if look_again or not 0 <= at_s - self._sent.at_s < wait_s:
            self._mark_sent(seen, at_s)
            return GateReason.KEEPALIVE
        if light_changed:
            return WithheldReason.LIGHT_CHANGE
        return WithheldReason.DUPLICATE if blobs.boxes_xyxy_px else WithheldReason.NO_MOTION

    def _start(self, seen: Luma, shape_hw: tuple[int, int]) -> None:
        self._shape_hw = shape_hw
        height, width = seen.shape
        settings = self._settings
        ignored = raster(self._ignored, width, height)
        self._active = cv2.bitwise_not(ignored).astype(np.uint8, copy=False)
        self._active_px = max(1, cv2.countNonZero(self._active))
        self._zones = raster(settings.zones, width, height) if settings.zones else None
        self._least_px = max(4, round(settings.min_area_share * width * height))

    def _mark_sent(self, seen: Luma, at_s: float) -> None:
        self._sent = _Sent(seen, at_s)
        self._look_again_at_s = None

    def _small(self, frame_bgr: FrameBGR) -> tuple[Luma, float]:
        """Luma with the finest detail blurred away, and the mean chroma (largest less smallest of B, G, R).

        Whole factors, because fractions take several times as long: the last few rows and columns are not looked at.
        Of the rows every second or third is left out, which halves the time again and costs little noise reduction.
        """
        height, width = frame_bgr.shape[:2]
        self._factor = factor = max(1, min(-(-max(height, width) // _SMALL_PX), height, width))
        size_wh = (width // factor, height // factor)
        step = next((step for step in (3, 2) if factor % step == 0 and factor > step), 1)
        cropped = frame_bgr[: size_wh[1] * factor : step, : size_wh[0] * factor]
        small = cv2.resize(cropped, size_wh, interpolation=cv2.INTER_AREA)
        blue, green, red = cv2.split(small)
        most, least = cv2.max(cv2.max(blue, green), red), cv2.min(cv2.min(blue, green), red)
        luma = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), (3, 3), 0)
        return luma.astype(np.float32), float(cv2.mean(cv2.subtract(most, least))[0])

    def _see_light(self, seen: Luma, chroma: float) -> None:
        luma = float(seen.mean())
        self._dark = luma < _DARK_LUMA[self._dark]
        self._grey = chroma < _GREY_CHROMA[self._grey]

    @property
    def _night(self) -> bool:
        return self._dark or self._grey

    def _thresholds(self) -> Luma:
        """Per pixel, the step that counts."""
        sensitivity = self._settings.night_sensitivity if self._night else self._settings.sensitivity
        factor = 2.0 ** (1.0 - 2.0 * sensitivity)
        step: Luma = np.maximum(
            self._background.sigma() * np.float32(_SIGMAS * factor), np.float32(_LEAST_STEP * factor)
        )
        return step

    def _counted(self, where: NDArray[np.bool_]) -> Mask:
        return cv2.bitwise_and(where.view(np.uint8) * np.uint8(255), self._active)  # type: ignore[return-value]

    def _is_light(self, seen: Luma, changed: Mask, before: float, *, switched: bool) -> bool:
        """Whether a change of most of the picture is one of its light; without evidence it counts as motion."""
        after = float(seen.mean())
        if switched or (min(before, after) < _DARK_LUMA[1] and abs(after - before) > _DARK_STEP):
            return True  # in the dark there is no structure to compare
        textured, kept = structure(seen, self._background.mean, _LEAST_STEP / _SIGMAS)
        inside = changed > 0
        comparable = int(np.count_nonzero(textured & inside))
        return comparable > 0 and bool(np.count_nonzero(kept & inside) > 0.5 * comparable)

    def _blobs(self, changed: Mask, away: Luma, strong_at: Luma) -> _Blobs:
        nothing = _Blobs((), np.zeros_like(changed), 0)
        opened = cv2.morphologyEx(changed, cv2.MORPH_OPEN, _OPEN)
        if cv2.countNonZero(opened) == 0:
            return nothing
        closed = cv2.bitwise_and(cv2.morphologyEx(opened, cv2.MORPH_CLOSE, _CLOSE), self._active)
        # Grana's labelling takes a third of the time of OpenCV's choice for 32-bit labels.
        count, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(closed, 8, cv2.CV_32S, cv2.CCL_GRANA)
        areas = stats[:, cv2.CC_STAT_AREA]
        kept = areas >= self._least_px
        kept[0] = False  # what is not a blob
        if not kept.any():
            return nothing
        kept &= np.bincount(labels[(away > strong_at) & (closed > 0)], minlength=count) >= (
            _STRONG_PART * self._least_px
        )
        if self._zones is not None:
            kept &= np.bincount(labels[self._zones > 0], minlength=count) > 0
        numbers = sorted(np.flatnonzero(kept), key=lambda n: -int(areas[n]))
        boxes = []
        mask = np.zeros_like(changed)
        for n in numbers:
            left, top, width, height = (int(v) for v in stats[n, :4])
            boxes.append((left, top, left + width, top + height))
            there = np.s_[top : top + height, left : left + width]
            mask[there] |= (labels[there] == n).view(np.uint8) * np.uint8(255)
        return _Blobs(tuple(boxes[:_MOST_BOXES]), mask, int(areas[numbers].sum()))

    def _is_news(self, seen: Luma, blobs: _Blobs) -> bool:
        """Whether the last frame that was sent does not already show this."""
        sent = lit(self._sent.luma, fit_light(seen, self._sent.luma))
        away = difference(seen, sent)
        changed = cv2.morphologyEx(self._counted(away > self._thresholds()), cv2.MORPH_OPEN, _OPEN)
        return bool(cv2.countNonZero(changed) >= max(self._least_px, _NEWS_SHARE * blobs.area_px))

    def _relative(self, blobs: _Blobs) -> tuple[BoxXYXYRel, ...]:
        assert self._shape_hw is not None  # noqa: S101 - set with the first frame
        height, width = self._shape_hw
        x, y = self._factor / width, self._factor / height
        return tuple(
            (left * x, top * y, min(1.0, right * x), min(1.0, bottom * y))
            for left, top, right, bottom in blobs.boxes_xyxy_px
        )
