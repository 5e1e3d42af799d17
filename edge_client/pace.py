"""How fast a backlog may go: what live frames leave over of a shard, found by trying.

A shard takes 1 MiB and 1000 records a second from everybody together and says nothing until it refuses. So the rate
starts without a limit, falls when the stream throttles, and grows again: fast far below the rate at which that
happened last, slowly close to it.
"""

import math

# A live frame waits for one backlog request at most, so none may take long on a thin line.
MAX_REQUEST_BYTES = 1024 * 1024
_LEAST_REQUEST_BYTES = 64 * 1024
_LONG_S, _SHORT_S = 0.5, 0.25
# After the first refusal: half of what one shard takes, the smallest stream there is.
_FIRST_RATE_BPS = 512 * 1024
_LEAST_RATE_BPS = 32 * 1024
_LESS = 0.8
_GROWTH_A_S, _GROWTH_NEAR_A_S, _NEAR = 0.1, 0.02, 0.9
# A shard counts by the second.
_YIELD_S = 1.0


class BacklogPace:
    """All times are monotonic seconds, all sizes bytes."""

    def __init__(self) -> None:
        self._rate_bps = math.inf
        self._refused_at_bps = math.inf
        self._request_bytes = MAX_REQUEST_BYTES
        self._next_s = -math.inf
        self._has_sent = False  # since the rate fell last

    def until_s(self, now_s: float) -> float:
        """Seconds until backlog may go again."""
        return max(0.0, self._next_s - now_s)

    def room_bytes(self, now_s: float) -> int:
        """How much the next request may hold; 0: none may go now."""
        if now_s < self._next_s:
            return 0
        return int(max(_LEAST_REQUEST_BYTES, min(self._request_bytes, self._rate_bps * _LONG_S / 2)))

    def sent(self, size: int, took_s: float, now_s: float) -> None:
        """A request of backlog was answered."""
        self._has_sent = True
        if took_s > _LONG_S:
            self._request_bytes = max(_LEAST_REQUEST_BYTES, self._request_bytes // 2)
        elif took_s < _SHORT_S:
            self._request_bytes = min(MAX_REQUEST_BYTES, self._request_bytes * 2)
        if self._rate_bps < math.inf:
            self._next_s = max(self._next_s, now_s - took_s + size / self._rate_bps)
            near = self._rate_bps > _NEAR * self._refused_at_bps
            self._rate_bps += size * (_GROWTH_NEAR_A_S if near else _GROWTH_A_S)

    def throttled(self, now_s: float) -> None:
        """The stream refused something of either lane: backlog yields first."""
        self._next_s = now_s + _YIELD_S
        if not self._has_sent:  # what is refused meanwhile is not the backlog's doing
            return
        self._has_sent = False
        self._refused_at_bps = self._rate_bps
        limited = self._rate_bps < math.inf
        self._rate_bps = max(_LEAST_RATE_BPS, self._rate_bps * _LESS) if limited else _FIRST_RATE_BPS
