"""The budget's steps, as they hold now."""

from framewatch.domain.budget import BudgetState
from framewatch.services.last_known import LastKnown
from framewatch.services.ports import Clock
from framewatch.services.ports_cost import BudgetTable


class TableBudget:
    """A BudgetSource. While the table cannot be read, what was last known holds; at first, that nothing is given up.

    Never raises: a frame that is analysed beyond the budget is a cent, one that waits may be a visitor.
    """

    def __init__(self, table: BudgetTable, clock: Clock):
        self._clock = clock
        self._state = LastKnown("which step of the budget holds", table.state, BudgetState())

    def current(self) -> BudgetState:
        return self._state.at(self._clock.now())
