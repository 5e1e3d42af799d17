"""The messages of one camera's child to its parent, over a pipe: nothing in them can run code.

    kind, u8 | length of the facts, u32 | length of the record, u32 | facts as JSON | record

A child that dies in the middle leaves a torn message; the reader drops it, for nobody was told of it.
"""

import json
import struct
from collections.abc import Callable
from enum import IntEnum
from typing import Any, BinaryIO

_HEAD = struct.Struct(">BII")


class Kind(IntEnum):
    OPENED = 1
    FRAME = 2
    WARNING = 3
    LOST = 4
    ENDED = 5
    FAILED = 6


Facts = dict[str, Any]


def send(write: Callable[[bytes], object], kind: Kind, facts: Facts, record: bytes = b"") -> None:
    body = json.dumps(facts, separators=(",", ":")).encode()
    write(_HEAD.pack(kind, len(body), len(record)) + body + record)


def receive(stream: BinaryIO) -> tuple[Kind, Facts, bytes] | None:
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
