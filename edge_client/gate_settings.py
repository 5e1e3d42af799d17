"""What may be set at the motion gate, and what it answers. Loads no OpenCV: the parent needs it too."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from framewatch.domain.frames import BoxXYXYRel, GateReason
from framewatch.domain.geometry import PolygonField

Sensitivity = Annotated[float, Field(ge=0, le=1)]


class GateSettings(BaseModel):
    """One camera's gate. keepalive_s lies below the site's `visits.gap_s` (30 by default) with room for one sampling
    interval: somebody who stands still is seen in keep-alives alone, and a gap between them would make two visits of
    one. While something stands in the picture that was not always there, they come twice as often, so that one frame
    in which the model misses that person does no harm either."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(default=True, description="false: every sampled frame is sent")
    keepalive_s: float = Field(
        default=25.0,
        gt=0,
        le=86_400,
        description="a frame is sent this often even when nothing moves; keep it below the site's visits.gap_s",
    )
    sensitivity: Sensitivity = Field(
        default=0.5, description="by day: 0 sees only large contrasts, 1 everything above the noise"
    )
    night_sensitivity: Sensitivity = Field(
        default=0.5, description="in the dark or under infrared light, told by the picture itself"
    )
    min_area_share: float = Field(
        default=0.001, gt=0, le=1, description="the smallest thing that counts, as a share of the picture's area"
    )
    zones: tuple[PolygonField, ...] = Field(
        default=(), description="polygons of [x, y] shares; only what touches one of them counts; none: everywhere"
    )
    ignore: tuple[PolygonField, ...] = Field(
        default=(), description="polygons of [x, y] shares in which nothing counts, such as a clock or a road"
    )


class WithheldReason(StrEnum):
    """Why the gate kept a frame back."""

    NO_MOTION = "no_motion"
    LIGHT_CHANGE = "light_change"  # the picture changed as a whole: a lamp, a cloud, infrared
    DUPLICATE = "duplicate"  # something is there, and the last frame that was sent shows it just so


@dataclass(frozen=True, slots=True)
class GateDecision:
    """boxes_xyxy_rel: what moved, largest first; empty unless the reason is motion or duplicate. repeats: it is a
    keep-alive in which nothing stands, and shows what the last frame showed that was sent and repeated none itself.

    The rest is for people who tune: changed_share is that of the pixels that counted as changed, gain that of the
    whole picture's brightness against the model's (1: no change).
    """

    send: bool
    reason: GateReason | WithheldReason
    boxes_xyxy_rel: tuple[BoxXYXYRel, ...] = ()
    changed_share: float = 0.0
    gain: float = 1.0
    night: bool = False
    repeats: bool = False
