"""What one camera's child and its parent tell each other: nothing in it can run code.

The job goes in on the first line of stdin. Messages come out on stdout:

    kind, u8 | length of the facts, u32 | length of the record, u32 | facts as JSON | record

A child that dies in the middle leaves a torn message; the reader drops it, for nobody was told of it.
"""

import json
import struct
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import IO, Any, Literal

_HEAD = struct.Struct(">BII")
# In memory that both sides see. The child's: frames read so far. The parent's, after it: sample so many times less
# often, 0 as 1.
PROGRESS = struct.Struct("=Q")
SLOW_BY = struct.Struct("=B")
SHARED_BYTES = PROGRESS.size + SLOW_BY.size


@dataclass(frozen=True, slots=True)
class Job:
    """What the parent tells the child: JSON on the first line of stdin, secrets and all."""

    camera_id: str
    kind: str
    target: str = field(repr=False)
    every_nth: int | None
    per_second: float | None
    pace: Literal["realtime", "fast"]
    loop: bool
    reopen: bool
    base_time: str | None
    run_started_at: str
    progress_fd: int | None
    hours: tuple[str, ...] = ()
    time_zone: str = "UTC"
    supervised: bool = False
    """A live source that goes away is the end of the child: who started it decides when the next one starts."""
    gate: dict[str, Any] | None = None
    """GateSettings as plain values; None: every sampled frame is sent."""
    screen: dict[str, Any] | None = None
    """ScreenSettings as plain values; None: no model looks at what is sent."""
    privacy_masks: list[list[list[float]]] = field(default_factory=list)
    timeout_s: float = 10.0
    accept_self_signed: bool = False

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str | bytes) -> "Job":
        return Job(**json.loads(text))


class Kind(IntEnum):
    OPENED = 1
    FRAME = 2
    WARNING = 3
    LOST = 4
    ENDED = 5
    FAILED = 6
    GATED = 7
    UNREADABLE = 8


Facts = dict[str, Any]


def send(write: Callable[[bytes], object], kind: Kind, facts: Facts, record: bytes = b"") -> None:
    body = json.dumps(facts, separators=(",", ":")).encode()
    write(_HEAD.pack(kind, len(body), len(record)) + body + record)


def receive(stream: IO[bytes]) -> tuple[Kind, Facts, bytes] | None:
    """The next whole message; None when the other end is gone."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    kind, facts_len, record_len = _HEAD.unpack(head)
    body = stream.read(facts_len)
    record = stream.read(record_len)
    if len(body) < facts_len or len(record) < record_len:
        return None
    return Kind(kind), json.loads(body), record
