"""The budget's steps, as they hold now: read from the table twice a minute, and not for each frame."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from framewatch.domain.budget import BudgetState
from framewatch.domain.errors import FramewatchError
from framewatch.services.ports import Clock
from framewatch.services.ports_cost import BudgetTable

# As with limits: within a minute of being decided it holds everywhere.
READ_EVERY = timedelta(seconds=30)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class TableBudget:
    """A BudgetSource. While the table cannot be read, what was last known holds; at first, that nothing is given up.

    Never raises: a frame that is analysed beyond the budget is a cent, one that waits may be a visitor.
    """

    table: BudgetTable
    clock: Clock
    _state: BudgetState = field(default_factory=BudgetState, init=False)
    _read_at: datetime | None = field(default=None, init=False)

    def current(self) -> BudgetState:
        now = self.clock.now()
        # A clock that was set back must not keep an old one for hours.
        if self._read_at is None or not timedelta() <= now - self._read_at < READ_EVERY:
            self._read_at = now
            try:
                self._state = self.table.state()
            except FramewatchError as error:
                _log.warning("the budget's steps are not known, going on as before: %s", error)
        return self._state
