"""The image processor says of its shard how far behind it is, and since when vision fails: the watchdog reads it.

At most one small read and write every 30 s for each process and shard, and one when vision begins or stops failing.
In a month of frames day and night that is 86,400 of each for a shard: some ten cents.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from framewatch.domain.silence import ShardHealth
from framewatch.services.choose_analysis import SPARED_AS
from framewatch.services.ports import Clock, HealthTable, RawRecord

NOTE_EVERY = timedelta(seconds=30)
# A shard that was split or merged away is forgotten.
NOTES_KEPT = timedelta(days=1)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Noted:
    at: datetime
    vision_works: bool | None


class HealthNotes:
    """One process's. Not for several threads."""

    def __init__(self, table: HealthTable, clock: Clock):
        self._table = table
        self._clock = clock
        self._noted: dict[str, _Noted] = {}

    def note(self, records: Sequence[RawRecord], counts: Mapping[str, int]) -> None:
        """After a batch, all of it of one shard, and whatever became of it. counts: what the batch counted.

        Never raises: a batch that is done must not be done again because of a note.
        """
        arrived_at = max((r.arrived_at for r in records if r.arrived_at is not None), default=None)
        if arrived_at is None:
            return
        try:
            self._note(records[0].shard_id, arrived_at, _vision_works(counts))
        except Exception as error:  # noqa: BLE001  whatever it is, the next batch notes it
            _log.warning("%s: how far behind it is could not be noted: %s", records[0].shard_id, error)

    def _note(self, shard_id: str, arrived_at: datetime, vision_works: bool | None) -> None:
        now, before = self._clock.now(), self._noted.get(shard_id)
        changed = before is None or vision_works not in (None, before.vision_works)
        # A clock that was set back must not silence it for as long.
        if before is not None and not changed and timedelta() <= now - before.at < NOTE_EVERY:
            return
        # Read each time: the shard's batch before this one may have been another process's.
        stored = self._table.get(shard_id) if vision_works is not True else None
        failing_since = stored.vision_failing_since if stored else None
        if vision_works is False:
            failing_since = failing_since or now
        behind_s = max(0.0, (now - arrived_at).total_seconds())
        self._table.put(ShardHealth(shard_id, now, behind_s, failing_since), now + NOTES_KEPT)
        known = before.vision_works if before is not None and vision_works is None else vision_works
        self._noted[shard_id] = _Noted(now, known)


def _vision_works(counts: Mapping[str, int]) -> bool | None:
    """None when vision was not asked. Where some frames pass, it is slow or throttled, and not down."""
    if counts.get("FramesStored", 0) > sum(counts.get(name, 0) for name in SPARED_AS.values()):
        return True
    return False if counts.get("VisionErrors") else None
