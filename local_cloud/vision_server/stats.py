"""Counts and times of a server's requests, in bounded memory."""

from __future__ import annotations

import threading
from collections import Counter, deque
from typing import Any

_KEPT = 2048  # the latest so many times of each kind
_MAX_ERROR_CODES = 64


class Stats:
    """Thread-safe. Times are the latest 2048 of each kind, so percentiles follow the present."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests = 0
        self._errors: Counter[str] = Counter()
        self._times_ms: dict[str, deque[float]] = {}

    def count(self, error_code: str | None = None) -> None:
        """One answered request; with the code of the error it was answered with."""
        with self._lock:
            self._requests += 1
            if error_code is not None:
                known = error_code in self._errors or len(self._errors) < _MAX_ERROR_CODES
                self._errors[error_code if known else "other"] += 1

    def add_ms(self, kind: str, milliseconds: float) -> None:
        with self._lock:
            self._times_ms.setdefault(kind, deque(maxlen=_KEPT)).append(milliseconds)

    def snapshot(self) -> dict[str, Any]:
        """``{"requests", "errors": {code: count}, "<kind>_ms": {"count", "p50", "p95"}}``."""
        with self._lock:
            times = {kind: sorted(values) for kind, values in self._times_ms.items()}
            report: dict[str, Any] = {"requests": self._requests, "errors": dict(self._errors)}
        for kind in ("vision", "request"):
            report[f"{kind}_ms"] = _percentiles(times.get(kind, []))
        return report


def _percentiles(ordered: list[float]) -> dict[str, float | int | None]:
    """By nearest rank; None where nothing was measured."""

    def at(share: float) -> float | None:
        return round(ordered[max(0, -(-int(share * 100) * len(ordered) // 100) - 1)], 3) if ordered else None

    return {"count": len(ordered), "p50": at(0.50), "p95": at(0.95)}
