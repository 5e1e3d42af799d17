"""Records of a shard, and how they gather into the batches that Lambda would invoke a function with.

Nothing here touches a network or a clock; times are passed in.
"""

import base64
import json
import zlib
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# Lambda quotas: a synchronous invocation carries at most 6 MB; the records in it are base64.
MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
_EVENT_FRAME_BYTES = len('{"Records":[]}')


class UnsupportedMapping(Exception):
    """An event source mapping asks for something that this event source would not do as Lambda does."""


@dataclass(frozen=True, slots=True)
class MappingSettings:
    """What `list_event_source_mappings` says of one mapping. -1 stands for "no limit", as in the API.

    destination_arn: where batches that are given up go (S3, SQS or SNS).
    """

    uuid: str
    stream_arn: str
    function_arn: str
    batch_size: int = 100
    window_s: float = 0.0
    parallelization_factor: int = 1
    bisect_on_error: bool = False
    max_retries: int = -1
    max_record_age_s: float = -1
    report_item_failures: bool = False
    destination_arn: str | None = None
    starting_position: str = "LATEST"
    starting_timestamp: datetime | None = None

    @property
    def stream_name(self) -> str:
        return self.stream_arn.rpartition("/")[2]

    @property
    def region(self) -> str:
        return self.stream_arn.split(":")[3]

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> "MappingSettings":
        """mapping: one of `list_event_source_mappings`. Raises UnsupportedMapping rather than ignore a setting."""
        arn = mapping["EventSourceArn"]
        if ":kinesis:" not in arn:
            raise UnsupportedMapping(f"the event source {arn} is not a Kinesis stream")
        for name in ("FilterCriteria", "TumblingWindowInSeconds"):
            if mapping.get(name):
                raise UnsupportedMapping(f"the mapping {mapping['UUID']} sets {name}, which is not implemented here")
        types = mapping.get("FunctionResponseTypes") or []
        destination = (mapping.get("DestinationConfig") or {}).get("OnFailure") or {}
        return cls(
            uuid=mapping["UUID"],
            stream_arn=arn,
            function_arn=mapping["FunctionArn"],
            batch_size=_setting(mapping, "BatchSize", 100),
            window_s=_setting(mapping, "MaximumBatchingWindowInSeconds", 0),
            parallelization_factor=_setting(mapping, "ParallelizationFactor", 1),
            bisect_on_error=bool(mapping.get("BisectBatchOnFunctionError")),
            max_retries=_setting(mapping, "MaximumRetryAttempts", -1),
            max_record_age_s=_setting(mapping, "MaximumRecordAgeInSeconds", -1),
            report_item_failures="ReportBatchItemFailures" in types,
            destination_arn=destination.get("Destination") or None,
            starting_position=mapping.get("StartingPosition") or "LATEST",
            starting_timestamp=mapping.get("StartingPositionTimestamp"),
        )


def _setting(mapping: Mapping[str, Any], name: str, default: int) -> int:
    value = mapping.get(name)
    return default if value is None else int(value)


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """One record as GetRecords gives it. arrived_at: aware."""

    shard_id: str
    sequence_number: str
    partition_key: str
    data: bytes = field(repr=False)
    arrived_at: datetime

    def lane(self, lanes: int) -> int:
        """Which of the parallel lanes of its shard takes the record: one key, one lane, so order holds."""
        return zlib.crc32(self.partition_key.encode()) % lanes


class EventEncoder:
    """Builds the payload that Lambda would hand to the function, and measures it beforehand."""

    def __init__(self, settings: MappingSettings, role_arn: str) -> None:
        self._settings = settings
        self._role_arn = role_arn

    def encode(self, records: Sequence[StreamRecord]) -> bytes:
        parts = [self._fragment(r, base64.b64encode(r.data).decode("ascii")) for r in records]
        return ('{"Records":[' + ",".join(parts) + "]}").encode()

    def size(self, record: StreamRecord) -> int:
        """The bytes that the record adds to a payload, its comma included; exact."""
        return len(self._fragment(record, "")) + 4 * ((len(record.data) + 2) // 3) + 1

    def _fragment(self, record: StreamRecord, data_base64: str) -> str:
        return json.dumps(
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": record.partition_key,
                    "sequenceNumber": record.sequence_number,
                    "data": data_base64,
                    "approximateArrivalTimestamp": record.arrived_at.timestamp(),
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{record.shard_id}:{record.sequence_number}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": self._role_arn,
                "awsRegion": self._settings.region,
                "eventSourceARN": self._settings.stream_arn,
            },
            separators=(",", ":"),
        )


class BatchBuffer:
    """Records waiting in one lane, in stream order. Not thread-safe: its owner holds a lock.

    A batch closes when it has the batch size, when the next record would take it over the payload limit, or when
    the window has passed since its first record was read. A window of 0 takes whatever is there.
    """

    def __init__(
        self, encoder: EventEncoder, batch_size: int, window_s: float, max_payload_bytes: int = MAX_PAYLOAD_BYTES
    ) -> None:
        self._encoder = encoder
        self._batch_size = batch_size
        self._window_s = window_s
        self._budget = max_payload_bytes - _EVENT_FRAME_BYTES
        self._waiting: deque[tuple[StreamRecord, int, float]] = deque()  # record, its payload bytes, read at
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def waiting_bytes(self) -> int:
        return self._bytes

    @property
    def oldest(self) -> StreamRecord | None:
        return self._waiting[0][0] if self._waiting else None

    def add(self, record: StreamRecord, now_s: float) -> None:
        size = self._encoder.size(record)
        self._waiting.append((record, size, now_s))
        self._bytes += size

    def ready_in(self, now_s: float) -> float | None:
        """Seconds until a batch closes, 0 when one is closed now, None while nothing waits."""
        if not self._waiting:
            return None
        count, payload_full = self._closing()
        if payload_full or count == self._batch_size:
            return 0.0
        return max(0.0, self._waiting[0][2] + self._window_s - now_s)

    def take(self) -> list[StreamRecord]:
        """The next batch, whether its window has passed or not. One record too large for any payload comes alone."""
        count, _ = self._closing()
        taken = [self._waiting.popleft() for _ in range(count)]
        self._bytes -= sum(size for _, size, _ in taken)
        return [record for record, _, _ in taken]

    def _closing(self) -> tuple[int, bool]:
        used = count = 0
        for _, size, _ in self._waiting:
            if count == self._batch_size:
                break
            if count and used + size > self._budget:
                return count, True
            used += size
            count += 1
        return count, False
