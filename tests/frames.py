"""Frames and stream records to test with."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from framewatch.domain.frames import Frame, FrameMeta, Gate, GateReason
from framewatch.domain.heartbeats import CameraCounts, CameraState, Heartbeat, SpoolDepth
from framewatch.domain.labels import Instance, Label
from framewatch.services.ports import RawRecord
from framewatch.wire.envelope import encode_envelope
from framewatch.wire.heartbeat import encode_heartbeat

NOON = datetime(2026, 3, 14, 12, 0, 0, tzinfo=UTC)
BOOT = "20260314T110000Z0a1b2c"
PERSON = Label(
    "Person", 97.5, (Instance((0.4, 0.1, 0.6, 0.9), 97.5),), aliases=("Human",), categories=("Person Description",)
)
CAR = Label("Car", 99.0, (Instance((0.1, 0.5, 0.4, 0.8), 99.0),), parents=("Vehicle", "Transportation"))


def jpeg_of(scene: str, size: int = 0) -> bytes:
    """Not a picture, but what the envelope takes for one; the scene can be read back from it."""
    return b"\xff\xd8\xff" + scene.encode() + b"\0" * size + b"\xff\xd9"


def scene_of(jpeg: bytes) -> str:
    return jpeg[3:-2].rstrip(b"\0").decode().partition("/")[0]


def make_frame(
    seq: int = 0, *, camera_id: str = "front", at: datetime | float = 0.0, scene: str = "person", size: int = 0
) -> Frame:
    """at: when, or seconds after noon. The picture of each frame differs, whatever its scene."""
    captured_at = at if isinstance(at, datetime) else NOON + timedelta(seconds=at)
    meta = FrameMeta(camera_id, BOOT, seq, captured_at, 640, 480, Gate(GateReason.MOTION))
    return Frame(meta, jpeg_of(f"{scene}/{camera_id}/{seq}", size))


def make_heartbeat(
    seq: int = 0, *, camera_id: str = "front", at: datetime | float = 0.0, **changes: Any
) -> Heartbeat:
    """at: when, or seconds after noon."""
    fields: dict[str, Any] = {
        "box": "shop-1",
        "camera_id": camera_id,
        "at": at if isinstance(at, datetime) else NOON + timedelta(seconds=at),
        "boot_id": BOOT,
        "seq": seq,
        "state": CameraState.ONLINE,
        "version": "0.1.0",
        "counts": CameraCounts(read=1500, sampled=60, sent=5, gated={"no_motion": 53}, dropped=1, failed=0),
        "spool": SpoolDepth(records=1, bytes=90_000, oldest_age_s=0.5),
        "clock_offset_s": -0.25,
    }
    return Heartbeat(**(fields | changes))


def beat_record(heartbeat: Heartbeat, n: int = 0, arrived_at: datetime | None = None) -> RawRecord:
    """arrived_at: half a second after it was sent when not given."""
    record = make_record(encode_heartbeat(heartbeat), n=n, partition_key=heartbeat.camera_id)
    return replace(record, arrived_at=arrived_at or heartbeat.at + timedelta(seconds=0.5))


def make_record(frame: Frame | bytes, n: int | None = None, partition_key: str | None = None) -> RawRecord:
    """n: the record's place in the shard; a frame's own sequence when not given."""
    data = frame if isinstance(frame, bytes) else encode_envelope(frame)
    if not isinstance(frame, bytes):
        n = frame.meta.seq if n is None else n
        partition_key = partition_key or frame.meta.camera_id
    return RawRecord(
        record_id=f"{n or 0:021d}",
        partition_key=partition_key or "front",
        data=data,
        shard_id="shardId-000000000001",
        arrived_at=NOON + timedelta(seconds=1),
    )


def kinesis_event(records: list[RawRecord]) -> dict[str, Any]:
    """As Lambda's event source sends it."""
    return {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": r.partition_key,
                    "sequenceNumber": r.record_id,
                    "data": base64.b64encode(r.data).decode(),
                    "approximateArrivalTimestamp": r.arrived_at.timestamp() if r.arrived_at else 0,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{r.shard_id}:{r.record_id}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::123456789012:role/processor",
                "awsRegion": "eu-west-1",
                "eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/framewatch-frames",
            }
            for r in records
        ]
    }
