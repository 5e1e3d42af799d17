"""What the fakes' answers are made of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

WIDTH, HEIGHT = 640, 360
PERSON_BOX = (0.25, 0.3, 0.45, 0.9)
CAR_BOX = (0.55, 0.5, 0.95, 0.85)


def label(
    name: str,
    confidence: float,
    *boxes: tuple[float, float, float, float],
    watch_hit: bool = False,
    parents: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
) -> dict[str, Any]:
    return {
        "name": name,
        "confidence": confidence,
        "aliases": list(aliases),
        "parents": list(parents),
        "categories": [],
        "watch_hit": watch_hit,
        "instances": [{"box_xyxy_rel": list(box), "confidence": confidence} for box in boxes],
    }


PERSON = label("Person", 97.1, PERSON_BOX, watch_hit=True, aliases=("Human",))
CAR = label("Car", 88.4, CAR_BOX, parents=("Vehicle", "Transportation"), aliases=("Automobile",))


def rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
