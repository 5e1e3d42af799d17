"""Pictures that fakes show: drawn, small, and each like no other."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

BoxPx = tuple[float, float, float, float]


def jpeg_of(frame: dict[str, Any], seed: int) -> bytes:
    """A yard at one of four hours of the day, with a figure or a car where the boxes say so."""
    w, h = frame["width"], frame["height"]
    rng = np.random.default_rng(seed)
    sky, ground = [
        ((200, 170, 130), (105, 120, 118)),
        ((90, 60, 42), (46, 50, 52)),
        ((150, 150, 190), (88, 98, 112)),
        ((172, 180, 168), (98, 116, 104)),
    ][seed % 4]
    picture = np.empty((h, w, 3), np.float32)
    horizon = int(h * 0.48)
    for y in range(h):
        near = y / h
        picture[y] = np.array(sky if y < horizon else ground) * (0.8 + 0.35 * near)
    cv2.rectangle(picture, (0, int(h * 0.2)), (int(w * 0.2), horizon + 8), [c * 0.75 for c in ground], -1)
    cv2.rectangle(picture, (int(w * 0.8), int(h * 0.12)), (w, horizon + 14), [c * 0.6 for c in sky], -1)
    cv2.fillPoly(
        picture,
        [np.array([[w * 0.42, horizon], [w * 0.58, horizon], [w * 0.95, h], [w * 0.02, h]], np.int32)],
        [c * 1.15 for c in ground],
    )
    for found in frame["labels"]:
        for instance in found["instances"]:
            x0, y0, x1, y1 = (v * s for v, s in zip(instance["box_xyxy_rel"], (w, h, w, h), strict=True))
            if found["name"] == "Car":
                draw_car(picture, (x0, y0, x1, y1))
            else:
                draw_figure(picture, (x0, y0, x1, y1), rng)
    picture += rng.normal(0, 5, picture.shape)
    ok, data = cv2.imencode(
        ".jpg", cv2.GaussianBlur(np.clip(picture, 0, 255), (3, 3), 0).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 82]
    )
    assert ok
    return data.tobytes()


def draw_figure(picture: np.ndarray, box_xyxy_px: BoxPx, rng: np.random.Generator) -> None:
    x0, y0, x1, y1 = box_xyxy_px
    w, h = x1 - x0, y1 - y0
    cx = (x0 + x1) / 2
    coat = tuple(float(c) for c in rng.integers(40, 140, 3))
    cv2.ellipse(picture, (int(cx), int(y1)), (int(w * 0.5), int(h * 0.03) + 1), 0, 0, 360, (30, 32, 34), -1)
    for side in (-0.16, 0.16):
        cv2.rectangle(
            picture,
            (int(cx + w * (side - 0.11)), int(y0 + h * 0.55)),
            (int(cx + w * (side + 0.11)), int(y1)),
            (52, 46, 44),
            -1,
        )
    cv2.rectangle(picture, (int(x0 + w * 0.14), int(y0 + h * 0.2)), (int(x1 - w * 0.14), int(y0 + h * 0.6)), coat, -1)
    cv2.circle(picture, (int(cx), int(y0 + h * 0.1)), int(max(3, h * 0.09)), (140, 165, 205), -1)


def draw_car(picture: np.ndarray, box_xyxy_px: BoxPx) -> None:
    x0, y0, x1, y1 = box_xyxy_px
    w, h = x1 - x0, y1 - y0
    cv2.rectangle(picture, (int(x0), int(y0 + h * 0.4)), (int(x1), int(y0 + h * 0.82)), (128, 74, 48), -1)
    roof = [
        [x0 + w * 0.2, y0 + h * 0.42],
        [x0 + w * 0.32, y0 + 2],
        [x0 + w * 0.72, y0 + 2],
        [x0 + w * 0.84, y0 + h * 0.42],
    ]
    cv2.fillPoly(picture, [np.array(roof, np.int32)], (150, 122, 100))
    for at in (0.22, 0.78):
        cv2.circle(picture, (int(x0 + w * at), int(y0 + h * 0.82)), int(h * 0.18), (24, 24, 24), -1)
