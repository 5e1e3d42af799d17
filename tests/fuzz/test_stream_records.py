"""What boxes send and are sent: frame envelopes, heartbeats, control documents."""

import json
import struct
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from framewatch.domain.edge_control import MOST_SLOW_BY, EdgeControl
from framewatch.domain.errors import EdgeControlError, EnvelopeError, HeartbeatError
from framewatch.domain.frames import Frame, boot_began_at
from framewatch.domain.heartbeats import Heartbeat
from framewatch.wire.edge_control import decode_edge_control, encode_edge_control
from framewatch.wire.envelope import encode_envelope
from framewatch.wire.heartbeat import encode_heartbeat
from framewatch.wire.records import decode_record
from tests.frames import BOOT, NOON, jpeg_of, make_frame, make_heartbeat
from tests.fuzz import PASSWORD, PHONE, cases, read
from tests.fuzz.mutations import as_json, broken, broken_document, broken_json

_FRAME_RECORDS = [encode_envelope(make_frame(n, at=n)) for n in range(3)]
_HEADER_BYTES = struct.Struct(">4sI")
_JPEG = jpeg_of("person")


def _header(record: bytes) -> dict:
    _, length = _HEADER_BYTES.unpack_from(record)
    return json.loads(record[_HEADER_BYTES.size : _HEADER_BYTES.size + length]) | {"jpeg_crc32": zlib.crc32(_JPEG)}


_HEADERS = [
    _header(_FRAME_RECORDS[0]),
    _header(_FRAME_RECORDS[1])
    | {"gate": {"reason": "motion", "boxes_xyxy_rel": [[0.1, 0.2, 0.3, 0.4]] * 3}}
    | {"same_as": {"boot_id": BOOT, "seq": 0, "captured_at": "2026-03-14T12:00:00.000000Z"}, "screened_out": True},
]
_BEATS = [
    encode_heartbeat(make_heartbeat()),
    encode_heartbeat(make_heartbeat(last_error="no route", slowed_by=4, clock_offset_s=None)),
]
_CONTROL = encode_edge_control(EdgeControl(NOON, NOON + timedelta(days=9), {"front": 4, "yard": 60}))


def envelope(header: bytes, jpeg: bytes = _JPEG) -> bytes:
    return _HEADER_BYTES.pack(b"FWF1", len(header)) + header + jpeg


def _decode(record: bytes) -> Frame | Heartbeat | None:
    return read(decode_record, record, refuses=(EnvelopeError, HeartbeatError))


def _is_good_time(at: datetime) -> bool:
    return at.tzinfo is UTC and 1999 <= at.year <= 2200


@cases(90)
@given(broken(_FRAME_RECORDS + _BEATS))
def test_a_broken_record_is_a_whole_one_or_refused(record):
    found = _decode(record)
    if isinstance(found, Frame):
        assert encode_envelope(found)


@cases(90)
@given(broken_document(_HEADERS).map(lambda header: as_json(header).encode()))
@example(as_json(_HEADERS[0] | {"boot_id": "99999999T999999Zabcdef"}).encode())
@example(b"[" * 16_000)
@example(b'{"frame_id":"' + b"\\ud800" * 2000 + b'"}')
def test_a_header_of_any_form_makes_a_frame_that_can_be_named_and_filed_or_none(header):
    found = _decode(envelope(header))
    if found is not None:
        meta = found.meta
        assert _is_good_time(meta.captured_at) and meta.frame_id.startswith(meta.camera_id)
        assert boot_began_at(meta.boot_id)
        assert all(0 <= edge <= 1 for box in meta.gate.boxes_xyxy_rel for edge in box)
        if meta.hint.same_as is not None:
            assert _is_good_time(meta.hint.same_as.captured_at)
        assert _decode(encode_envelope(found)) == found


@cases(70)
@given(broken_json([json.loads(beat[4:]) for beat in _BEATS]))
@example(as_json(json.loads(_BEATS[0][4:]) | {"boot_id": "99999999T999999Zabcdef"}).encode())
def test_a_heartbeat_of_any_form_is_one_that_can_be_counted_or_none(body):
    found = _decode(b"FWH1" + body)
    if found is not None:
        assert _is_good_time(found.at)
        assert boot_began_at(found.boot_id)
        assert all(0 <= n < 2**53 for n in (found.counts.read, *found.counts.gated.values(), found.spool.bytes))
        assert _decode(encode_heartbeat(found)) == replace(found, last_error=found.last_error or None)


@cases(30)
@given(
    st.binary(max_size=200)
    | st.sampled_from((b"FWF1", b"FWH1", b"FWF", b"FWH2{}")).flatmap(
        lambda m: st.binary(max_size=60).map(lambda tail: m + tail)
    )
)
def test_bytes_that_never_were_a_record_are_refused(record):
    assert _decode(record) is None


@cases(60)
@given(broken_json([json.loads(_CONTROL)]))
def test_a_control_document_slows_no_camera_beyond_its_bound_and_none_for_ever(data):
    found = read(decode_edge_control, data, refuses=EdgeControlError)
    if found is not None:
        assert _is_good_time(found.at) and _is_good_time(found.until)
        assert found.until - found.at <= timedelta(days=40)
        assert all(1 < by <= MOST_SLOW_BY for by in found.slow_by.values())


def test_a_key_that_somebody_sent_is_told_only_where_it_is_a_word():
    key = f"rtsp://admin:{PASSWORD}@cam/1"
    document = json.loads(_CONTROL) | {"cameras": {key: {"slow_by": 2}}}
    assert read(decode_edge_control, json.dumps(document).encode(), refuses=EdgeControlError) is None
    beat = json.loads(_BEATS[0][4:])
    beat["frames"]["gated"] = {key: 1, PHONE: -1}
    assert _decode(b"FWH1" + json.dumps(beat).encode()) is None
