"""What is given up, camera by camera, so that the bill stays within the budget; and for how long."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum


class BudgetStep(IntEnum):
    """Each on top of those before it. None of them loses a frame: what is not analysed is kept, and counted so."""

    FULL = 0
    SLOWER = 1  # the edge samples SLOWER_BY times less often
    ZONES_ONLY = 2  # only frames with motion are analysed; where the camera has zones, with motion in one of them
    WATCHED_ONLY = 3  # only cameras are analysed that a rule with somebody to tell covers
    KEEP_ONLY = 4  # nothing is analysed


SLOWER_BY = 4


class BudgetCause(StrEnum):
    """Which budget nears its end."""

    SITE_MONTH = "site-month"
    SITE_DAY = "site-day"
    CAMERA_MONTH = "camera-month"
    CAMERA_DAY = "camera-day"
    SET = "set"  # an administrator has set the step


@dataclass(frozen=True, slots=True)
class CameraStep:
    """since: when the camera came to this step. until: when the budget's period ends, or what was set."""

    step: BudgetStep
    cause: BudgetCause
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class BudgetState:
    """by_camera: those that are not at FULL. version: counts writes; 0: not yet stored."""

    by_camera: Mapping[str, CameraStep] = field(default_factory=dict)
    decided_at: datetime | None = None
    version: int = 0

    def step_of(self, camera_id: str, at: datetime) -> BudgetStep:
        """FULL once its time is over: should nobody decide any more, nothing stays given up for ever."""
        found = self.by_camera.get(camera_id)
        return found.step if found is not None and at < found.until else BudgetStep.FULL
