"""The writing half of FrameTable over DynamoDB.

A frame is its index items and pointers first, then, conditionally, the frame item itself: whatever is found under
`F#...` is findable under everything else, and a crash in between leaves nothing that the retry does not overwrite.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from framewatch.adapters.aws.dynamo import DynamoTable, Item, Key, make_item
from framewatch.domain.frames import FrameMeta
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.items import day_of, days_key, frame_indexes, frame_sort_key, index_key, index_name

# 200 cameras with 50 names each for one day; an entry is about 200 bytes.
MAX_KNOWN_POINTERS = 10_000


class DynamoFrameTable:
    def __init__(self, table: DynamoTable):
        self._table = table
        self._pointers = _KnownPointers(MAX_KNOWN_POINTERS)

    def get_stored(self, metas: Sequence[FrameMeta]) -> dict[str, StoredFrame]:
        found = self._table.batch_get(_frame_key(m.camera_id, m.captured_at, m.frame_id) for m in metas)
        frames = (StoredFrame.read(item["doc"]["S"]) for item in found)
        return {frame.frame_id: frame for frame in frames}

    def put(self, frame: StoredFrame, expires_at: datetime) -> bool:
        day = day_of(frame.captured_at)
        doc = frame.model_dump_json()
        own = index_name(frame.camera_id)
        indexes = frame_indexes(frame.camera_id, [label.to_domain() for label in frame.labels], frame.watch_hit)
        items: list[Item] = [make_item((index_key(i, day), frame.sort_key), expires_at, doc) for i in indexes]
        new_pointers = self._pointers.missing(((days_key(i), day) for i in (own, *indexes)), expires_at)
        items += [make_item(key, until, None) for key, until in new_pointers]
        self._table.batch_put(items)
        self._pointers.remember(new_pointers)
        return self._table.put_new(
            make_item(_frame_key(frame.camera_id, frame.captured_at, frame.frame_id), expires_at, doc)
        )


def _frame_key(camera_id: str, captured_at: datetime, frame_id: str) -> Key:
    return (index_key(index_name(camera_id), day_of(captured_at)), frame_sort_key(captured_at, frame_id))


class _KnownPointers:
    """Which `DAYS#...` pointers this process has written, so that each is written about once a day, not once a frame.

    A pointer must outlive every frame of its day: it is given a day or two more, and written anew when a frame
    would outlive it. Bounded; the least recently used is forgotten, which costs one more write.
    """

    def __init__(self, size: int):
        self._size = size
        self._until: OrderedDict[Key, datetime] = OrderedDict()
        self._lock = threading.Lock()

    def missing(self, keys: Iterable[Key], frame_expires_at: datetime) -> list[tuple[Key, datetime]]:
        """Those to write, each with its expiry."""
        midnight = frame_expires_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        until = midnight + timedelta(days=2)
        to_write = []
        with self._lock:
            for key in keys:
                known = self._until.get(key)
                if known is None or known < frame_expires_at:
                    to_write.append((key, until))
                else:
                    self._until.move_to_end(key)
        return to_write

    def remember(self, written: Sequence[tuple[Key, datetime]]) -> None:
        """Call it after the write: one that failed must be tried again by the next frame."""
        with self._lock:
            for key, until in written:
                self._until[key] = until
                self._until.move_to_end(key)
            while len(self._until) > self._size:
                self._until.popitem(last=False)
