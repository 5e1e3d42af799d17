"""Every right that is deployed is needed, and together they are enough.

The emulator checks signatures and policies as AWS does, TLS included, and guards Rekognition with the rest. The
whole job runs on the deployed rights; then each action of each statement is taken away by itself, and the work that
needs it is refused by IAM, in words that name it, until it is back. What shows only on AWS itself is put to IAM's
simulation instead, with the reason.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from html import unescape

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from framewatch.adapters.aws.image_store import S3ImageStore
from framewatch.domain.alerts import AnswerKind
from framewatch.domain.heartbeats import CameraState
from framewatch.wire.envelope import format_utc
from infra.settings import REPO
from infra.tasks import edge_boxes
from tests.functional.deployed import (
    BOX,
    CONTROL_DOCUMENT,
    EDGE_FILE,
    FUNCTIONS,
    GAP_S,
    PHONE,
    SECOND_PHONE,
    Deployed,
    Seen,
)
from tests.functional.grants import Grant
from tests.secrets_in import secrets_in
from tests.waiting import wait_until

# They share a stack.
pytestmark = pytest.mark.slow

Work = Callable[[Deployed], AbstractContextManager[Callable[[], Seen]]]
"""Prepares a piece of work, with all rights, and gives what does it; to be called again when it was refused."""


@pytest.fixture(scope="module")
def deployed(assembly) -> Iterator[Deployed]:
    with closing(Deployed(assembly)) as deployed:
        deployed.start()
        deployed.play()
        yield deployed


# -- the rights are enough -------------------------------------------------------------------------------------------


def test_frames_that_the_edges_user_writes_are_stored_and_somebody_is_texted(deployed):
    frames = [frame for frame in deployed.frames() if frame["camera_id"] == "bikes"]
    assert len(frames) == len(deployed.objects("frames/bikes/")) == 25
    assert any(label["name"] == "Person" for frame in frames for label in frame["labels"])
    (text,) = [text for text in deployed.stack.emulator.texts() if "The street" in text.text]
    assert text.number == PHONE


def test_of_a_boxs_heartbeats_the_newest_is_kept(deployed):
    camera = deployed.new_camera()
    deployed.beat(camera)
    (kept,) = [beat for beat in deployed.heartbeats() if beat.camera_id == camera]
    assert (kept.box, kept.state, kept.seq) == (BOX, CameraState.ONLINE, 1)


def test_a_bad_record_is_kept_with_a_pointer_to_it(deployed):
    stream, queue = deployed.outputs["StreamName"], deployed.outputs["FailureQueueUrl"]
    deployed.edge("kinesis").put_records(
        StreamName=stream, Records=[{"Data": b"not a frame", "PartitionKey": "bikes"}]
    )
    assert deployed.stack.wait_drained(30)
    messages = deployed.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert [deployed.object(json.loads(m["Body"])["key"]) for m in messages] == [b"not a frame"]


def test_a_batch_that_is_given_up_is_kept_in_the_bucket(deployed):
    before = len(deployed.objects("aws/lambda/"))
    with deployed.broken_processor():
        failing = deployed.event_source(max_retries=0, bisect_on_error=False)
        failing.start()
        try:
            assert failing.wait_drained(60)
        finally:
            failing.stop()
    stats = failing.stats()
    assert (stats.acknowledged, stats.destination_failures) == (0, 0)
    assert stats.given_up == stats.records_read > 0
    assert len(deployed.objects("aws/lambda/")) > before


def test_a_page_is_read_and_its_pictures_open(deployed):
    links = deployed.links()
    assert len(links) > 20
    picture = deployed.open(links[0])
    assert (picture.status_code, picture.headers["Content-Type"]) == (200, "image/jpeg")
    assert picture.content in [deployed.object(key) for key in deployed.objects("frames/")]


def test_the_edges_user_may_do_nothing_else(deployed):
    stream = deployed.outputs["StreamName"]
    for refused in (
        lambda: deployed.edge("kinesis").describe_stream_summary(StreamName=stream),
        lambda: deployed.edge("kinesis").get_shard_iterator(
            StreamName=stream, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
        ),
        lambda: deployed.edge("s3").list_objects_v2(Bucket=deployed.outputs["FramesBucketName"]),
        lambda: deployed.edge("dynamodb").scan(TableName=deployed.outputs["TableName"]),
        lambda: deployed.edge("s3").list_objects_v2(Bucket=deployed.outputs["ConfigBucketName"]),
        lambda: deployed.edge("s3").get_object(Bucket=deployed.outputs["ConfigBucketName"], Key="site.yaml"),
        lambda: deployed.edge("iam").create_access_key(),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            refused()


def test_a_box_reads_its_own_two_objects_and_no_other_boxs_and_writes_none(deployed):
    bucket, own = deployed.control_object(BOX)
    _, document = deployed.control_document(BOX)
    _, others = deployed.control_object("shop-2")
    _, others_document = deployed.control_document("shop-2")
    deployed.put_control_object("shop-2", b"box: shop-2\n")
    deployed.client("s3").put_object(Bucket=bucket, Key=others_document, Body=CONTROL_DOCUMENT)
    s3 = deployed.edge("s3")
    assert s3.get_object(Bucket=bucket, Key=own)["Body"].read() == EDGE_FILE
    assert s3.get_object(Bucket=bucket, Key=document)["Body"].read() == CONTROL_DOCUMENT
    for refused in (
        lambda: s3.get_object(Bucket=bucket, Key=others_document),
        lambda: s3.put_object(Bucket=bucket, Key=document, Body=b""),
        lambda: s3.delete_object(Bucket=bucket, Key=document),
        lambda: s3.get_object(Bucket=bucket, Key=others),
        lambda: s3.head_object(Bucket=bucket, Key=others),
        lambda: s3.put_object(Bucket=bucket, Key=own, Body=b""),
        lambda: s3.delete_object(Bucket=bucket, Key=own),
    ):
        with pytest.raises(ClientError, match=r"AccessDenied|403"):
            refused()


def test_a_box_that_is_revoked_can_do_nothing_from_then_on(deployed):
    stream = deployed.outputs["StreamName"]
    clients, (bucket, key) = deployed.box("lost"), deployed.control_object("lost")
    deployed.put_control_object("lost", b"box: lost\n")

    def works():
        record = {"Data": b"no frame, so that nothing is made of it", "PartitionKey": "step-0"}
        clients("kinesis").put_records(StreamName=stream, Records=[record])
        return clients("s3").get_object(Bucket=bucket, Key=key)["Body"].read()

    assert works() == b"box: lost\n"
    assert deployed.stack.wait_drained(30)
    edge_boxes.revoke(deployed.stage, "lost")
    for refused in (works, lambda: clients("s3").get_object(Bucket=bucket, Key=key)):
        with pytest.raises(ClientError, match=r"InvalidAccessKeyId|InvalidClientTokenId|UnrecognizedClient"):
            refused()
    assert "lost" not in edge_boxes.names(deployed.stage)


def test_an_alert_that_nobody_answers_goes_on_to_the_next_contact_and_to_no_third(deployed):
    camera = deployed.new_camera()
    assert deployed.process(deployed.person(camera)).well
    assert deployed.told(camera) == {"ana", "log"}
    for _ in range(2):
        deployed.fall_due(camera)
        assert deployed.watch().well
    assert sorted(text.number for text in deployed.texts(camera)) == [PHONE, SECOND_PHONE]


def test_an_answer_given_by_the_link_in_a_text_ends_it(deployed):
    camera = deployed.new_camera()
    assert deployed.process(deployed.person(camera)).well
    token = deployed.token(camera)
    assert "taken" not in {kind.value for kind in deployed.alert(camera).answers}
    assert deployed.open_link(token).well
    assert deployed.answer_link(token, AnswerKind.TAKEN).well
    assert deployed.alert(camera).answers[AnswerKind.TAKEN].by == "ana"
    deployed.fall_due(camera)
    assert deployed.watch().well
    assert "bo" not in deployed.told(camera)
    assert not deployed.open_link(token[::-1]).well


def test_what_an_operator_says_of_an_alert_is_kept_and_ends_it(deployed):
    camera = deployed.new_camera()
    assert deployed.process(deployed.person(camera)).well
    assert deployed.act(camera, AnswerKind.TAKEN).well
    assert deployed.note(camera).well
    assert deployed.act(camera, AnswerKind.SNOOZED).well
    assert "visitors" in deployed.get("/v1/snoozes").text
    for _ in range(2):  # the second finds the mark where it was
        assert deployed.post("/v1/me/seen", {"until": "2026-01-31T18:00:00Z"}).well
    assert deployed.get("/v1/me").well
    assert deployed.end_snooze(camera).well
    alert = deployed.alert(camera)
    assert alert.answers[AnswerKind.TAKEN].by == "user:maria" == alert.notes[0].by
    deployed.fall_due(camera)
    assert deployed.watch().well
    assert "bo" not in deployed.told(camera)


# -- each of them is needed ------------------------------------------------------------------------------------------


@contextmanager
def _frame_is_stored(d: Deployed) -> Iterator[Callable[[], Seen]]:
    record = d.person(d.new_camera())
    yield lambda: d.process(record)


@contextmanager
def _visits_are_joined(d: Deployed) -> Iterator[Callable[[], Seen]]:
    camera = d.new_camera()
    for after_s in (0, 1.5 * GAP_S):
        assert d.process(d.person(camera, after_s)).well
    between = d.person(camera, 0.75 * GAP_S)
    yield lambda: d.process(between)


@contextmanager
def _contact_is_told(d: Deployed, *, contact: str) -> Iterator[Callable[[], Seen]]:
    """At once, or with the redelivery of the frame."""
    camera = d.new_camera()
    record = d.person(camera)

    def processed() -> Seen:
        seen = d.process(record)
        return Seen(seen.well and contact in d.told(camera), seen.text)

    yield processed


@contextmanager
def _alert_is_passed_on(d: Deployed) -> Iterator[Callable[[], Seen]]:
    """Nobody has answered."""
    camera = d.new_camera()
    assert d.process(d.person(camera)).well

    def watched() -> Seen:
        d.fall_due(camera)
        seen = d.watch()
        return Seen(seen.well and "bo" in d.told(camera), seen.text)

    yield watched
    d.settle(camera)


@contextmanager
def _what_the_processor_left_is_published(d: Deployed) -> Iterator[Callable[[], Seen]]:
    camera = d.new_camera()
    with d.grants.without(PUBLISH_ALERTS):
        d.process(d.person(camera))
    assert "log" not in d.told(camera)

    def watched() -> Seen:
        d.fall_due(camera)
        seen = d.watch()
        return Seen(seen.well and "log" in d.told(camera), seen.text)

    yield watched
    d.settle(camera)


@contextmanager
def _digest_is_sent(d: Deployed) -> Iterator[Callable[[], Seen]]:
    d.hold(d.new_camera())
    yield d.watch


@contextmanager
def _link_is_opened(d: Deployed) -> Iterator[Callable[[], Seen]]:
    camera = d.new_camera()
    assert d.process(d.person(camera)).well
    token = d.token(camera)
    yield lambda: d.open_link(token)
    d.settle(camera)


@contextmanager
def _link_is_answered(d: Deployed) -> Iterator[Callable[[], Seen]]:
    """By what writes most: a false alarm is kept for its rule, too."""
    camera = d.new_camera()
    assert d.process(d.person(camera)).well
    token = d.token(camera)
    yield lambda: d.answer_link(token, AnswerKind.FALSE_ALARM)


@contextmanager
def _links_picture_is_opened(d: Deployed) -> Iterator[Callable[[], Seen]]:
    camera = d.new_camera()
    assert d.process(d.person(camera)).well
    page = d.open_link(d.token(camera)).text
    (link,) = re.findall(r'<img src="([^"]+)"', page)

    def opened() -> Seen:
        answer = d.open(unescape(link))
        return Seen(answer.status_code == 200, "" if answer.status_code == 200 else answer.text)

    yield opened
    d.settle(camera)


@contextmanager
def _operator_answers(d: Deployed) -> Iterator[Callable[[], Seen]]:
    """By what writes most: a false alarm is kept for its rule, too."""
    camera = d.new_camera()
    assert d.process(d.person(camera)).well
    yield lambda: d.act(camera, AnswerKind.FALSE_ALARM)


@contextmanager
def _bad_record_is_kept(d: Deployed) -> Iterator[Callable[[], Seen]]:
    record = d.person("no-such-camera")
    yield lambda: d.process(record)


def _ask(d: Deployed, function: str) -> Seen:
    """A first invocation, which reads the site file."""
    d.renew(function)
    if function == "image_processor":
        return d.process(d.person("no-such-camera"))
    return d.watch() if function == "watchdog" else d.get("/v1/site")


@contextmanager
def _site_is_read(d: Deployed, *, function: str) -> Iterator[Callable[[], Seen]]:
    yield lambda: _ask(d, function)


@contextmanager
def _links_site_is_read(d: Deployed) -> Iterator[Callable[[], Seen]]:
    with _link_is_opened(d) as opened:

        def first() -> Seen:
            d.renew("alert_link")
            return opened()

        yield first


@contextmanager
def _operators_site_is_read(d: Deployed) -> Iterator[Callable[[], Seen]]:
    with _operator_answers(d) as answered:

        def first() -> Seen:
            d.renew("operator_actions")
            return answered()

        yield first


@contextmanager
def _stream_is_read(d: Deployed) -> Iterator[Callable[[], Seen]]:
    yield d.read_stream


@contextmanager
def _batch_is_given_up(d: Deployed) -> Iterator[Callable[[], Seen]]:
    yield d.give_up_a_batch


@contextmanager
def _page_is_read(d: Deployed) -> Iterator[Callable[[], Seen]]:
    yield lambda: d.get("/v1/frames")


@contextmanager
def _picture_is_opened(d: Deployed) -> Iterator[Callable[[], Seen]]:
    link = d.links()[0]

    def opened() -> Seen:
        answer = d.open(link)
        return Seen(answer.status_code == 200, "" if answer.status_code == 200 else answer.text)

    yield opened


@contextmanager
def _frame_is_sent(d: Deployed) -> Iterator[Callable[[], Seen]]:
    yield d.send_from_the_edge
    assert d.stack.wait_drained(30)  # or a later work would meet the record


@contextmanager
def _own_file_is_read(d: Deployed) -> Iterator[Callable[[], Seen]]:
    yield d.read_control_object


@contextmanager
def _own_document_is_read(d: Deployed) -> Iterator[Callable[[], Seen]]:
    yield d.read_control_document


@contextmanager
def _box_is_told(d: Deployed) -> Iterator[Callable[[], Seen]]:
    """That it is to sample a camera less often."""
    camera = d.new_camera()
    d.beat(camera)
    until = format_utc(datetime.now(UTC) + timedelta(hours=1))
    assert d.post("/v1/budget", {"step": "slower", "until": until, "camera": camera}).well

    def watched() -> Seen:
        seen = d.watch()
        return Seen(seen.well and camera in d.told_box(BOX), seen.text)

    yield watched


def _table(owner: str, sid: str, works: dict[str, tuple[Work, str]]) -> dict[Grant, tuple[Work, str]]:
    return {Grant(owner, sid, action): work for action, work in works.items()}


PUBLISH_ALERTS = Grant("image_processor", "PublishAlerts", "sns:Publish")

# Each right: the work that needs it, and where that was, in the words of whoever reports it.
PROOFS: dict[Grant, tuple[Work, str]] = {
    Grant("image_processor", "SendTexts", "sns:Publish"): (
        partial(_contact_is_told, contact="ana"),
        "SNS could not text +12...23",
    ),
    PUBLISH_ALERTS: (partial(_contact_is_told, contact="log"), "AlertTopic"),
    **_table(
        "image_processor",
        "ReadStream",
        {
            "kinesis:ListShards": (_stream_is_read, "ListShards operation"),
            "kinesis:GetShardIterator": (_stream_is_read, "reading shardId-"),
            "kinesis:GetRecords": (_stream_is_read, "reading shardId-"),
        },
    ),
    **_table(
        "image_processor",
        "KeepFramesAndVisits",
        {
            "dynamodb:BatchGetItem": (_frame_is_stored, "FrameTable"),
            "dynamodb:BatchWriteItem": (_frame_is_stored, "FrameTable"),
            "dynamodb:DeleteItem": (_visits_are_joined, "FrameTable"),
            "dynamodb:GetItem": (_frame_is_stored, "FrameTable"),
            "dynamodb:PutItem": (_frame_is_stored, "FrameTable"),
            "dynamodb:Query": (_frame_is_stored, "FrameTable"),
            "dynamodb:UpdateItem": (partial(_contact_is_told, contact="ana"), "FrameTable"),
        },
    ),
    **_table("image_processor", "WriteFrames", {"s3:PutObject": (_frame_is_stored, "/frames/step-")}),
    **_table("image_processor", "KeepRecordsThatFail", {"s3:PutObject": (_bad_record_is_kept, "/failed/")}),
    **_table("image_processor", "PointAtFailures", {"sqs:SendMessage": (_bad_record_is_kept, "the failure queue")}),
    **_table("image_processor", "KeepBatchesGivenUp", {"s3:PutObject": (_batch_is_given_up, "PutObject operation")}),
    **_table("image_processor", "FindFailureDestination", {"s3:ListBucket": (_batch_is_given_up, "ListObjectsV2")}),
    **_table("image_processor", "LookAtFrames", {"rekognition:DetectLabels": (_frame_is_stored, "DetectLabels")}),
    Grant("watchdog", "SendTexts", "sns:Publish"): (_alert_is_passed_on, "SNS could not text +12...67"),
    Grant("watchdog", "PublishAlerts", "sns:Publish"): (_what_the_processor_left_is_published, "AlertTopic"),
    **_table(
        "watchdog",
        "LookAfterAlerts",
        {
            "dynamodb:BatchWriteItem": (_digest_is_sent, "FrameTable"),
            **{
                f"dynamodb:{action}": (_alert_is_passed_on, "FrameTable")
                for action in ("DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")
            },
        },
    ),
    Grant("watchdog", "TellBoxes", "s3:PutObject"): (_box_is_told, "/control.json: put"),
    **_table(
        "operator_actions",
        "ActOnAlerts",
        {
            f"dynamodb:{action}": (_operator_answers, "FrameTable")
            for action in ("DeleteItem", "GetItem", "PutItem", "UpdateItem")
        },
    ),
    **_table(
        "alert_link",
        "AnswerAlerts",
        {
            "dynamodb:DeleteItem": (_link_is_answered, "FrameTable"),
            "dynamodb:GetItem": (_link_is_opened, "FrameTable"),
            "dynamodb:PutItem": (_link_is_answered, "FrameTable"),
            "dynamodb:Query": (_link_is_opened, "FrameTable"),
            "dynamodb:UpdateItem": (_link_is_answered, "FrameTable"),
        },
    ),
    **_table("alert_link", "LinkToFrames", {"s3:GetObject": (_links_picture_is_opened, "<Code>AccessDenied</Code>")}),
    **_table("frame_fetcher", "ReadTable", {"dynamodb:Query": (_page_is_read, "FrameTable")}),
    **_table("frame_fetcher", "LinkToFrames", {"s3:GetObject": (_picture_is_opened, "<Code>AccessDenied</Code>")}),
    **_table("edge", "PutFrames", {"kinesis:PutRecords": (_frame_is_sent, "cannot write to stream")}),
    **_table("edge", "ReadOwnControlObject", {"s3:GetObject": (_own_file_is_read, "/edge.yaml")}),
    **_table("edge", "ReadOwnControlDocument", {"s3:GetObject": (_own_document_is_read, "/control.json")}),
}
_READS_SITE = {"alert_link": _links_site_is_read, "operator_actions": _operators_site_is_read}
for _function in FUNCTIONS:
    _site = (_READS_SITE.get(_function, partial(_site_is_read, function=_function)), "/site.yaml")
    PROOFS |= _table(_function, "ReadSite", {"s3:GetObject": _site})

_OWN_LOGS = "Lambda writes the function's log, as the function; the emulator keeps it without asking"
_OWN_POLLER = (
    "Lambda's poller describes the stream, as the function: the Lambda developer guide lists it among the rights that"
    " an execution role for Kinesis needs; which call it makes, and when, is its own affair"
)
_MISSING_OR_CLOSED = (
    "S3 tells that an object is missing (404) only to who may list the bucket, says its reference of GetObject; the"
    " emulator tells everybody, which leaves no work to refuse"
)
_OPT_OUT = "the emulator does not know the question, and where nobody says so, nobody has opted out"
SIMULATED: dict[Grant, str] = {
    **{
        Grant(function, "WriteOwnLogs", action): _OWN_LOGS
        for function in FUNCTIONS
        for action in ("logs:CreateLogStream", "logs:PutLogEvents")
    },
    **{Grant(function, "TellAMissingSite", "s3:ListBucket"): _MISSING_OR_CLOSED for function in FUNCTIONS},
    **{
        Grant(function, "AskWhoOptedOut", "sns:CheckIfPhoneNumberIsOptedOut"): _OPT_OUT
        for function in ("image_processor", "watchdog")
    },
    Grant("image_processor", "ReadStream", "kinesis:DescribeStream"): _OWN_POLLER,
    Grant("image_processor", "ReadStream", "kinesis:DescribeStreamSummary"): _OWN_POLLER,
}


def test_every_right_that_is_deployed_has_its_proof_and_every_proof_its_right(deployed):
    assert sorted(deployed.grants.all()) == sorted([*PROOFS, *SIMULATED])


def test_the_readme_says_how_many_rights_are_proved():
    text = " ".join((REPO / "README.md").read_text(encoding="utf-8").split())
    proved, given, others = re.findall(r"(\d+) of the (\d+) rights given .* the other (\d+) shows", text)[0]
    assert (int(proved), int(given), int(others)) == (len(PROOFS), len(PROOFS) + len(SIMULATED), len(SIMULATED))


@pytest.mark.parametrize("grant", PROOFS, ids=str)
def test_without_one_right_its_work_is_refused_by_name_until_it_is_back(deployed, grant):
    work, where = PROOFS[grant]
    named = re.compile(
        rf"(lacks|authorized to perform:) {grant.action}\b|grant {grant.action} on it \(AccessDenied", re.IGNORECASE
    )
    with work(deployed) as do:
        with deployed.grants.without(grant):
            refused = _refused(do, lambda text: bool(named.search(text)) and where in text)
        assert not refused.well, f"nothing needs {grant}: take it out of the template"
        assert named.search(refused.text), refused.text
        assert where in refused.text
        again = do()
        assert again.well, again.text


def _refused(do: Callable[[], Seen], told: Callable[[str], bool]) -> Seen:
    """The emulator waits 5 ms for a function's next line; one that comes later is in the log of a later answer."""
    text = ""
    for _ in range(5):
        seen = do()
        text += seen.text
        if seen.well or told(text):
            break
    return Seen(seen.well, text)


