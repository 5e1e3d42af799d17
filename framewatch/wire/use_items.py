"""Items of what was used: one for each process and day, one for each day. Amounts are decimal text by kind.

A kind that this build does not know is left out of what it reads. It writes back no sum that it has read: each is
made anew from the processes', so that the build which knows the kind puts it right with its next sum.
"""

from collections.abc import Mapping
from datetime import date
from typing import ClassVar

from pydantic import AwareDatetime

from framewatch.domain.usage import Usage
from framewatch.domain.use import DayUse, ProcessUse
from framewatch.wire.items import StoredItem

Amounts = dict[str, str]


class StoredProcessUse(StoredItem):
    day: date
    function: str
    process_id: str
    counted_until: AwareDatetime
    shared: Amounts
    by_camera: dict[str, Amounts]

    @classmethod
    def of(cls, use: ProcessUse) -> "StoredProcessUse":
        return cls(
            item_version=cls.current_version,
            day=use.day,
            function=use.function,
            process_id=use.process_id,
            counted_until=use.counted_until,
            shared=use.shared.as_json(),
            by_camera=_amounts(use.by_camera),
        )

    def to_domain(self) -> ProcessUse:
        return ProcessUse(
            self.day,
            self.function,
            self.process_id,
            self.counted_until,
            Usage.from_json(self.shared),
            _usages(self.by_camera),
        )


class StoredDayUse(StoredItem):
    written_back: ClassVar[bool] = True

    day: date
    known_until: AwareDatetime | None
    processes: int
    shared: Amounts
    by_camera: dict[str, Amounts]

    @classmethod
    def of(cls, use: DayUse) -> "StoredDayUse":
        return cls(
            item_version=cls.current_version,
            day=use.day,
            known_until=use.known_until,
            processes=use.processes,
            shared=use.shared.as_json(),
            by_camera=_amounts(use.by_camera),
        )

    def to_domain(self, version: int) -> DayUse:
        return DayUse(
            self.day,
            Usage.from_json(self.shared),
            _usages(self.by_camera),
            self.known_until,
            self.processes,
            version,
        )


def _amounts(by_camera: Mapping[str, Usage]) -> dict[str, Amounts]:
    return {camera_id: use.as_json() for camera_id, use in by_camera.items()}


def _usages(by_camera: Mapping[str, Amounts]) -> dict[str, Usage]:
    return {camera_id: Usage.from_json(amounts) for camera_id, amounts in by_camera.items()}
