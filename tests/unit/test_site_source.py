"""The site file in S3: revalidated cheaply, and a bad one never replaces a running good one."""

import logging
import threading
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from framewatch.adapters.aws.site_source import S3SiteSource
from framewatch.domain.errors import SiteFileError, StorageUnavailable

GOOD, OTHER, BAD = "cameras: [{id: one}]", "cameras: [{id: two}]", "cameras: [{id: One}]"


class HandClock:
    def __init__(self):
        self.at = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def pass_s(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class CountingS3:
    """The real client's one method, counted, and broken on demand."""

    def __init__(self, client):
        self.client, self.asked, self.down = client, [], False

    def get_object(self, **request):
        self.asked.append(request.get("IfNoneMatch"))
        if self.down:
            raise EndpointConnectionError(endpoint_url="https://s3.test")
        return self.client.get_object(**request)


@pytest.fixture
def cloud(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="site-config")
        yield client


@pytest.fixture
def world(cloud):
    clock, s3 = HandClock(), CountingS3(cloud)
    source = S3SiteSource(s3, "site-config", "site.yaml", clock, max_age_s=60)

    def write(text):
        cloud.put_object(Bucket="site-config", Key="site.yaml", Body=text.encode())

    return source, s3, clock, write


def camera(source):
    return source.current().cameras[0].id


def test_a_fresh_site_is_not_asked_for_again(world):
    source, s3, clock, write = world
    write(GOOD)
    assert camera(source) == camera(source) == "one"
    clock.pass_s(59)
    assert camera(source) == "one" and len(s3.asked) == 1


def test_a_new_version_is_taken_after_the_maximum_age(world):
    source, _, clock, write = world
    write(GOOD)
    assert camera(source) == "one"
    write(OTHER)
    clock.pass_s(60)
    assert camera(source) == "two"


def test_an_unchanged_file_is_revalidated_by_its_etag(world):
    source, s3, clock, write = world
    write(GOOD)
    first = source.current()
    clock.pass_s(60)
    assert source.current() is first
    assert s3.asked[0] is None and s3.asked[1]


def test_a_bad_file_never_replaces_a_running_good_one_and_is_logged_once(world, caplog):
    source, _, clock, write = world
    write(GOOD)
    assert camera(source) == "one"
    write(BAD)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            clock.pass_s(60)
            assert camera(source) == "one"
    assert len(caplog.records) == 1
    assert "site.yaml:1: cameras[0].id" in caplog.text
    write(OTHER)
    clock.pass_s(60)
    assert camera(source) == "two"


def test_going_back_from_a_bad_file_to_the_good_one_works(world):
    source, _, clock, write = world
    for text in (GOOD, BAD, GOOD):
        write(text)
        assert camera(source) == "one"
        clock.pass_s(60)


def test_s3_down_keeps_the_last_good_one(world):
    source, s3, clock, write = world
    write(GOOD)
    assert camera(source) == "one"
    s3.down = True
    clock.pass_s(60)
    assert camera(source) == "one"
    assert camera(source) == "one" and len(s3.asked) == 2, "a dead S3 is asked once a minute, not at every call"


def test_a_deleted_file_keeps_the_last_good_one(world, cloud):
    source, _, clock, write = world
    write(GOOD)
    assert camera(source) == "one"
    cloud.delete_object(Bucket="site-config", Key="site.yaml")
    clock.pass_s(60)
    assert camera(source) == "one"


def test_with_nothing_good_yet_a_bad_file_is_told_and_the_next_good_one_taken_at_once(world):
    source, _, _, write = world
    write(BAD)
    for _ in range(2):
        with pytest.raises(SiteFileError, match=r"site\.yaml:1: cameras\[0\]\.id"):
            source.current()
    write(GOOD)
    assert camera(source) == "one"


def test_with_nothing_good_yet_a_missing_file_is_told_with_the_fix(world):
    with pytest.raises(SiteFileError, match=r"s3://site-config/site\.yaml does not exist; .* `pynt configure`"):
        world[0].current()


def denied(**_request):
    """What S3 says of a missing file, too, to who may not list the bucket."""
    raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "GetObject")


def test_the_right_that_s3_names_stands_in_the_sentence(world):
    source, s3, *_ = world
    said = (
        "User: arn:aws:sts::1:assumed-role/fetcher/f is not authorized to perform: s3:ListBucket on resource: "
        '"arn:aws:s3:::site-config" because no identity-based policy allows the s3:ListBucket action'
    )

    def unlisted(**_request):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": said}}, "GetObject")

    s3.get_object = unlisted
    missing = r"\(the role fetcher lacks s3:ListBucket on arn:aws:s3:::site-config; add it to its policy\)"
    with pytest.raises(SiteFileError, match=rf"or this function may not read it {missing}; .* `pynt configure`"):
        source.current()


def test_a_file_that_s3_will_not_show_is_told_as_missing_or_closed_and_with_the_fix(world):
    source, s3, _, write = world
    read, s3.get_object = s3.get_object, denied
    with pytest.raises(SiteFileError, match=r"does not exist, or this function may not read it; .* `pynt configure`"):
        source.current()
    s3.get_object = read
    write(GOOD)
    assert camera(source) == "one"


def test_a_grant_that_is_taken_away_keeps_the_last_good_one(world):
    source, s3, clock, write = world
    write(GOOD)
    assert camera(source) == "one"
    s3.get_object = denied
    clock.pass_s(60)
    assert camera(source) == "one"


def test_with_nothing_good_yet_a_dead_s3_is_retryable(world):
    source, s3, *_ = world
    s3.down = True
    with pytest.raises(StorageUnavailable):
        source.current()


def test_a_clock_set_back_does_not_keep_an_old_file(world):
    source, _, clock, write = world
    write(GOOD)
    assert camera(source) == "one"
    write(OTHER)
    clock.pass_s(-3600)
    assert camera(source) == "two"


def test_while_one_thread_asks_the_others_go_on_with_what_there_is(world):
    source, s3, clock, write = world
    write(GOOD)
    assert camera(source) == "one"
    write(OTHER)
    clock.pass_s(60)
    asking, answer = threading.Event(), threading.Event()
    get = s3.get_object

    def slow(**request):
        asking.set()
        answer.wait(10)
        return get(**request)

    s3.get_object = slow
    thread = threading.Thread(target=source.current)
    thread.start()
    assert asking.wait(10)
    assert camera(source) == "one"
    answer.set()
    thread.join()
    assert camera(source) == "two" and len(s3.asked) == 2