@pytest.mark.parametrize("grant", SIMULATED, ids=str)
def test_what_shows_only_on_aws_is_allowed_by_one_right_alone(deployed, grant):
    def decision() -> str:
        (result,) = deployed.client("iam").simulate_principal_policy(
            PolicySourceArn=deployed.roles[grant.owner],
            ActionNames=[grant.action],
            ResourceArns=[deployed.grants.resource_of(grant)],
        )["EvaluationResults"]
        return result["EvalDecision"]

    assert decision() == "allowed"
    with deployed.grants.without(grant):
        assert decision() == "implicitDeny"


# -- what all of this has left behind, and what it does not allow ----------------------------------------------------


def test_no_log_of_all_this_holds_a_number_a_token_or_a_key(deployed):
    """Work that went well, and work that was refused by every service: errors say most."""
    camera = deployed.new_camera()
    assert deployed.process(deployed.person(camera)).well
    assert deployed.open_link(deployed.token(camera)).well and deployed.links()
    assert deployed.act(camera, AnswerKind.TAKEN).well and deployed.watch().well
    for given in ("not a token", deployed.token(camera)[::-1]):
        assert not deployed.open_link(given).well
    texts = " ".join(text.text for text in deployed.stack.emulator.texts())
    tokens = re.findall(r"/a/(\w{20})", texts)
    known = [*tokens, *deployed.box_secrets, PHONE, SECOND_PHONE]
    assert tokens and deployed.box_secrets
    logs = deployed.logs()
    said = {name for name, text in logs.items() if "RequestId" in text}
    assert all(any(output in group for group in said) for output in FUNCTIONS.values()), logs.keys()
    assert {name: found for name, text in logs.items() if (found := secrets_in(text, known))} == {}


