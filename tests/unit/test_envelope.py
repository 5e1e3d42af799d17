"""The frame envelope: what goes in comes out, and everything else is one EnvelopeError."""

import json
import struct
import zlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framewatch.domain.errors import EnvelopeError
from framewatch.domain.frames import MAX_SEQ, Frame, FrameMeta, FrameRef, Gate, GateReason, VisionHint, make_boot_id
from framewatch.wire import envelope
from framewatch.wire.envelope import MAX_HEADER_BYTES, MAX_RECORD_BYTES, decode_envelope, encode_envelope

JPEG = b"\xff\xd8\xff\xe0" + b"pixels" * 20 + b"\xff\xd9"
BOOT = "20260501T080000Z0a1b2c"
AT = datetime(2026, 5, 1, 8, 0, 0, 123456, tzinfo=UTC)
SAME_AS = {"boot_id": BOOT, "seq": 6, "captured_at": "2026-05-01T07:59:59.000000Z"}


def frame(**changes):
    fields = {"camera_id": "front-door", "boot_id": BOOT, "seq": 7, "captured_at": AT, "width": 640, "height": 480}
    return Frame(FrameMeta(**(fields | changes)), JPEG)


def packed(header, jpeg=JPEG, magic=b"FWF1", header_len=None):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return magic + struct.pack(">I", len(raw) if header_len is None else header_len) + raw + jpeg


def good_header(**changes):
    return {
        "frame_id": f"front-door.{BOOT}.0000000007",
        "camera_id": "front-door",
        "captured_at": "2026-05-01T08:00:00.123456Z",
        "boot_id": BOOT,
        "seq": 7,
        "width": 640,
        "height": 480,
        "gate": {"reason": "forced", "boxes_xyxy_rel": []},
        "jpeg_crc32": zlib.crc32(JPEG),
    } | changes


def test_a_reader_of_a_further_version_reads_those_before_and_names_them_all(monkeypatch):
    monkeypatch.setitem(envelope._READERS, b"FWF2", lambda data: frame(seq=len(data)))
    assert decode_envelope(packed(good_header())) == frame()
    assert decode_envelope(b"FWF2" + b"another form") == frame(seq=16)
    with pytest.raises(EnvelopeError, match=r"version b'3' is unknown; this reader knows version b'1', b'2'$"):
        decode_envelope(b"FWF3" + b"another form")


shares = st.floats(min_value=0, max_value=1)
boots_at = st.integers(0, 7_000_000_000).map(lambda s: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=s))
boot_ids = st.builds(make_boot_id, boots_at, st.binary(min_size=3, max_size=3))
seqs = st.integers(0, MAX_SEQ)
captures = st.integers(0, 6_000_000_000_000_000).map(
    lambda us: datetime(2000, 1, 2, tzinfo=UTC) + timedelta(microseconds=us)
)
metas = st.builds(
    FrameMeta,
    camera_id=st.from_regex(r"\A[a-z0-9][a-z0-9-]{0,62}\Z"),
    boot_id=boot_ids,
    seq=seqs,
    captured_at=captures,
    width=st.integers(1, 65_535),
    height=st.integers(1, 65_535),
    gate=st.builds(
        Gate,
        reason=st.sampled_from(GateReason),
        boxes_xyxy_rel=st.lists(st.tuples(shares, shares, shares, shares), max_size=20).map(tuple),
    ),
    hint=st.builds(
        VisionHint,
        same_as=st.none() | st.builds(FrameRef, boot_id=boot_ids, seq=seqs, captured_at=captures),
        screened_out=st.booleans(),
    ),
)


@given(meta=metas, pixels=st.binary(max_size=200))
def test_every_frame_comes_back_as_it_went_in(meta, pixels):
    original = Frame(meta, b"\xff\xd8\xff" + pixels + b"\xff\xd9")
    assert decode_envelope(encode_envelope(original)) == original


