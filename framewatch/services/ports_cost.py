"""What metering needs of the world, as Protocols; see ports.py."""

from datetime import date, datetime
from typing import Protocol

from framewatch.domain.use import DayUse, ProcessUse


class UseNotes(Protocol):
    def put_process(self, use: ProcessUse, expires_at: datetime) -> None:
        """In place of what the process said before."""
        ...


class UseTable(UseNotes, Protocol):
    """What was used. What this build cannot read is left out, or left alone: NewerItem."""

    def processes(self, day: date) -> list[ProcessUse]:
        """Of one day; strong consistency."""
        ...

    def put_day(self, use: DayUse, expires_at: datetime) -> None:
        """In place of the version that was read. Raises WriteConflict."""
        ...

    def day(self, day: date) -> DayUse:
        """Strong consistency; an empty one of version 0 where none is stored."""
        ...

    def days(self, first: date, last: date) -> list[DayUse]:
        """Both included, oldest first; only those that there are."""
        ...
