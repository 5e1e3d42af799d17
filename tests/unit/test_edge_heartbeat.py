"""Heartbeats as the box makes them."""

import pytest

from edge_client.heartbeat import CameraReport, Heartbeats
from framewatch.domain.heartbeats import CameraCounts, CameraState, SpoolDepth
from framewatch.wire.heartbeat import decode_heartbeat
from tests.frames import BOOT, NOON

FRONT = CameraReport(
    "front",
    CameraState.RECONNECTING,
    "front: rtsp://***@10.0.0.9: no route to host.",
    CameraCounts(read=900, sampled=30, sent=3, gated={"no_motion": 25, "light_change": 1}, dropped=1),
    SpoolDepth(12, 900_000, 61.5),
)
YARD = CameraReport("yard", CameraState.DISABLED)


def beats(records):
    assert all(record.perishable for record in records)
    return {record.camera_id: decode_heartbeat(record.data) for record in records}


def test_each_camera_reports_its_state_counts_and_spool_under_its_own_key():
    made = beats(Heartbeats("shop-1", BOOT, "0.1.0").records([FRONT, YARD], NOON, -2.5))
    front, yard = made["front"], made["yard"]
    assert (front.state, front.last_error, front.counts, front.spool) == (
        FRONT.state,
        FRONT.last_error,
        FRONT.counts,
        FRONT.spool,
    )
    assert (front.box, front.camera_id, front.at, front.boot_id) == ("shop-1", "front", NOON, BOOT)
    assert (front.version, front.clock_offset_s) == ("0.1.0", -2.5)
    assert (yard.state, yard.last_error, yard.counts) == (CameraState.DISABLED, None, CameraCounts())


def test_the_numbers_rise_from_minute_to_minute_for_all_cameras_alike():
    heartbeats = Heartbeats("shop-1", BOOT, "0.1.0")
    minutes = [beats(heartbeats.records([FRONT, YARD], NOON, None)) for _ in range(3)]
    assert [(m["front"].seq, m["yard"].seq) for m in minutes] == [(0, 0), (1, 1), (2, 2)]


def test_a_box_that_cannot_be_named_so_is_told():
    with pytest.raises(ValueError, match="'Shop 1' is not lower-case letters, digits and hyphens, at most 32"):
        Heartbeats("Shop 1", BOOT, "0.1.0")