@given(data=st.binary(max_size=400))
def test_no_bytes_do_anything_but_raise_envelope_error(data):
    with pytest.raises(EnvelopeError):
        decode_envelope(data)


@given(data=st.binary(max_size=300))
def test_a_right_prefix_with_any_body_is_still_only_an_envelope_error(data):
    with pytest.raises(EnvelopeError):
        decode_envelope(b"FWF1" + struct.pack(">I", min(len(data), 150)) + data)


@given(
    header=st.dictionaries(
        st.sampled_from(sorted(good_header())),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=5,
        ),
        min_size=1,
    )
)
def test_a_header_with_any_field_replaced_decodes_or_raises_envelope_error(header):
    try:
        decoded = decode_envelope(packed(good_header(**header)))
    except EnvelopeError:
        return
    assert decoded.meta.frame_id == f"front-door.{BOOT}.0000000007"


@given(cut=st.integers(min_value=0))
def test_a_record_cut_anywhere_is_rejected(cut):
    whole = encode_envelope(frame())
    with pytest.raises(EnvelopeError):
        decode_envelope(whole[: cut % len(whole)])


@given(at=st.integers(min_value=0), flip=st.integers(1, 255))
def test_a_flipped_byte_in_the_picture_is_rejected(at, flip):
    whole = bytearray(encode_envelope(frame()))
    whole[len(whole) - 1 - at % len(JPEG)] ^= flip
    with pytest.raises(EnvelopeError, match="CRC-32"):
        decode_envelope(bytes(whole))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "truncated: 0 bytes"),
        (b"FWF1\0\0", "truncated: 6 bytes"),
        (packed(good_header(), magic=b"FWF2"), "envelope version b'2' is unknown"),
        (b"\x80\x04\x95pickled bytes", "not a frame envelope"),
        (packed(good_header(), header_len=MAX_HEADER_BYTES + 1), "over the limit"),
        (packed(good_header(), header_len=0xFFFFFFFF), "over the limit"),
        (packed(good_header(), header_len=9000), "truncated: the header needs 9000"),
        (packed(b"{not json"), "bad header: header"),
        (packed(b"[]"), "bad header: header"),
        (packed(b"\xff\xfe"), "bad header: header"),
        (packed(b"[" * 5000), "bad header: header"),
        (packed(good_header(), jpeg=JPEG[:-1]), "CRC-32"),
        (packed(good_header(jpeg_crc32=1)), "CRC-32"),
        (packed(good_header(jpeg_crc32=zlib.crc32(b"GIF89a")), jpeg=b"GIF89a"), "not a whole JPEG"),
        (packed(good_header(jpeg_crc32=zlib.crc32(JPEG[:-2])), jpeg=JPEG[:-2]), "not a whole JPEG"),
        (packed(good_header(jpeg_crc32=zlib.crc32(b"")), jpeg=b""), "not a whole JPEG"),
    ],
)
def test_a_damaged_record_says_what_is_wrong(data, says):
    with pytest.raises(EnvelopeError, match=says.replace("(", r"\(")):
        decode_envelope(data)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("camera_id", "Front Door"),
        ("camera_id", "front-door\n"),
        ("camera_id", "../x"),
        ("camera_id", None),
        ("boot_id", "yesterday"),
        ("boot_id", "20260231T000000Z0a1b2c"),
        ("seq", -1),
        ("seq", MAX_SEQ + 1),
        ("seq", "7"),
        ("seq", 7.0),
        ("seq", True),
        ("width", 0),
        ("height", 65_536),
        ("captured_at", "2026-05-01T08:00:00"),
        ("captured_at", "1970-01-01T00:00:12Z"),
        ("captured_at", "9999-12-31T23:59:59-12:00"),
        ("captured_at", "soon"),
        ("jpeg_crc32", -1),
        ("jpeg_crc32", 2**32),
        ("gate", {"reason": "because"}),
        ("gate", {"reason": "motion", "boxes_xyxy_rel": [[0, 0, 1]]}),
        ("gate", {"reason": "motion", "boxes_xyxy_rel": [[0, 0, 1, 1.01]]}),
        ("gate", {"reason": "motion", "boxes_xyxy_rel": [[0, 0, 1, 1]] * 101}),
        ("gate", None),
        ("frame_id", "front-door.20260501T080000Z0a1b2c.0000000008"),
        ("frame_id", "x" * 1000),
        ("same_as", "the one before"),
        ("same_as", {"boot_id": BOOT, "seq": 6}),
        ("same_as", SAME_AS | {"boot_id": "yesterday"}),
        ("same_as", SAME_AS | {"seq": "6"}),
        ("same_as", SAME_AS | {"seq": -1}),
        ("same_as", SAME_AS | {"captured_at": "2026-05-01T08:00:00"}),
        ("same_as", SAME_AS | {"captured_at": "1970-01-01T00:00:12Z"}),
        ("screened_out", "yes"),
        ("screened_out", 1),
        ("screened_out", None),
    ],
)
def test_a_bad_field_rejects_the_record_and_names_the_field(field, value):
    with pytest.raises(EnvelopeError, match=rf"bad header: {field}") as caught:
        decode_envelope(packed(good_header(**{field: value})))
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("field", sorted(set(good_header()) - {"gate"}))
def test_a_missing_field_rejects_the_record_and_names_the_field(field):
    header = good_header()
    del header[field]
    with pytest.raises(EnvelopeError, match=rf"bad header: {field}"):
        decode_envelope(packed(header))


