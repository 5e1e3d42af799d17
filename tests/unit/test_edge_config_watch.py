"""The edge file under a running service: taken in when it changed, told when it is bad, from a disk or from S3."""

import os

import boto3
import pytest
from moto import mock_aws

from edge_client.config import EdgeFileError
from edge_client.config_watch import ConfigWatch, FileSource
from edge_client.control import ControlObject

GOOD = "box: attic\nstream: {name: frames}\nspool: {folder: /tmp/spool}\ncameras:\n  - {id: front, source: 0}\n"
BETTER = GOOD + "  - {id: yard, source: 1}\n"


class Watched:
    def __init__(self, source):
        self.configs, self.errors = [], []
        self.watch = ConfigWatch(source, on_change=self.configs.append, on_error=self.errors.append)

    def look(self, times=2, **how):
        for _ in range(times):
            self.watch.look(**how)
        return [[camera.id for camera in config.cameras] for config in self.configs]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "cameras.yaml"
    path.write_text(GOOD)
    return path


@pytest.fixture
def watched(path):
    watched = Watched(FileSource(path))
    assert [camera.id for camera in watched.watch.load().cameras] == ["front"]
    return watched


def write(path, text, at=[2_000_000_000]):  # noqa: B006 - each write has a time of its own
    path.write_text(text)
    at[0] += 1
    os.utime(path, (at[0], at[0]))


def test_a_file_that_did_not_change_is_not_taken_in_again(watched, path):
    assert watched.look(5) == [] and watched.errors == []


def test_a_changed_file_is_taken_in_once_it_has_settled(watched, path):
    write(path, BETTER)
    assert watched.look(1) == []
    assert watched.look(4) == [["front", "yard"]]


def test_a_file_that_says_the_same_in_other_words_changes_nothing(watched, path):
    write(path, "# a remark\n" + GOOD)
    assert watched.look(4) == [] and watched.errors == []


def test_a_bad_file_is_told_once_and_the_good_one_after_it_is_taken_in(watched, path):
    write(path, "box: [")
    assert watched.look(6) == [] and len(watched.errors) == 1 and "not valid YAML" in watched.errors[0]
    write(path, BETTER)
    assert watched.look() == [["front", "yard"]] and watched.errors[1:] == [None]


def test_the_same_good_file_after_a_bad_one_only_ends_the_complaint(watched, path):
    write(path, "box: [")
    watched.look()
    write(path, GOOD)
    assert watched.look() == [] and watched.errors[1:] == [None]


def test_a_file_that_is_gone_is_told_once_and_counts_again_when_it_is_back(watched, path):
    path.unlink()
    assert watched.look(4) == [] and len(watched.errors) == 1 and "cannot be read (No such file" in watched.errors[0]
    write(path, BETTER)
    assert watched.look() == [["front", "yard"]]


def test_asked_for_it_is_read_whether_it_changed_or_not(watched, path):
    path.write_text(BETTER)
    assert watched.look(1, asked=True) == [["front", "yard"]]


@pytest.fixture
def bucket(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="boxes")
        yield client


def test_an_object_is_watched_by_its_etag(bucket):
    bucket.put_object(Bucket="boxes", Key="attic.yaml", Body=GOOD)
    watched = Watched(ControlObject(bucket, "boxes", "attic.yaml"))
    watched.watch.load()
    assert watched.look() == []
    bucket.put_object(Bucket="boxes", Key="attic.yaml", Body="box: [")
    watched.look()
    assert "s3://boxes/attic.yaml:1: " in watched.errors[0]
    bucket.put_object(Bucket="boxes", Key="attic.yaml", Body=BETTER)
    assert watched.look() == [["front", "yard"]]


def test_an_object_that_cannot_be_read_is_one_clear_sentence(bucket):
    with pytest.raises(EdgeFileError, match=r"^s3://boxes/no.yaml: does not exist; upload it with .* \(NoSuchKey\)$"):
        Watched(ControlObject(bucket, "boxes", "no.yaml")).watch.load()
