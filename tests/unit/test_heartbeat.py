"""The heartbeat on the wire: what goes in comes out, and everything else is one HeartbeatError."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framewatch.domain.edge_control import MOST_SLOW_BY
from framewatch.domain.errors import EnvelopeError, HeartbeatError
from framewatch.domain.frames import MAX_SEQ, make_boot_id
from framewatch.domain.heartbeats import CameraCounts, CameraState, Heartbeat, SpoolDepth, is_box_id
from framewatch.wire import heartbeat as wire
from framewatch.wire.heartbeat import MAX_BYTES, MAX_ERROR_CHARS, decode_heartbeat, encode_heartbeat
from framewatch.wire.heartbeat_items import StoredHeartbeat
from framewatch.wire.records import decode_record
from tests.frames import NOON, make_frame, make_heartbeat, make_record

counts = st.integers(0, 2**53 - 1)
seconds = st.floats(0, 1e9)
boots_at = st.integers(0, 7_000_000_000).map(lambda s: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=s))
heartbeats = st.builds(
    Heartbeat,
    box=st.from_regex(r"\A[a-z0-9][a-z0-9-]{0,31}\Z"),
    camera_id=st.from_regex(r"\A[a-z0-9][a-z0-9-]{0,62}\Z"),
    at=st.integers(0, 6_000_000_000_000_000).map(
        lambda us: datetime(2000, 1, 2, tzinfo=UTC) + timedelta(microseconds=us)
    ),
    boot_id=st.builds(make_boot_id, boots_at, st.binary(min_size=3, max_size=3)),
    seq=st.integers(0, MAX_SEQ),
    state=st.sampled_from(CameraState),
    version=st.from_regex(r"\A[!-~]{1,40}\Z"),
    last_error=st.none() | st.text(st.characters(codec="utf-8"), min_size=1, max_size=MAX_ERROR_CHARS),
    counts=st.builds(
        CameraCounts,
        *[counts] * 3,
        st.dictionaries(st.from_regex(r"\A[a-z][a-z_]{0,39}\Z"), counts, max_size=16),
        *[counts] * 2,
    ),
    spool=st.builds(SpoolDepth, counts, counts, st.none() | seconds),
    clock_offset_s=st.none() | seconds | seconds.map(lambda s: -s),
    slowed_by=st.integers(1, MOST_SLOW_BY),
)


def body(**changes):
    return json.loads(encode_heartbeat(make_heartbeat())[4:]) | changes


def packed(fields):
    return b"FWH1" + (fields if isinstance(fields, bytes) else json.dumps(fields).encode())


@given(heartbeats)
def test_every_heartbeat_comes_back_as_it_went_in(heartbeat):
    assert decode_record(encode_heartbeat(heartbeat)) == heartbeat


@given(heartbeats)
def test_every_heartbeat_fits_a_record_and_is_stored_and_read_back_whole(heartbeat):
    assert len(encode_heartbeat(heartbeat)) <= MAX_BYTES
    stored = StoredHeartbeat.of(heartbeat, NOON)
    assert StoredHeartbeat.read(stored.model_dump_json()) == stored
    assert stored.to_domain() == heartbeat


def test_a_heartbeat_is_not_taken_for_a_frame_nor_a_frame_for_a_heartbeat():
    assert decode_record(make_record(make_frame(3)).data) == make_frame(3)
    with pytest.raises(HeartbeatError, match="not a heartbeat: starts with b'FWF1'"):
        decode_heartbeat(make_record(make_frame(3)).data)
    with pytest.raises(EnvelopeError, match="not a frame envelope"):
        decode_record(b"FW" + bytes(100))


def test_a_reader_of_a_further_version_reads_those_before_and_names_them_all(monkeypatch):
    monkeypatch.setitem(wire._READERS, b"FWH2", lambda data: make_heartbeat(len(data)))
    assert decode_heartbeat(packed(body())) == make_heartbeat()
    assert decode_heartbeat(b"FWH2{}") == make_heartbeat(6)
    with pytest.raises(HeartbeatError, match=r"version b'3' is unknown; this reader knows version b'1', b'2'$"):
        decode_record(b"FWH3{}")


def test_an_error_that_is_too_long_is_cut_at_the_edge():
    decoded = decode_heartbeat(encode_heartbeat(make_heartbeat(last_error="x" * 9000)))
    assert decoded.last_error == "x" * MAX_ERROR_CHARS


def test_a_camera_at_its_usual_rate_says_nothing_of_it_as_every_box_before():
    assert "slowed_by" not in body()
    assert json.loads(encode_heartbeat(make_heartbeat(slowed_by=4))[4:])["slowed_by"] == 4
    assert "slowed_by" not in StoredHeartbeat.of(make_heartbeat(), NOON).model_dump_json()


def test_a_key_of_a_later_writer_is_ignored():
    assert decode_heartbeat(packed(body(mood="good", spool=body()["spool"] | {"disk": 1}))) == make_heartbeat()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"FWH1", "bad heartbeat: body"),
        (b"FWH1[]", "bad heartbeat: body"),
        (b"FWH1\xff\xfe", "bad heartbeat: body"),
        (b"FWH1" + b"[" * 5000, "bad heartbeat: body"),
        (packed(json.dumps(body()).encode()[:-1]), "bad heartbeat: body"),
        (b"FWH1" + b" " * MAX_BYTES, "is over the limit of 8192"),
        (packed(json.dumps(body(last_error=None)).replace('"last_error": null', r'"last_error": "\ud800"').encode()),
         "bad heartbeat: body"),
    ],
)  # fmt: skip
def test_a_damaged_record_says_what_is_wrong(data, says):
    with pytest.raises(HeartbeatError, match=says):
        decode_record(data)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("box", "Shop 1"),
        ("box", "x" * 33),
        ("box", "shop-1#2"),
        ("camera_id", "front\n"),
        ("camera_id", None),
        ("at", "2026-05-01T08:00:00"),
        ("at", "1970-01-01T00:00:12Z"),
        ("at", 1_777_000_000),
        ("boot_id", "yesterday"),
        ("boot_id", "20260231T000000Z0a1b2c"),
        ("seq", -1),
        ("seq", 7.0),
        ("seq", True),
        ("state", "fine"),
        ("version", "1.0\n"),
        ("version", ""),
        ("last_error", "x" * (MAX_ERROR_CHARS + 1)),
        ("last_error", 3),
        ("frames", None),
        ("frames", body()["frames"] | {"sent": -1}),
        ("frames", body()["frames"] | {"sent": 2**53}),
        ("frames", body()["frames"] | {"gated": {"no motion": 1}}),
        ("frames", body()["frames"] | {"gated": {"no_motion": -1}}),
        ("frames", body()["frames"] | {"gated": {f"{'x' * n}": 1 for n in range(1, 18)}}),
        ("spool", body()["spool"] | {"bytes": "many"}),
        ("spool", body()["spool"] | {"oldest_age_s": -1}),
        ("spool", body()["spool"] | {"oldest_age_s": float("nan")}),
        ("clock_offset_s", float("inf")),
        ("clock_offset_s", 1e11),
        ("slowed_by", 0),
        ("slowed_by", MOST_SLOW_BY + 1),
        ("slowed_by", "4"),
        ("slowed_by", None),
    ],
)
def test_a_bad_field_rejects_the_record_and_names_the_field(field, value):
    with pytest.raises(HeartbeatError, match=rf"bad heartbeat: {field}") as caught:
        decode_record(packed(body(**{field: value})))
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("field", sorted(body()))
def test_a_missing_field_rejects_the_record_and_names_the_field(field):
    fields = body()
    del fields[field]
    with pytest.raises(HeartbeatError, match=rf"bad heartbeat: {field}"):
        decode_record(packed(fields))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=8,
)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_heartbeat_or_a_sentence(data):
    with pytest.raises(HeartbeatError) as caught:
        decode_record(b"FWH1" + data)
    assert len(str(caught.value)) < 500


@given(st.sampled_from(sorted(body())), JSON)
def test_any_value_of_any_field_is_read_so_that_it_can_be_stored_or_is_a_sentence(field, value):
    try:
        heartbeat = decode_record(packed(body(**{field: value})))
    except HeartbeatError as error:
        assert len(str(error)) < 500
    else:
        assert StoredHeartbeat.of(heartbeat, NOON).model_dump_json().encode()


@given(st.data())
def test_a_damaged_heartbeat_is_read_so_that_it_can_be_stored_or_is_a_sentence(data):
    whole = bytearray(encode_heartbeat(make_heartbeat(last_error="front: no route to 10.0.0.9.")))
    at = data.draw(st.integers(4, len(whole) - 1))
    whole[at] = data.draw(st.integers(0, 255))
    try:
        heartbeat = decode_record(bytes(whole))
    except HeartbeatError:
        return
    assert StoredHeartbeat.of(heartbeat, NOON).model_dump_json().encode()


def test_a_box_is_named_so_that_a_user_can_be_named_after_it():
    assert is_box_id("shop-1") and is_box_id("x" * 32) and is_box_id("1")
    assert not any(is_box_id(name) for name in ("", "-x", "Shop", "shop_1", "x" * 33, "shop-1\n", "a/b"))
