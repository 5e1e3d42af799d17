"""A record of the stream is a frame or a heartbeat; its first bytes say which."""

from framewatch.domain.frames import Frame
from framewatch.domain.heartbeats import Heartbeat
from framewatch.wire.envelope import decode_envelope
from framewatch.wire.heartbeat import decode_heartbeat, is_heartbeat


def decode_record(data: bytes) -> Frame | Heartbeat:
    """Raises EnvelopeError or HeartbeatError."""
    return decode_heartbeat(data) if is_heartbeat(data) else decode_envelope(data)