def test_a_link_to_a_picture_ends_with_its_time_and_cannot_be_stretched_or_turned(deployed):
    """Signed as the function signs it, with its role's credentials, for seconds instead of a quarter of an hour."""
    key = deployed.objects("frames/")[0]
    other = deployed.objects("frames/")[1]
    role = deployed.stack.emulator.as_role(deployed.roles["frame_fetcher"])
    s3 = role("s3", Config(signature_version="s3v4"))
    link = S3ImageStore(s3, deployed.outputs["FramesBucketName"]).url(key, timedelta(seconds=3))
    assert deployed.open(link).status_code == 200
    for forged in (
        link.replace("X-Amz-Expires=3", "X-Amz-Expires=300"),
        link.replace(key, other),
        link.replace("X-Amz-Signature=", "X-Amz-Signature=0"),
        link.replace("X-Amz-Signature=", "X-Amz-Nothing="),
    ):
        assert forged != link and deployed.open(forged).status_code in (400, 403)
    answers = []

    def has_ended() -> bool:
        answers.append(deployed.open(link))
        return answers[-1].status_code == 403

    wait_until(has_ended, 30)
    assert "Request has expired" in answers[-1].text


def test_what_a_boxs_key_can_do_beyond_its_own_cameras_is_what_the_guide_says(deployed):
    """IAM knows no limit by partition key: another box's camera is written to. One that is not there is refused."""
    stolen, before = deployed.box("stolen"), len(deployed.objects("failed/"))
    camera = deployed.new_camera()
    forged = [deployed.person(camera), deployed.person("no-such-camera")]
    answer = stolen("kinesis").put_records(
        StreamName=deployed.outputs["StreamName"],
        Records=[{"PartitionKey": record.partition_key, "Data": record.data} for record in forged],
    )
    assert answer["FailedRecordCount"] == 0
    assert deployed.stack.wait_drained(60)
    assert len(deployed.objects(f"frames/{camera}/")) == 1
    assert deployed.objects("frames/no-such-camera/") == [] and len(deployed.objects("failed/")) == before + 1
    deployed.beat(camera, sender=stolen)
    assert [beat.box for beat in deployed.heartbeats() if beat.camera_id == camera] == [BOX]
    edge_boxes.revoke(deployed.stage, "stolen")
    guide = " ".join((REPO / "docs" / "operations.md").read_text(encoding="utf-8").split())
    assert "put records onto the stream, under any camera's id, for IAM knows no limit by partition key" in guide
    assert "a forged heartbeat it would take for that box's own" in guide
