"""UseTable in memory; the contract test runs on both. Nothing expires."""

import threading
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from framewatch.domain.errors import WriteConflict
from framewatch.domain.use import DayUse, ProcessUse


@dataclass
class MemoryUse:
    by_process: dict[tuple[date, str, str], ProcessUse] = field(default_factory=dict)
    by_day: dict[date, DayUse] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def put_process(self, use: ProcessUse, expires_at: datetime) -> None:  # noqa: ARG002
        with self.lock:
            self.by_process[use.day, use.function, use.process_id] = use

    def processes(self, day: date) -> list[ProcessUse]:
        with self.lock:
            return [use for key, use in sorted(self.by_process.items()) if key[0] == day]

    def put_day(self, use: DayUse, expires_at: datetime) -> None:  # noqa: ARG002
        with self.lock:
            if self.day(use.day).version != use.version:
                raise WriteConflict(f"the use of {use.day} is not at version {use.version}")
            self.by_day[use.day] = replace(use, version=use.version + 1)

    def day(self, day: date) -> DayUse:
        return self.by_day.get(day, DayUse(day))

    def days(self, first: date, last: date) -> list[DayUse]:
        with self.lock:
            return [use for day, use in sorted(self.by_day.items()) if first <= day <= last]
