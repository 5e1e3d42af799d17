"""The control document under a running service: what holds, when, and what is said of one that is no good."""

import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from moto import mock_aws

from edge_client.config import EdgeFileError, EdgeFileMissing
from edge_client.config_watch import FileSource
from edge_client.control import ControlObject, beside
from edge_client.control_watch import ControlWatch
from framewatch.domain.edge_control import EdgeControl
from framewatch.wire.edge_control import MAX_BYTES, encode_edge_control
from tests.aws import REGION, set_credentials
from tests.waiting import wait_until

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
EVENING = NOON + timedelta(hours=6)
FRONT_BY_4 = EdgeControl(NOON, EVENING, {"front": 4})
BUCKET, KEY = "framewatch-config", "edge/framewatch-dev-edge-shop-1/control.json"


class Store:
    """A place that holds one text, none, or cannot be asked."""

    name, poll_s = "the store", 60.0

    def __init__(self):
        self.text = None
        self.trouble = None
        self.asked = 0

    def version(self):
        self.asked += 1
        if self.trouble:
            raise self.trouble
        if self.text is None:
            raise EdgeFileMissing("the store: does not exist")
        return str(hash(self.text))

    def read(self):
        return self.text


class Watched:
    def __init__(self, source):
        self.errors = []
        self.watch = ControlWatch(source, on_error=self.errors.append)

    def look(self, at=NOON):
        """By how much each camera is slowed then."""
        self.watch.look()
        control = self.watch.at(at)
        return None if control is None else dict(control.slow_by)


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def watched(store):
    return Watched(store)


def test_without_a_document_nothing_is_asked_and_nothing_is_wrong(watched):
    assert watched.look() is None and watched.errors == []


def test_a_document_holds_until_its_time_is_over(watched, store):
    store.text = encode_edge_control(FRONT_BY_4)
    assert watched.look() == {"front": 4}
    assert watched.look(EVENING - timedelta(seconds=1)) == {"front": 4}
    assert watched.look(EVENING) is None


def test_the_newest_document_holds_and_one_that_is_taken_away_no_longer(watched, store):
    store.text = encode_edge_control(FRONT_BY_4)
    assert watched.look() == {"front": 4}
    store.text = encode_edge_control(EdgeControl(NOON, EVENING, {"yard": 2}))
    assert watched.look() == {"yard": 2}
    store.text = None
    assert watched.look() is None
    store.text = encode_edge_control(FRONT_BY_4)
    assert watched.look() == {"front": 4} and watched.errors == []


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"{",
        b"\xff",
        b"null",
        b"[" * 100_000,
        b"x" * (MAX_BYTES + 1),
        json.dumps({"form": 2}).encode(),
        encode_edge_control(FRONT_BY_4).replace(b'"slow_by":4', b'"slow_by":1000000'),
        encode_edge_control(FRONT_BY_4).replace(b"2026-11-20T18", b"2196-11-20T18"),
    ],
)
def test_a_bad_document_changes_nothing_is_told_once_and_again_when_it_is_good(watched, store, bad):
    store.text = encode_edge_control(FRONT_BY_4)
    watched.look()
    store.text = bad
    assert [watched.look() for _ in range(3)] == [{"front": 4}] * 3
    assert len(watched.errors) == 1 and watched.errors[0].startswith("the store: bad control document")
    assert len(watched.errors[0]) < 300
    assert watched.look(EVENING) is None  # and it does not hold for longer because of it
    store.text = encode_edge_control(EdgeControl(NOON, EVENING))
    assert watched.look() == {} and watched.errors[1:] == [None]


def test_a_bad_first_document_asks_nothing(watched, store):
    store.text = b"{"
    assert watched.look() is None and len(watched.errors) == 1


def test_while_the_store_cannot_be_asked_the_last_document_holds_until_its_time(watched, store):
    store.text = encode_edge_control(FRONT_BY_4)
    watched.look()
    store.trouble = EdgeFileError("the store: S3 could not be asked")
    assert [watched.look() for _ in range(3)] == [{"front": 4}] * 3
    assert watched.look(EVENING) is None
    assert watched.errors == ["the store: S3 could not be asked"]
    store.trouble = None
    assert watched.look() == {"front": 4} and watched.errors[1:] == [None]


def test_a_bad_document_behind_an_outage_is_told_again(watched, store):
    store.text = b"{"
    watched.look()
    store.trouble = EdgeFileError("the store: S3 could not be asked")
    watched.look()
    store.trouble = None
    watched.look()
    assert [bool(error and "bad control document" in error) for error in watched.errors] == [True, False, True]


def test_a_file_on_the_box_will_do(tmp_path):
    path = tmp_path / "control.json"
    watched = Watched(FileSource(path))
    assert watched.look() is None
    path.write_bytes(encode_edge_control(FRONT_BY_4))
    assert watched.look() == {"front": 4}
    path.unlink()
    assert watched.look() is None and watched.errors == []
    path.mkdir()
    assert watched.look() is None and "control.json" in watched.errors[0]


def test_an_object_that_is_not_there_is_missing_and_one_that_comes_is_read(monkeypatch):
    set_credentials(monkeypatch)
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        watched = Watched(ControlObject(s3, BUCKET, KEY))
        assert watched.look() is None
        s3.put_object(Bucket=BUCKET, Key=KEY, Body=encode_edge_control(FRONT_BY_4))
        assert [watched.look(), watched.look()] == [{"front": 4}] * 2
        s3.delete_object(Bucket=BUCKET, Key=KEY)
        assert watched.look() is None
        s3.put_object(Bucket=BUCKET, Key=KEY, Body=encode_edge_control(FRONT_BY_4))
        assert watched.look() == {"front": 4} and watched.errors == []


def test_it_lies_beside_the_edge_file_where_that_lies_in_s3():
    assert beside("s3://framewatch-config/edge/framewatch-dev-edge-shop-1/edge.yaml") == f"s3://{BUCKET}/{KEY}"
    assert beside("/etc/framewatch/cameras.yaml") is None


def test_its_thread_looks_at_once_and_ends_when_told(store):
    watch = ControlWatch(store, on_error=lambda _: None)
    watch.start()
    wait_until(lambda: store.asked == 1)
    watch.stop()
    wait_until(lambda: not watch._thread.is_alive())
