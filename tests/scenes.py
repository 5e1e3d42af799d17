"""Made pictures for the motion gate: a furnished room, seen by a camera with noise, and what may happen in it."""

from collections.abc import Callable, Iterable
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_client.gate import GateDecision, GateSettings, MotionGate

WIDTH, HEIGHT = 640, 360
LETTERS = {
    "first": "F",
    "motion": "M",
    "keepalive": "K",
    "forced": "!",
    "no_motion": ".",
    "light_change": "L",
    "duplicate": "d",
}

Scene = NDArray[np.float32]
"""(360, 640, 3), blue first, before noise and before it is cut off at 0 and 255."""


def room(seed: int = 1) -> Scene:
    """Walls in soft colours and 25 things with edges."""
    rng = np.random.default_rng(seed)
    walls = rng.integers(40, 160, (9, 16, 3), np.uint8)
    scene = cv2.resize(walls, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    for _ in range(25):
        x, y = (int(v) for v in (rng.integers(0, WIDTH - 60), rng.integers(0, HEIGHT - 60)))
        w, h = (int(v) for v in rng.integers(10, 60, 2))
        cv2.rectangle(scene, (x, y), (x + w, y + h), tuple(float(v) for v in rng.integers(20, 190, 3)), -1)
    return scene


def with_person(
    scene: Scene, x: int, y: int = 120, *, coat: float = 40.0, size: tuple[int, int] = (50, 160)
) -> Scene:
    """x, y: top left of the coat; the head is above it."""
    out, (w, h) = scene.copy(), size
    cv2.rectangle(out, (x, y), (x + w, y + h), (coat * 0.8, coat, coat * 1.3), -1)
    cv2.circle(out, (x + w // 2, y - w // 3), w * 2 // 5, (120.0, 150.0, 190.0), -1)
    return out


def with_tree(scene: Scene, rng: np.random.Generator) -> Scene:
    """A crown of leaves before a bright sky; each leaf is anywhere in every frame."""
    out = scene.copy()
    leaves = np.where(rng.random((45, 50)) < 0.4, 30.0, 180.0).astype(np.float32)
    out[40:220, 380:580] = cv2.resize(leaves, (200, 180), interpolation=cv2.INTER_NEAREST)[..., None]
    return out


def infrared(scene: Scene) -> Scene:
    """Without colour; what was dark may be bright, as leaves and cloth are."""
    return np.repeat(np.clip(195.0 - scene.mean(axis=2, keepdims=True) * 0.6, 0, 255), 3, axis=2).astype(np.float32)


def shaken(scene: Scene, dx: float, dy: float) -> Scene:
    matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    moved = cv2.warpAffine(scene, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    return moved.astype(np.float32, copy=False)


def lamp(centre: float, reach: float, most: float) -> Scene:
    """Factors of a light that falls on one part: about 1 far off, 1 + most at `centre` (0 left, 1 right)."""
    x = np.linspace(0, 1, WIDTH, dtype=np.float32)[None, :, None]
    return (1 + most * np.exp(-(((x - centre) / reach) ** 2))).astype(np.float32)


@cache
def _grain() -> NDArray[np.float32]:
    """Eight fields of noise: drawing two million numbers for every second would take longer than the gate."""
    return np.random.default_rng(7).standard_normal((8, HEIGHT, WIDTH, 3), np.float32)


def photographed(
    scene: Scene, rng: np.random.Generator, noise: float = 3.0, *, grey: bool = False
) -> NDArray[np.uint8]:
    """grey: the sensor's noise, too, is without colour."""
    grain = np.roll(_grain()[rng.integers(8)], int(rng.integers(HEIGHT)), axis=0)[:, :, : 1 if grey else 3]
    return np.clip(scene + np.float32(noise) * grain, 0, 255).astype(np.uint8)


def decisions(
    frames: Iterable[NDArray[np.uint8]], settings: GateSettings | None = None, *, every_s: float = 1.0
) -> list[GateDecision]:
    gate = MotionGate(settings or GateSettings())
    return [gate.consider(frame, number * every_s) for number, frame in enumerate(frames)]


def letters(found: Iterable[GateDecision]) -> str:
    """`F...MMd.`: a letter a frame."""
    return "".join(LETTERS[decision.reason] for decision in found)


def watched(
    frames: int,
    scene_at: Callable[[int], Scene],
    *,
    noise: float = 3.0,
    settings: GateSettings | None = None,
    seed: int = 2,
) -> str:
    """The letters of a scene that is looked at once a second."""
    rng = np.random.default_rng(seed)
    return letters(decisions((photographed(scene_at(n), rng, noise) for n in range(frames)), settings))
