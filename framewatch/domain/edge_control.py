"""What a box beside the cameras is told between two edge files: which cameras sample less often, and until when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

# Of one frame a second, one a minute: whoever wants less switches the camera off, in the edge file.
MOST_SLOW_BY = 60


@dataclass(frozen=True, slots=True)
class EdgeControl:
    """at: when it was written. slow_by: camera -> how many times less often it samples, 2..MOST_SLOW_BY; 1 where a
    camera is not named."""

    at: datetime
    until: datetime
    slow_by: Mapping[str, int] = field(default_factory=dict)

    def slow_by_of(self, camera_id: str, now: datetime) -> int:
        """1 once its time is over: should nobody write any more, no camera stays slow for ever."""
        return self.slow_by.get(camera_id, 1) if now < self.until else 1
