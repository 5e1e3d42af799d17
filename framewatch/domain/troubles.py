"""What may be wrong with a site, as the watchdog finds it and as its texts tell it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TroubleKind(StrEnum):
    """In the order in which a text tells them: what explains others comes before them."""

    PROCESSING = "processing"  # nothing at all is processed
    VISION = "vision"  # pictures cannot be analysed
    STREAM = "stream"  # frames come too late
    BOX = "box"
    CAMERA = "camera"


@dataclass(frozen=True, slots=True)
class Trouble:
    """name: of the camera or the box; the other kinds have none. since: when it was last well.

    cameras: how many a silent box has. late_s: how late a stream's frames are, 0 when not known.
    """

    kind: TroubleKind
    name: str
    since: datetime
    cameras: int = 0
    late_s: float = 0
