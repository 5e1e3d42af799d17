"""What was used on a day, and by which camera: counted by every process for itself, summed for the day.

Days are the site's. A process says what it has used since the day began, or since it began itself; so a day is a sum
over processes, and whoever writes again changes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import reduce
from operator import add

from framewatch.domain.usage import NOTHING, Usage, UsageKind


@dataclass(frozen=True, slots=True)
class ProcessUse:
    """What one process of a function has used on a day so far, until `counted_until`.

    process_id: never given twice. shared: what no camera is known for. by_camera: by id.
    """

    day: date
    function: str
    process_id: str
    counted_until: datetime
    shared: Usage = NOTHING
    by_camera: Mapping[str, Usage] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DayUse:
    """The sum over a day's processes. Images are counted as they are billed: each attempt by itself.

    known_until: the newest that is in it; None: nothing is. version: counts writes; 0: not yet stored.
    """

    day: date
    shared: Usage = NOTHING
    by_camera: Mapping[str, Usage] = field(default_factory=dict)
    known_until: datetime | None = None
    processes: int = 0
    version: int = 0

    @property
    def total(self) -> Usage:
        return reduce(add, self.by_camera.values(), self.shared)

    @property
    def billed_images_by_camera(self) -> dict[str, int]:
        """Attempts at DetectLabels that are paid, or may be: at least as many as pictures analysed, but for what
        processes used that died before they said so."""
        billed = {i: int(use.amount(UsageKind.IMAGES_ANALYSED)) for i, use in self.by_camera.items()}
        return {camera_id: images for camera_id, images in billed.items() if images}


def sum_day(day: date, processes: Iterable[ProcessUse]) -> DayUse:
    """Each process once, whatever its order."""
    shared, by_camera, until, count = NOTHING, dict[str, Usage](), None, 0
    for process in processes:
        shared += process.shared
        for camera_id, use in process.by_camera.items():
            by_camera[camera_id] = by_camera.get(camera_id, NOTHING) + use
        until = process.counted_until if until is None else max(until, process.counted_until)
        count += 1
    return DayUse(day, shared, dict(sorted(by_camera.items())), until, count)
