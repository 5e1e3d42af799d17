"""redrive: what is put back, what stays, and that putting it back twice is putting it back once."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from framewatch.adapters.aws.failure_store import S3SqsFailureStore
from framewatch.services.ports import RawRecord
from infra.settings import PARTS
from infra.tasks import redrive as tasks_redrive
from infra.tasks.problem import TaskProblem
from infra.tasks.redrive import given_up, redrive
from tests.batches import run
from tests.fakes import World
from tests.frames import PERSON, kinesis_event, make_frame, make_record
from tests.infra.fake_aws import REGION, Account, refused

STREAM, FRAMES = "frames-stream", "frames-bucket"


@dataclass
class Failures:
    """A deployed stage in which records failed, as the image processor and Lambda leave them."""

    account: Account
    queue: str

    @property
    def store(self) -> S3SqsFailureStore:
        s3, sqs = self.account.client("s3"), self.account.client("sqs")
        return S3SqsFailureStore(s3, sqs, bucket=FRAMES, queue_url=self.queue, stream=STREAM)

    def reject(self, record: RawRecord, error: str = "UnknownCamera", reason: str = "no camera 'front'") -> str:
        """The key of what is kept."""
        return self.store.keep(record, reason, error, datetime.now(UTC))

    def give_up(self, *records: RawRecord, condition: str = "RetryAttemptsExhausted", name: str = "1") -> str:
        key = f"aws/lambda/a1b2/shardId-000000000000/2026/03/14/{name}"
        body = {"requestContext": {"condition": condition}, "payload": json.dumps(kinesis_event(list(records)))}
        self.account.client("s3").put_object(Bucket=FRAMES, Key=key, Body=json.dumps(body).encode())
        return key

    def stream(self) -> list[RawRecord]:
        """All that is on the stream, as the event source would read it."""
        kinesis = self.account.client("kinesis")
        found = []
        for shard in kinesis.list_shards(StreamName=STREAM)["Shards"]:
            iterator = kinesis.get_shard_iterator(
                StreamName=STREAM, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            for r in kinesis.get_records(ShardIterator=iterator)["Records"]:
                found.append(
                    RawRecord(r["SequenceNumber"], r["PartitionKey"], r["Data"], shard["ShardId"], datetime.now(UTC))
                )
        return found

    def kept(self) -> list[str]:
        return [o["Key"] for o in self.account.client("s3").list_objects_v2(Bucket=FRAMES).get("Contents", [])]

    def pointers(self) -> int:
        answer = self.account.client("sqs").receive_message(
            QueueUrl=self.queue, MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        return len(answer.get("Messages", []))


@pytest.fixture
def failed(account: Account, monkeypatch: pytest.MonkeyPatch) -> Failures:
    monkeypatch.setattr(tasks_redrive, "WAIT_S", 0)
    account.client("s3").create_bucket(Bucket=FRAMES, CreateBucketConfiguration={"LocationConstraint": REGION})
    account.client("kinesis").create_stream(StreamName=STREAM, ShardCount=1)
    queue = account.client("sqs").create_queue(QueueName="failures")["QueueUrl"]
    for part in PARTS:
        account.stacks.add(part)
    account.stacks.add("data").outputs = {
        "FramesBucketName": FRAMES,
        "StreamName": STREAM,
        "FailureQueueUrl": queue,
    }
    return Failures(account, queue)


class Failing:
    """A client of which one operation fails so many times, or answers something else."""

    def __init__(self, client: Any, operation: str, answers: list[Any]):
        self._client, self._operation, self._answers = client, operation, answers

    def __getattr__(self, name: str) -> Any:
        if name != self._operation or not self._answers:
            return getattr(self._client, name)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):

            def fail(**_: Any) -> None:
                raise answer

            return fail
        return lambda **_: answer


def test_a_rejected_record_is_back_on_the_stream_as_it_was(failed: Failures) -> None:
    record = make_record(make_frame(1))
    failed.reject(record)
    redrive(failed.account.stage())
    (back,) = failed.stream()
    assert (back.partition_key, back.data) == (record.partition_key, record.data)
    assert failed.kept() == []
    assert failed.pointers() == 0


def test_a_batch_that_lambda_gave_up_is_back_on_the_stream_in_order(failed: Failures) -> None:
    records = [make_record(make_frame(n)) for n in range(3)]
    failed.give_up(*records)
    redrive(failed.account.stage())
    assert [r.data for r in failed.stream()] == [r.data for r in records]
    assert failed.kept() == []


def test_a_dry_run_counts_by_error_and_changes_nothing(failed: Failures, capsys: pytest.CaptureFixture[str]) -> None:
    for n in range(2):
        failed.reject(make_record(make_frame(n)))
    failed.reject(make_record(make_frame(2)), "EnvelopeError", "wrong CRC")
    failed.give_up(make_record(make_frame(3)), make_record(make_frame(4)))
    redrive(failed.account.stage(), dry=True)
    said = capsys.readouterr().out
    assert "UnknownCamera: 2 records, such as: no camera 'front'" in said
    assert "EnvelopeError: 1 record, such as: wrong CRC" in said
    assert "RetryAttemptsExhausted: 2 records" in said
    assert "5 records would be put back" in said
    assert failed.stream() == []
    # Seen by the next who looks, at once.
    assert failed.pointers() == 3
    assert len(failed.kept()) == 4


def test_only_records_with_the_error_that_was_mended_are_put_back(failed: Failures) -> None:
    mended = make_record(make_frame(1))
    failed.reject(mended)
    failed.reject(make_record(make_frame(2)), "EnvelopeError", "wrong CRC")
    failed.give_up(make_record(make_frame(3)))
    redrive(failed.account.stage(), error="UnknownCamera")
    assert [r.data for r in failed.stream()] == [mended.data]
    assert failed.pointers() == 1
    assert len(failed.kept()) == 2


@pytest.mark.parametrize(("service", "operation"), [("s3", "delete_object"), ("sqs", "delete_message")])
def test_a_crash_after_the_put_and_a_second_run_store_the_frame_once(
    failed: Failures, service: str, operation: str
) -> None:
    world = World()
    frame = make_frame(1)
    world.vision.see(frame.jpeg, [PERSON])
    failed.reject(make_record(frame))
    gone = refused(operation, "ServiceUnavailable", "the line is cut")
    failed.account.replaced[service] = Failing(failed.account.client(service), operation, [gone])
    with pytest.raises(Exception, match="the line is cut"):
        redrive(failed.account.stage())
    run(world, *failed.stream())
    # The pointer is ours until its time is up; the next run comes after that.
    _show_all(failed)
    del failed.account.replaced[service]
    redrive(failed.account.stage())
    run(world, *failed.stream())
    assert len(world.frames.stored) == 1
    assert len(world.vision.calls) == 1
    assert len(world.texts.sent) == 1
    assert failed.pointers() == 0


def _show_all(failed: Failures) -> None:
    """As time would."""
    from moto.sqs.models import sqs_backends

    for queue in sqs_backends["123456789012"][REGION].queues.values():
        for message in queue._messages:
            message.visible_at = 0


def test_a_crash_in_the_middle_of_a_batch_puts_the_whole_batch_back_again(failed: Failures) -> None:
    records = [make_record(make_frame(n)) for n in range(2)]
    failed.give_up(*records)
    gone = refused("DeleteObject", "ServiceUnavailable", "the line is cut")
    failed.account.replaced["s3"] = Failing(failed.account.client("s3"), "delete_object", [gone])
    with pytest.raises(Exception, match="the line is cut"):
        redrive(failed.account.stage())
    assert len(failed.kept()) == 1
    redrive(failed.account.stage())
    assert {r.data for r in failed.stream()} == {r.data for r in records}
    assert failed.kept() == []


def test_what_the_stream_refuses_is_put_again_and_only_that(failed: Failures) -> None:
    records = [make_record(make_frame(n)) for n in range(3)]
    failed.give_up(*records)
    kinesis = failed.account.client("kinesis")
    asked: list[list[bytes]] = []

    class Throttled(Failing):
        def put_records(self, StreamName: str, Records: list[dict[str, Any]]) -> dict[str, Any]:
            asked.append([r["Data"] for r in Records])
            if len(asked) > 1:
                return kinesis.put_records(StreamName=StreamName, Records=Records)
            return {"Records": [{"SequenceNumber": "1"}, {"ErrorCode": "Throttled"}, {"ErrorCode": "Throttled"}]}

    failed.account.replaced["kinesis"] = Throttled(kinesis, "", [])
    slept: list[float] = []
    redrive(failed.account.stage(), sleep=slept.append)
    assert asked == [[r.data for r in records], [r.data for r in records[1:]]]
    assert slept == [1.0]


def test_a_stream_that_takes_nothing_leaves_everything_where_it_was(failed: Failures) -> None:
    failed.reject(make_record(make_frame(1)))
    refusal = {"Records": [{"ErrorCode": "ProvisionedThroughputExceededException"}]}
    failed.account.replaced["kinesis"] = Failing(failed.account.client("kinesis"), "put_records", [refusal] * 9)
    with pytest.raises(TaskProblem, match=r"refuses records \(Provisioned.*what was not put stays where it was"):
        redrive(failed.account.stage(), sleep=lambda _: None)
    assert len(failed.kept()) == 1
    _show_all(failed)
    assert failed.pointers() == 1


def test_a_pointer_whose_record_is_gone_is_removed_and_counted(
    failed: Failures, capsys: pytest.CaptureFixture[str]
) -> None:
    record = make_record(make_frame(1))
    # A crash in the processor may send two pointers for one record.
    failed.reject(record)
    failed.reject(record)
    redrive(failed.account.stage())
    assert len(failed.stream()) == 1
    assert failed.pointers() == 0
    assert "1 pointers led to no record" in capsys.readouterr().out


def test_what_is_no_pointer_stays_and_is_counted(failed: Failures, capsys: pytest.CaptureFixture[str]) -> None:
    failed.account.client("sqs").send_message(QueueUrl=failed.queue, MessageBody="hello")
    failed.account.client("s3").put_object(Bucket=FRAMES, Key="aws/lambda/note.txt", Body=b"hello")
    redrive(failed.account.stage())
    said = capsys.readouterr().out
    assert "not a pointer: 1 record, such as: hello" in said
    assert "not a batch of Lambda's: 1 record, such as: aws/lambda/note.txt" in said
    assert failed.pointers() == 1
    assert failed.kept() == ["aws/lambda/note.txt"]


def test_what_fails_again_is_left_for_the_next_time_with_its_reason(
    failed: Failures, capsys: pytest.CaptureFixture[str]
) -> None:
    failed.reject(make_record(make_frame(1)))
    s3 = failed.account.client("s3")

    class FailsAgain(Failing):
        def delete_object(self, **what: Any) -> Any:
            # The processor is quick: the record is back before its first failure is tidied away.
            failed.reject(make_record(make_frame(1), n=2), "UnknownCamera", "still no camera 'front'")
            return s3.delete_object(**what)

    failed.account.replaced["s3"] = FailsAgain(s3, "", [])
    redrive(failed.account.stage())
    assert "1 failed since this began and are left" in capsys.readouterr().out
    redrive(failed.account.stage(), dry=True)
    assert "UnknownCamera: 1 record, such as: still no camera 'front'" in capsys.readouterr().out


def test_an_empty_queue_is_said(failed: Failures, capsys: pytest.CaptureFixture[str]) -> None:
    redrive(failed.account.stage())
    assert capsys.readouterr().out == "0 records are back on the stream\n"


def test_a_batch_too_large_for_one_request_is_put_in_several(failed: Failures) -> None:
    records = [make_record(make_frame(n, size=900_000)) for n in range(6)]
    failed.give_up(*records)
    kinesis, sizes = failed.account.client("kinesis"), []

    class Weighed(Failing):
        def put_records(self, StreamName: str, Records: list[dict[str, Any]]) -> dict[str, Any]:
            sizes.append(sum(len(r["Data"]) for r in Records))
            return kinesis.put_records(StreamName=StreamName, Records=Records)

    failed.account.replaced["kinesis"] = Weighed(kinesis, "", [])
    redrive(failed.account.stage())
    assert len(sizes) == 2
    assert max(sizes) < 5 * 1024 * 1024


def test_lambdas_batch_is_read_with_its_payload_as_text_or_as_it_is() -> None:
    event = kinesis_event([make_record(make_frame(1))])
    for payload in (event, json.dumps(event)):
        body = json.dumps({"requestContext": {"condition": "RecordAgeExceeded"}, "payload": payload}).encode()
        condition, (record,) = given_up(body)
        assert condition == "RecordAgeExceeded"
        assert record.data == base64.b64decode(event["Records"][0]["kinesis"]["data"])
