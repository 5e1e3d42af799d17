"""The thread between the spool and the stream: whatever happens to the stream, it goes on trying.

Invariant: a frame leaves the spool when the stream has taken it, or has refused it for good and by itself, which is
counted as failed; nothing else that happens here loses one.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from edge_client.buffer import Record
from edge_client.ledger import Ledger
from edge_client.producer import Accepted, Producer, pump_once
from edge_client.spool import Spool

if TYPE_CHECKING:
    from mypy_boto3_kinesis.client import KinesisClient

_AFTER_A_BUG_S = 1.0
# While the stream cannot be reached there is little sense in waiting for it to take what the disk keeps anyway.
_FLUSH_IN_TROUBLE_S = 1.0


class Uplink:
    def __init__(
        self,
        spool: Spool,
        ledger: Ledger,
        stream_name: str,
        client_factory: Callable[[], "KinesisClient"],
        *,
        on_trouble: Callable[[str | None], None],
        on_failed: Callable[[Record, str], None] = lambda _record, _message: None,
    ) -> None:
        """on_trouble: why nothing goes, once, and None when it goes again."""
        self._spool = spool
        self._ledger = ledger
        self._tell_trouble = on_trouble
        self._tell_failed = on_failed
        self._client = client_factory()
        self._client_factory = client_factory
        self._producer = Producer(
            self._client,
            stream_name,
            on_sent=self._on_sent,
            on_failed=self._on_failed,
            keeps=True,
            on_trouble=self._on_trouble,
            client_factory=self._another_client,
        )
        self.trouble = ""
        self._heartbeats: Sequence[Record] = ()
        self._end_by_s: float | None = None
        self._thread = threading.Thread(target=self._run, name="uplink", daemon=True)

    @property
    def clock_offset_s(self) -> float | None:
        """This machine's clock less AWS's."""
        offset_s = self._producer.clock_offset_s
        return -offset_s if offset_s is not None else None

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def offer_heartbeats(self, records: Sequence[Record]) -> None:
        """Of one moment. They replace those that could not go yet: they say all that those said, only later."""
        self._heartbeats = records
        self._spool.wake()

    def stop(self, flush_s: float) -> None:
        """Sends what waits for flush_s at most; the spool keeps the rest."""
        self._end_by_s = time.monotonic() + flush_s
        self._spool.wake()
        self._thread.join(flush_s + 20.0)  # a request that is on its way may take its whole time-out

    def _another_client(self) -> "KinesisClient":
        with contextlib.suppress(ValueError):  # settings that are just being changed; the next refusal asks again
            self._client = self._client_factory()
        return self._client

    def _run(self) -> None:
        while not self._is_over():
            try:
                self._step()
            except Exception as error:  # noqa: BLE001 - the one thread that must not end; it is told, and tries again
                self._on_trouble(f"sending met an error that nobody foresaw: {type(error).__name__}: {error}.")
                time.sleep(_AFTER_A_BUG_S)
        self._producer.give_up("the service was stopped.")

    def _step(self) -> None:
        if self._heartbeats and not self._producer.is_full:
            heartbeats, self._heartbeats = self._heartbeats, ()
            self._producer.send(heartbeats)
        pump_once(self._spool, self._producer)

    def _is_over(self) -> bool:
        if self._end_by_s is None:
            return False
        now_s = time.monotonic()
        if self.trouble:
            self._end_by_s = min(self._end_by_s, now_s + _FLUSH_IN_TROUBLE_S)
        return now_s >= self._end_by_s or not any(self._spool.depth(i).records for i in self._spool.camera_ids)

    def _on_sent(self, accepted: Accepted) -> None:
        if self.trouble:  # the producer tells of its own troubles' end, not of a bug's
            self._on_trouble(None)
        if accepted.record.perishable:
            return
        self._spool.ack(accepted.record)
        self._ledger.sent(accepted.record.camera_id)

    def _on_failed(self, record: Record, message: str) -> None:
        if record.perishable:
            return
        self._spool.ack(record)
        self._ledger.failed(record.camera_id)
        self._tell_failed(record, message)

    def _on_trouble(self, message: str | None) -> None:
        self.trouble = message or ""
        self._tell_trouble(message)
