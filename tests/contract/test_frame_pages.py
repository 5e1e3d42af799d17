"""FramePages over a DynamoDB that moto plays: ranges, days, order, life."""

from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.frame_pages import DynamoFramePages, just_below
from framewatch.adapters.aws.frame_table import DynamoFrameTable
from framewatch.domain.errors import StorageUnavailable
from framewatch.domain.frames import GateReason, make_frame_id
from framewatch.domain.labels import Label
from framewatch.services.frame_merge import FrameRead, end_of_day
from framewatch.wire.envelope import format_utc
from framewatch.wire.frame_items import StoredFrame, StoredLabel
from framewatch.wire.items import index_name

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
DAY = "2026-03-14"
TABLE = "frames"


class StillClock:
    at = NOON + timedelta(days=1)

    def now(self) -> datetime:
        return self.at


def frame(seq: int, at: datetime, watch: bool = False) -> StoredFrame:
    return StoredFrame(
        frame_id=make_frame_id("front", "20260101T000000Zabcdef", seq),
        camera_id="front",
        boot_id="20260101T000000Zabcdef",
        seq=seq,
        captured_at=at,
        stored_at=at,
        width=640,
        height=480,
        gate_reason=GateReason.MOTION,
        image_key=f"frames/{seq}.jpg",
        labels=(StoredLabel.of(Label("Person", 90.0, aliases=("Human",)), watch),),
        watch_hit=watch,
    )


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


@pytest.fixture
def pages(client):
    return DynamoFramePages(client, TABLE, StillClock())


@pytest.fixture
def write(client):
    """Stores frames as the image processor does: what is written there is read here."""
    table = DynamoFrameTable(DynamoTable(client, TABLE))

    def put(*frames: StoredFrame, expires_at: datetime = NOON + timedelta(days=90)) -> None:
        for f in frames:
            assert table.put(f, expires_at)

    return put


FRAMES = [frame(n, NOON + timedelta(seconds=n)) for n in range(12)]


def seqs(found) -> list[int]:
    return [f.seq for f in found.frames]


DAY_END, FRONT = end_of_day(DAY), index_name("front")


def read(limit=100, before=DAY_END, from_sk=None, index=FRONT, day=DAY) -> FrameRead:
    return FrameRead(index, day, before, from_sk, limit)


def test_frames_are_read_newest_first_with_where_to_go_on(pages, write):
    write(*FRAMES)
    first = pages.query(read(limit=5))
    assert seqs(first) == [11, 10, 9, 8, 7]
    assert (first.items_read, first.next_before_sk) == (5, FRAMES[7].sort_key)
    rest = pages.query(read(before=first.next_before_sk))
    assert seqs(rest) == [6, 5, 4, 3, 2, 1, 0] and rest.next_before_sk is None


@pytest.mark.parametrize("last", range(12))
def test_a_range_leaves_its_upper_end_out_and_takes_its_lower_end_in(pages, write, last):
    write(*FRAMES)
    found = pages.query(read(before=FRAMES[last].sort_key, from_sk=FRAMES[1].sort_key))
    assert seqs(found) == list(range(last - 1, 0, -1))
    assert found.items_read == max(last - 1, 0), "the upper end is not even read"


def test_times_bound_a_range_as_the_api_means_them(pages, write):
    write(*FRAMES)
    found = pages.query(read(before=format_utc(FRAMES[5].captured_at), from_sk=format_utc(FRAMES[3].captured_at)))
    assert seqs(found) == [4, 3]


@pytest.mark.parametrize("index", [index_name("front", "HUMAN"), index_name("front", "person", True)])
def test_what_the_writer_files_under_a_label_is_found_there(pages, write, index):
    write(frame(1, NOON, watch=True))
    assert seqs(pages.query(read(index=index))) == [1]
    assert pages.previous_day(index, "2026-03-15", None) == DAY


def test_only_the_day_that_is_asked_is_read(pages, write):
    write(frame(1, NOON), frame(2, NOON + timedelta(days=1)))
    assert seqs(pages.query(read())) == [1]


def test_the_previous_day_with_frames_is_found_over_any_gap(pages, write):
    write(frame(1, NOON - timedelta(days=900)), frame(2, NOON))
    index = index_name("front")
    assert pages.previous_day(index, "2026-03-15", None) == DAY
    assert pages.previous_day(index, DAY, None) == "2023-09-26"
    assert pages.previous_day(index, DAY, "2023-09-26") == "2023-09-26"
    assert pages.previous_day(index, DAY, "2023-09-27") is None
    assert pages.previous_day(index, DAY, DAY) is None
    assert pages.previous_day(index, "2023-09-26", None) is None


def test_frames_are_read_upwards_and_the_next_day_with_frames_is_found(pages, write):
    frames = [frame(n, NOON + timedelta(seconds=n)) for n in range(3)] + [frame(9, NOON + timedelta(days=20))]
    write(*frames)
    index = index_name("front")
    first = pages.query_up(index, DAY, frames[0].sort_key, 1)
    assert ([f.frame_id for f in first.frames], first.next_before_sk) == ([frames[1].frame_id], frames[1].sort_key)
    rest = pages.query_up(index, DAY, frames[1].sort_key, 5)
    assert ([f.frame_id for f in rest.frames], rest.next_before_sk) == ([frames[2].frame_id], None)
    assert (pages.next_day(index, DAY), pages.next_day(index, "2026-04-03")) == ("2026-04-03", None)


def test_what_has_expired_is_read_but_not_given(pages, write):
    write(*FRAMES[:3])
    write(*FRAMES[3:], expires_at=StillClock.at)
    found = pages.query(read(limit=10))
    assert seqs(found) == [2] and found.items_read == 10


def test_one_damaged_item_does_not_hide_the_others(pages, write, client, caplog):
    write(*FRAMES)
    key = {"pk": {"S": f"F#front#{DAY}"}, "sk": {"S": FRAMES[4].sort_key}}
    client.put_item(TableName=TABLE, Item={**key, "doc": {"S": "{"}})
    assert 4 not in seqs(pages.query(read())) and len(seqs(pages.query(read()))) == 11
    assert FRAMES[4].sort_key in caplog.text


def test_a_range_that_is_upside_down_is_empty(pages, write):
    write(*FRAMES)
    assert pages.query(read(before=FRAMES[1].sort_key, from_sk=FRAMES[3].sort_key)).frames == ()


def test_a_dead_dynamodb_is_storage_unavailable(pages, monkeypatch):
    def dead(**_request):
        raise EndpointConnectionError(endpoint_url="https://dynamodb.test")

    monkeypatch.setattr(pages, "_client", type("Dead", (), {"query": staticmethod(dead)}))
    with pytest.raises(StorageUnavailable):
        pages.query(read())
    with pytest.raises(StorageUnavailable):
        pages.previous_day("F#front", DAY, None)


def test_just_below_a_key_lies_above_every_smaller_key():
    keys = sorted(
        [f"{day}{rest}" for day in ("2026-03-13", DAY) for rest in ("T00:00:00.000000Z", "T23:59:59.999999Z#z-9.b.0")]
        + [f.sort_key for f in FRAMES]
        + [FRAMES[3].sort_key[:-1], FRAMES[3].sort_key + "0", DAY, end_of_day(DAY)]
    )
    for key in keys:
        assert [k for k in keys if k <= just_below(key)] == [k for k in keys if k < key]
