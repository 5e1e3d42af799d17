"""The control document of a box: what goes in comes out, and everything else is one EdgeControlError."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framewatch.domain.edge_control import MOST_SLOW_BY, EdgeControl
from framewatch.domain.errors import EdgeControlError
from framewatch.wire.edge_control import MAX_BYTES, MAX_CAMERAS, MAX_HOLD, decode_edge_control, encode_edge_control
from tests.frames import NOON

camera_ids = st.from_regex(r"\A[a-z0-9][a-z0-9-]{0,62}\Z")
moments = st.integers(0, 6_000_000_000_000_000).map(lambda us: datetime(2000, 1, 2, tzinfo=UTC) + timedelta(0, 0, us))


@st.composite
def controls(draw):
    at = draw(moments)
    until = at + draw(st.timedeltas(timedelta(0), MAX_HOLD))
    return EdgeControl(at, until, draw(st.dictionaries(camera_ids, st.integers(2, MOST_SLOW_BY), max_size=9)))


def document(**changes):
    whole = {
        "form": 1,
        "at": "2026-11-20T08:00:00Z",
        "until": "2026-12-01T00:00:00+01:00",
        "cameras": {"front": {"slow_by": 4}},
    }
    return json.dumps({k: v for k, v in (whole | changes).items() if v is not None}).encode()


@given(controls())
def test_every_control_document_comes_back_as_it_went_in(control):
    assert decode_edge_control(encode_edge_control(control)) == control


def test_one_for_all_cameras_of_the_largest_box_fits():
    names = [f"{n:063d}" for n in range(MAX_CAMERAS)]
    assert len(encode_edge_control(EdgeControl(NOON, NOON, dict.fromkeys(names, MOST_SLOW_BY)))) < MAX_BYTES / 4


def test_a_camera_at_its_usual_rate_is_left_out():
    assert json.loads(encode_edge_control(EdgeControl(NOON, NOON, {"front": 1})))["cameras"] == {}
    assert decode_edge_control(document(cameras={"front": {}, "back": {"slow_by": 1}})).slow_by == {}


def test_keys_that_a_later_writer_adds_are_passed_over():
    more = document(cameras={"front": {"slow_by": 4, "later": 1}}, later={"x": [1]})
    assert decode_edge_control(more) == decode_edge_control(document())


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "document: Invalid JSON"),
        (b"\xff\xfe", "document: Invalid JSON"),
        (b"[" * 100_000, "document: Invalid JSON"),
        (b"[]", "document: Input should be an object"),
        (document()[:-1], "document: Invalid JSON"),
        (document(form=2), "form: Input should be 1"),
        (document(form=None), "form: Field required"),
        (document(until=None), "until: Field required"),
        (document(until="2026-12-01T00:00:00"), "until: Input should have timezone info"),
        (document(until=1_800_000_000), "until: Input should be a valid datetime"),
        (document(until="9999-12-31T23:59:59Z"), "until: the year 9999 is outside"),
        (document(at="1970-01-01T00:00:00Z"), "at: the year 1970 is outside"),
        (document(until="2027-01-01T00:00:00Z"), "until: more than 40 days after at"),
        (document(cameras=[]), "cameras: Input should be an object"),
        (document(cameras={"Front": {"slow_by": 4}}), "cameras.Front"),
        (document(cameras={"front": 4}), "cameras.front: Input should be an object"),
        (document(cameras={"front": {"slow_by": 0}}), "cameras.front.slow_by: Input should be greater"),
        (document(cameras={"front": {"slow_by": MOST_SLOW_BY + 1}}), "cameras.front.slow_by: Input should be less"),
        (document(cameras={"front": {"slow_by": "4"}}), "cameras.front.slow_by: Input should be a valid integer"),
        (document(cameras={"front": {"slow_by": 2.5}}), "cameras.front.slow_by: Input should be a valid integer"),
        (document(cameras={"front": {"slow_by": True}}), "cameras.front.slow_by: Input should be a valid integer"),
        (document(cameras={f"c{n}": {} for n in range(MAX_CAMERAS + 1)}), "cameras: Dictionary should have at most"),
        (document() + b" " * MAX_BYTES, "over the limit"),
    ],
)
def test_whatever_is_wrong_refuses_the_whole_document_and_says_what(data, what):
    with pytest.raises(EdgeControlError, match=what):
        decode_edge_control(data)


@given(st.binary(max_size=300))
def test_no_bytes_make_anything_but_a_document_or_that_error(data):
    try:
        decode_edge_control(data)
    except EdgeControlError as error:
        assert len(str(error)) < 300


def test_one_that_no_box_would_take_is_not_written():
    with pytest.raises(EdgeControlError, match="more than 40 days"):
        encode_edge_control(EdgeControl(NOON, NOON + MAX_HOLD + timedelta(seconds=1)))
    with pytest.raises(EdgeControlError, match="less than or equal to 60"):
        encode_edge_control(EdgeControl(NOON, NOON, {"front": 61}))


def test_past_its_time_every_camera_is_back_at_its_usual_rate():
    control = EdgeControl(NOON, NOON + timedelta(hours=1), {"front": 4})
    assert [control.slow_by_of(name, NOON) for name in ("front", "back")] == [4, 1]
    assert control.slow_by_of("front", control.until - timedelta(microseconds=1)) == 4
    assert control.slow_by_of("front", control.until) == 1