def test_a_key_of_a_later_writer_is_ignored():
    assert decode_envelope(packed(good_header(exposure=3))) == frame()


def test_what_may_spare_an_analysis_is_in_the_header_only_where_there_is_any():
    header = json.loads(encode_envelope(frame())[8:].partition(b"\xff\xd8")[0])
    assert header.keys() == good_header().keys()
    ref = FrameRef(BOOT, 6, datetime(2026, 5, 1, 7, 59, 59, tzinfo=UTC))
    hinted = frame(hint=VisionHint(ref, screened_out=True))
    header = json.loads(encode_envelope(hinted)[8:].partition(b"\xff\xd8")[0])
    assert (header["same_as"], header["screened_out"]) == (SAME_AS, True)
    assert decode_envelope(packed(good_header(same_as=SAME_AS | {"share": 0.99}, screened_out=True))) == hinted


def test_nan_is_no_share_of_a_width():
    raw = json.dumps(good_header(gate={"reason": "motion", "boxes_xyxy_rel": [[0, 0, 1, float("nan")]]}))
    with pytest.raises(EnvelopeError, match="bad header"):
        decode_envelope(packed(raw.encode()))


def test_capture_time_is_written_in_utc_with_microseconds_whatever_zone_it_came_in():
    madrid = AT.astimezone(timezone(timedelta(hours=2)))
    record = encode_envelope(frame(captured_at=madrid))
    assert b'"captured_at":"2026-05-01T08:00:00.123456Z"' in record
    assert decode_envelope(record).meta.captured_at == AT


def test_a_record_may_be_one_mebibyte_with_its_key_and_not_a_byte_more():
    overhead = len(encode_envelope(frame())) - len(JPEG) + len("front-door")
    room = MAX_RECORD_BYTES - overhead

    def of(size):
        jpeg = b"\xff\xd8\xff" + b"a" * (size - 5) + b"\xff\xd9"
        return Frame(frame().meta, jpeg)

    # the checksum's digits vary by a few bytes
    assert len(encode_envelope(of(room - 8))) + len("front-door") <= MAX_RECORD_BYTES
    with pytest.raises(EnvelopeError, match="over the limit"):
        encode_envelope(of(room + 8))


def test_a_header_over_its_limit_is_not_written():
    boxes = ((0.123456789012345,) * 4,) * 300
    with pytest.raises(EnvelopeError, match="header of"):
        encode_envelope(frame(gate=Gate(GateReason.MOTION, boxes)))
