"""Which of the site's cameras a capture from the command line is."""

import pytest

from framewatch.wire.site_file import load_site_text
from infra.tasks.capture import camera_of, running_site
from infra.tasks.problem import TaskProblem
from tests.infra.fake_aws import Account

SITE = load_site_text(
    b"cameras: [{id: front-door, source: 'rtsp://192.0.2.10/1'}, {id: garage, source: '0'}]", "site.yaml"
)


def test_the_camera_that_has_the_source_is_taken() -> None:
    assert camera_of(SITE, "0", "") == "garage"


def test_a_named_camera_is_taken_whatever_is_played() -> None:
    assert camera_of(SITE, "clip.mp4", "front-door") == "front-door"


def test_the_only_camera_needs_no_name() -> None:
    site = load_site_text(b"cameras: [{id: yard}]", "site.yaml")
    assert camera_of(site, "clip.mp4", "") == "yard"


def test_a_camera_that_the_site_does_not_know_is_refused_with_those_it_knows() -> None:
    with pytest.raises(TaskProblem, match="no camera 'roof' is in the site file; it has front-door, garage"):
        camera_of(SITE, "0", "roof")


def test_which_of_several_must_be_said() -> None:
    with pytest.raises(TaskProblem, match="say which camera this is; it has front-door, garage"):
        camera_of(SITE, "clip.mp4", "")


def test_the_running_site_file_is_what_counts(account: Account) -> None:
    s3 = account.client("s3")
    s3.create_bucket(Bucket="site-files", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    found = {"ConfigBucketName": "site-files"}
    with pytest.raises(TaskProblem, match=r"cannot be read .*NoSuchKey.*`pynt configure`"):
        running_site(account.stage(), found)
    s3.put_object(Bucket="site-files", Key="site.yaml", Body=b"cameras: [{id: yard}]\n")
    assert [c.id for c in running_site(account.stage(), found).cameras] == ["yard"]
    s3.put_object(Bucket="site-files", Key="site.yaml", Body=b"cameras: []\n")
    with pytest.raises(TaskProblem, match=r"is wrong, upload another"):
        running_site(account.stage(), found)
