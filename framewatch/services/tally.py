"""What services share: a count of what happened, and another try when somebody else wrote first."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from framewatch.domain.errors import WriteConflict
from framewatch.services.ports import Meter

# Conflicts are rare, for one camera's frames come from one shard in order: two or three tries do.
CONFLICT_TRIES = 8
_BACK_OFF_S = 0.02

T = TypeVar("T")


class Tally:
    """Counts of one batch, safe from several threads; told to the meter once, at the end."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._times_ms: list[tuple[str, float]] = []
        self._lock = threading.Lock()

    def count(self, name: str, value: int = 1) -> None:
        with self._lock:
            self._counts[name] += value

    def time_ms(self, name: str, value_ms: float) -> None:
        with self._lock:
            self._times_ms.append((name, value_ms))

    @property
    def counts(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counts)

    def tell(self, meter: Meter) -> None:
        for name, value in self.counts.items():
            meter.count(name, value)
        for name, value_ms in self._times_ms:
            meter.time_ms(name, value_ms)


def retry_conflicts(attempt: Callable[[], T], sleep: Callable[[float], None]) -> T:
    """Try until nobody else writes first. attempt reads everything anew. Raises the last WriteConflict."""
    for n in range(CONFLICT_TRIES - 1):
        try:
            return attempt()
        except WriteConflict:
            sleep(random.uniform(0, _BACK_OFF_S * 2**n))  # noqa: S311
    return attempt()
