"""What was spent, by the price table; what a month will come to; and whose part of it is whose."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class CameraSpend:
    """today_usd, month_usd: with the camera's part of what is shared. frames_per_day: stored, the mean of the last
    up to seven whole days; of today so far where there is none.
    """

    today_usd: float
    month_usd: float
    frames_per_day: float = 0.0


@dataclass(frozen=True, slots=True)
class Spend:
    """In USD. Days and months are the site's.

    by_camera: they sum to today_usd and month_usd. standing_usd_per_hour: what is paid whether or not anything
    happens. usd_per_kept_frame: one more frame that is stored and not analysed. usd_per_analysis: what analysing it
    adds. known_until: what was used later is not in yet; None: nothing was ever metered.
    """

    day: date
    month: date
    today_usd: float
    month_usd: float
    standing_usd_per_hour: float
    usd_per_kept_frame: float
    usd_per_analysis: float
    by_camera: Mapping[str, CameraSpend] = field(default_factory=dict)
    known_until: datetime | None = None
