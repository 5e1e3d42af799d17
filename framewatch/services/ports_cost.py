"""What metering and budgets need of the world, as Protocols; see ports.py."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from framewatch.domain.budget import BudgetChange, BudgetPin, BudgetState
from framewatch.domain.edge_control import EdgeControl
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


class BudgetSource(Protocol):
    def current(self) -> BudgetState:
        """As it holds now, or was last known. Never raises."""
        ...


class BudgetTable(Protocol):
    def state(self) -> BudgetState:
        """Strong consistency; an empty one of version 0 where none is stored."""
        ...

    def put_state(self, state: BudgetState, expires_at: datetime, changes: Sequence[BudgetChange] = ()) -> None:
        """In place of the version that was read, and what led to it, all or nothing. Raises WriteConflict.

        changes: of one decision; kept apart, so that who only asks for the state need not read them.
        """
        ...

    def changes(self, most: int) -> list[BudgetChange]:
        """The newest first, and not many more than `most`."""
        ...

    def pins(self) -> list[BudgetPin]:
        """What administrators have set; perhaps some whose time is over. Strong consistency."""
        ...

    def put_pin(self, pin: BudgetPin, expires_at: datetime) -> None:
        """In place of the one of the same camera, or of all."""
        ...


class BoxControls(Protocol):
    """What boxes beside the cameras ask for now and then."""

    def put(self, box: str, control: EdgeControl) -> None: ...
