"""What becomes of a batch: the rules of Lambda for a stream, and the property that nothing is skipped."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_cloud.stream_batches import (
    MAX_PAYLOAD_BYTES,
    BatchBuffer,
    EventEncoder,
    MappingSettings,
    StreamRecord,
    UnsupportedMapping,
)
from local_cloud.stream_delivery import (
    Answer,
    Delivery,
    DeliveryCounters,
    GivenUp,
    GiveUpReason,
    NotInvoked,
    PayloadTooLarge,
    failed_from,
)
from local_cloud.stream_targets import invocation_record

T0 = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
ROLE = "arn:aws:iam::000000000000:role/processor"
BASE = {
    "UUID": "11111111-2222-3333-4444-555555555555",
    "EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/frames",
    "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:processor",
}
OK = Answer(None, {"batchItemFailures": []})
ERROR = Answer("Unhandled", {"errorMessage": "boom"})


def mapping(**more) -> MappingSettings:
    return MappingSettings.from_mapping({**BASE, "FunctionResponseTypes": ["ReportBatchItemFailures"], **more})


def record(n: int, key: str = "cam", at: datetime = T0, data: bytes = b"x") -> StreamRecord:
    return StreamRecord("shardId-000000000000", f"4959{n:010d}", key, data, at)


def records(count: int) -> list[StreamRecord]:
    return [record(n) for n in range(count)]


def failed(*which: StreamRecord) -> Answer:
    return Answer(None, {"batchItemFailures": [{"itemIdentifier": r.sequence_number} for r in which]})


class Harness:
    """A delivery whose clock moves only while it sleeps."""

    def __init__(self, mapping_settings: MappingSettings, answers) -> None:
        self.now = T0
        self.slept: list[float] = []
        self.invoked: list[list[str]] = []
        self.acknowledged: list[str] = []
        self.given_up: list[GivenUp] = []
        self.counters = DeliveryCounters()
        self._answers = answers
        self._settings = mapping_settings
        self.delivery = Delivery(
            mapping_settings,
            self._invoke,
            self.given_up.append,
            now=lambda: self.now,
            sleep=self._sleep,
            counters=self.counters,
        )

    def _invoke(self, batch):
        self.invoked.append([r.sequence_number for r in batch])
        answer = self._answers(batch) if callable(self._answers) else self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        start = failed_from(batch, answer, self._settings.report_item_failures)
        self.acknowledged += [r.sequence_number for r in batch[:start]]
        return answer

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)

    def sizes(self) -> list[int]:
        return [len(batch) for batch in self.invoked]


@pytest.mark.parametrize(
    "payload",
    [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}],
    ids=["null", "empty-object", "empty-list", "null-list"],
)
def test_an_answer_without_failures_acknowledges_the_batch(payload):
    assert failed_from(records(3), Answer(None, payload), True) == 3


@pytest.mark.parametrize(
    "failure",
    [
        {"itemIdentifier": ""},
        {"itemIdentifier": None},
        {"itemIdentifer": "49590000000001"},
        {"itemIdentifier": "12345"},
        {"itemIdentifier": 49590000000001},
        "49590000000001",
    ],
    ids=["empty", "null", "misspelt-key", "unknown", "number", "not-an-object"],
)
def test_an_answer_that_names_no_record_of_the_batch_fails_all_of_it(failure):
    assert failed_from(records(3), Answer(None, {"batchItemFailures": [failure]}), True) == 0


@pytest.mark.parametrize("payload", ["text", 5, [], {"batchItemFailures": "x"}])
def test_an_answer_of_another_shape_fails_the_batch(payload):
    assert failed_from(records(3), Answer(None, payload), True) == 0


def test_the_lowest_named_record_is_where_trying_again_starts():
    batch = records(5)
    assert failed_from(batch, failed(batch[4], batch[2], batch[3]), True) == 2


def test_an_answer_is_not_read_unless_the_mapping_asks_for_item_failures():
    batch = records(3)
    assert failed_from(batch, failed(batch[0]), False) == 3
    assert failed_from(batch, ERROR, False) == 0


def test_a_partial_answer_retries_from_the_lowest_failed_record():
    batch = records(4)
    h = Harness(mapping(), [failed(batch[2]), OK])
    h.delivery.deliver(batch)
    assert h.sizes() == [4, 2]
    assert h.counters.acknowledged == 4
    assert h.counters.retries == 1


def test_a_failing_batch_is_tried_once_and_then_as_often_as_the_limit_says():
    h = Harness(mapping(MaximumRetryAttempts=2), lambda _: ERROR)
    h.delivery.deliver(records(3))
    assert h.sizes() == [3, 3, 3]
    assert [(g.reason, len(g.records), g.invocations) for g in h.given_up] == [(GiveUpReason.RETRIES, 3, 3)]


def test_no_retries_means_one_try():
    h = Harness(mapping(MaximumRetryAttempts=0), lambda _: ERROR)
    h.delivery.deliver(records(1))
    assert h.sizes() == [1]


def test_bisect_isolates_the_one_bad_record_and_delivers_the_rest_in_order():
    batch = records(8)
    bad = batch[5].sequence_number
    h = Harness(
        mapping(BisectBatchOnFunctionError=True, MaximumRetryAttempts=1),
        lambda part: ERROR if any(r.sequence_number == bad for r in part) else OK,
    )
    h.delivery.deliver(batch)
    assert h.acknowledged == [r.sequence_number for r in batch if r.sequence_number != bad]
    assert [[r.sequence_number for r in g.records] for g in h.given_up] == [[bad]]


def test_a_split_costs_no_retry():
    batch = records(8)
    h = Harness(mapping(BisectBatchOnFunctionError=True, MaximumRetryAttempts=2), lambda _: ERROR)
    h.delivery.deliver(batch)
    tries = Counter(part[0] for part in h.invoked if len(part) == 1)
    assert set(tries.values()) == {3}


@pytest.mark.parametrize("named", [4, 5], ids=["two-left", "one-left"])
def test_with_bisect_a_named_record_is_where_the_batch_is_split(named):
    batch = records(6)
    h = Harness(mapping(BisectBatchOnFunctionError=True, MaximumRetryAttempts=0), [failed(batch[named]), OK])
    h.delivery.deliver(batch)
    assert h.invoked == [[r.sequence_number for r in batch], [r.sequence_number for r in batch[named:]]]
    assert not h.given_up


def test_throttles_cost_time_but_no_retries():
    h = Harness(mapping(MaximumRetryAttempts=0), [NotInvoked("429")] * 4 + [OK])
    h.delivery.deliver(records(2))
    assert h.counters.throttles == 4
    assert h.counters.invocations == 1
    assert not h.given_up
    assert h.slept[3] > h.slept[0]


def test_records_past_their_age_are_given_up_without_an_invocation():
    old = [record(0, at=T0 - timedelta(seconds=100)), record(1, at=T0)]
    h = Harness(mapping(MaximumRecordAgeInSeconds=60), lambda _: OK)
    h.delivery.deliver(old)
    assert [(g.reason, len(g.records)) for g in h.given_up] == [(GiveUpReason.AGE, 1)]
    assert h.invoked == [[old[1].sequence_number]]


def test_a_function_that_never_recovers_holds_records_no_longer_than_their_age():
    h = Harness(mapping(MaximumRecordAgeInSeconds=60), lambda _: ERROR)
    h.delivery.deliver(records(2))
    assert [g.reason for g in h.given_up] == [GiveUpReason.AGE]
    assert 60 <= sum(h.slept) < 61
    assert len(h.invoked) > 5


def test_throttles_end_at_the_age_limit_too():
    h = Harness(mapping(MaximumRecordAgeInSeconds=60), lambda _: NotInvoked("429"))
    h.delivery.deliver(records(2))
    assert [g.reason for g in h.given_up] == [GiveUpReason.AGE]


def test_backoff_grows_and_is_bounded():
    h = Harness(mapping(MaximumRetryAttempts=20), lambda _: ERROR)
    h.delivery.deliver(records(1))
    assert h.slept[0] <= 0.2
    assert 15 <= h.slept[-1] <= 30
    assert max(h.slept) <= 30


def test_a_record_too_large_to_invoke_with_is_given_up():
    h = Harness(mapping(), [PayloadTooLarge("6 MB")])
    h.delivery.deliver(records(1))
    assert h.counters.given_up == 1


# -- batches


def buffer(size: int = 100, window_s: float = 0.0, **more) -> BatchBuffer:
    return BatchBuffer(EventEncoder(mapping(), ROLE), size, window_s, **more)


def test_a_batch_closes_at_its_size():
    b = buffer(size=3, window_s=60)
    for r in records(2):
        b.add(r, 0.0)
    assert b.ready_in(1.0) == 59.0
    b.add(record(2), 1.0)
    b.add(record(3), 1.0)
    assert b.ready_in(1.0) == 0.0
    assert len(b.take()) == 3
    assert len(b) == 1


def test_a_batch_closes_when_its_window_has_passed():
    b = buffer(window_s=5)
    assert b.ready_in(0.0) is None
    b.add(record(0), 10.0)
    b.add(record(1), 11.0)  # a later record does not put it off
    assert b.ready_in(12.0) == 3.0
    assert b.ready_in(15.0) == 0.0


def test_a_batch_closes_before_the_next_record_would_pass_the_payload_limit():
    b = buffer(window_s=60)
    for n in range(5):
        b.add(record(n, data=b"\0" * 1024 * 1024), 0.0)
    assert b.ready_in(0.0) == 0.0
    first = b.take()
    assert len(first) == 4  # 1 MiB is 1.33 MiB in base64; a fifth would make 6.67
    assert len(EventEncoder(mapping(), ROLE).encode(first)) <= MAX_PAYLOAD_BYTES
    assert len(b.take()) == 1
    assert b.waiting_bytes == 0


def test_a_record_over_the_payload_limit_comes_alone():
    b = buffer(max_payload_bytes=1000)
    b.add(record(0, data=b"\0" * 2000), 0.0)
    b.add(record(1), 0.0)
    assert len(b.take()) == 1


@settings(deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=300), st.text(min_size=1, max_size=20)), min_size=1, max_size=20))
def test_measured_payloads_are_exact(contents):
    encoder = EventEncoder(mapping(), ROLE)
    batch = [record(n, key=key, data=data) for n, (data, key) in enumerate(contents)]
    payload = encoder.encode(batch)
    assert len(payload) == len('{"Records":[]}') + sum(encoder.size(r) for r in batch) - 1
    assert [r["kinesis"]["sequenceNumber"] for r in json.loads(payload)["Records"]] == [
        r.sequence_number for r in batch
    ]


def test_the_event_has_the_shape_that_lambda_documents():
    (r,) = json.loads(EventEncoder(mapping(), ROLE).encode([record(7, data=b"hello")]))["Records"]
    assert r["kinesis"]["data"] == "aGVsbG8="
    assert r["kinesis"]["approximateArrivalTimestamp"] == T0.timestamp()
    assert r["eventID"] == "shardId-000000000000:49590000000007"
    assert r["eventSource"] == "aws:kinesis"
    assert r["invokeIdentityArn"] == ROLE
    assert r["awsRegion"] == "us-east-1"


# -- settings and the failure record


def test_settings_are_read_from_the_mapping_and_its_defaults():
    assert MappingSettings.from_mapping(BASE).max_retries == -1
    s = mapping(
        BatchSize=25,
        MaximumBatchingWindowInSeconds=2,
        ParallelizationFactor=3,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=0,
        MaximumRecordAgeInSeconds=3600,
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::failed"}},
        StartingPosition="TRIM_HORIZON",
    )
    assert (s.batch_size, s.window_s, s.parallelization_factor, s.max_retries) == (25, 2, 3, 0)
    assert s.bisect_on_error
    assert s.report_item_failures
    assert s.destination_arn == "arn:aws:s3:::failed"
    assert s.stream_name == "frames"


@pytest.mark.parametrize(
    "setting", [{"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}}, {"TumblingWindowInSeconds": 5}]
)
def test_a_setting_that_is_not_implemented_is_refused(setting):
    with pytest.raises(UnsupportedMapping, match=next(iter(setting))):
        mapping(**setting)


def test_the_failure_record_names_the_range_and_never_the_data():
    batch = [record(1, data=b"secret"), record(2)]
    body = invocation_record(mapping(), GivenUp(batch, GiveUpReason.RETRIES, 3, ERROR), T0)
    assert body["KinesisBatchInfo"]["startSequenceNumber"] == batch[0].sequence_number
    assert body["KinesisBatchInfo"]["batchSize"] == 2
    assert body["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert body["responseContext"]["functionError"] == "Unhandled"
    assert "secret" not in json.dumps(body)


# -- the property

outcomes = st.sampled_from(["ok", "error", "throttle", "partial", "unknown", "text"])


@settings(max_examples=300, deadline=None)
@given(
    count=st.integers(1, 12),
    script=st.lists(st.tuples(outcomes, st.integers(0, 11)), max_size=60),
    poison=st.sets(st.integers(0, 11), max_size=3),
    bisect=st.booleans(),
    retries=st.integers(0, 4),
    age=st.sampled_from([-1, 60]),
    ages=st.lists(st.integers(0, 100), min_size=12, max_size=12),
)
def test_every_record_is_settled_once_in_order_whatever_the_function_does(  # noqa: PLR0917 - drawn by name
    count, script, poison, bisect, retries, age, ages
):
    arrived = sorted(T0 - timedelta(seconds=a) for a in ages[:count])
    batch = [record(n, at=at) for n, at in enumerate(arrived)]
    todo = list(script)

    def answer(part):
        what, where = todo.pop(0) if todo else ("ok", 0)
        if what == "throttle":
            return NotInvoked("429")
        if what == "error":
            return ERROR
        if what == "unknown":
            return Answer(None, {"batchItemFailures": [{"itemIdentifier": "0"}]})
        if what == "text":
            return Answer(None, "no")
        bad = [r for r in part if int(r.sequence_number[4:]) in poison]
        if what == "partial":
            bad.append(part[where % len(part)])
        return failed(*bad)

    h = Harness(
        mapping(BisectBatchOnFunctionError=bisect, MaximumRetryAttempts=retries, MaximumRecordAgeInSeconds=age),
        answer,
    )
    h.delivery.deliver(batch)

    given_up = [r.sequence_number for g in h.given_up for r in g.records]
    everything = [r.sequence_number for r in batch]
    assert sorted(h.acknowledged + given_up) == everything
    assert h.acknowledged == sorted(h.acknowledged)
    assert given_up == sorted(given_up)
    # No invocation goes back behind a record that was settled before it.
    for earlier, later in zip(h.invoked, h.invoked[1:], strict=False):
        assert later[0] >= earlier[0]
    assert h.counters.acknowledged == len(h.acknowledged)
    assert h.counters.given_up == len(given_up)
    if not bisect:
        assert all(g.invocations <= retries + 1 for g in h.given_up)
