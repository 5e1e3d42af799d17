"""The producer: what failed is sent again, alone; every record ends exactly once."""

import random

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from hypothesis import given
from hypothesis import strategies as st

from edge_client.buffer import MAX_BATCH_BYTES, MAX_BATCH_RECORDS, Record
from edge_client.producer import BACKOFF_CAP_S, Producer, StreamUnusable

THROTTLED = "ProvisionedThroughputExceededException"


class Stream:
    """Answers as told: a list of codes, one a record (None: taken in), or an error for the whole request.

    When it has nothing more to say it takes everything.
    """

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []
        self.taken = []

    def put_records(self, *, StreamName, Records):
        assert StreamName == "frames"
        assert 1 <= len(Records) <= MAX_BATCH_RECORDS
        assert sum(len(r["Data"]) + len(r["PartitionKey"]) for r in Records) <= MAX_BATCH_BYTES
        self.requests.append([r["Data"].decode() for r in Records])
        answer = self.answers.pop(0) if self.answers else [None] * len(Records)
        if isinstance(answer, Exception):
            raise answer
        results = []
        for record, code in zip(Records, [*answer, *[None] * len(Records)], strict=False):
            if code:
                results.append({"ErrorCode": code, "ErrorMessage": "no"})
            else:
                self.taken.append(record["Data"].decode())
                results.append({"ShardId": "shard-0", "SequenceNumber": str(len(self.taken))})
        return {"FailedRecordCount": sum(1 for c in answer if c), "Records": results}


class Ride:
    """A producer with a clock that jumps to whatever it waits for, and what came of each record."""

    def __init__(self, *answers, max_tries=10):
        self.now_s = 0.0
        self.stream = Stream(*answers)
        self.sent, self.failed = [], []
        self.producer = Producer(
            self.stream,
            "frames",
            on_sent=self.sent.append,
            on_failed=lambda record, message: self.failed.append((record.frame_id, message)),
            max_tries=max_tries,
            clock=lambda: self.now_s,
            rng=random.Random(1),  # noqa: S311
        )

    def send(self, *frame_ids, camera_id="front-door", size=None):
        self.producer.send([Record(camera_id, f, f.encode().ljust(size or 0)) for f in frame_ids])

    def finish(self):
        while not self.producer.is_idle:
            self.now_s += self.producer.until_next_s()
            self.producer.send_due()

    @property
    def sent_ids(self):
        return [accepted.record.frame_id for accepted in self.sent]


def client_error(code):
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "PutRecords")


def test_only_the_part_that_failed_is_sent_again():
    ride = Ride([None, THROTTLED, None, "InternalFailure"])
    ride.send("f0", "f1", "f2", "f3")
    ride.finish()
    assert ride.stream.requests[0] == ["f0", "f1", "f2", "f3"]
    assert sorted(f for request in ride.stream.requests[1:] for f in request) == ["f1", "f3"]
    assert ride.stream.taken[:2] == ["f0", "f2"] and not ride.failed
    assert {a.record.frame_id: a.tries for a in ride.sent} == {"f0": 1, "f1": 2, "f2": 1, "f3": 2}


def test_a_retry_waits_and_other_records_pass_it():
    ride = Ride([THROTTLED])
    ride.send("f0")
    assert ride.producer.until_next_s() > 0
    ride.producer.send_due()
    ride.send("g0", camera_id="garden")
    assert ride.sent_ids == ["g0"]
    ride.finish()
    assert ride.sent_ids == ["g0", "f0"]


@pytest.mark.parametrize(
    "error", [client_error(THROTTLED), client_error("InternalFailure"), EndpointConnectionError(endpoint_url="x")]
)
def test_a_request_that_failed_whole_is_sent_again_whole_after_a_pause_for_all(error):
    ride = Ride(error)
    ride.send("f0", "f1")
    assert ride.producer.is_full  # nobody brings more during the pause
    ride.finish()
    assert ride.stream.taken == ["f0", "f1"]
    assert not ride.producer.is_full


def test_after_the_last_try_a_record_fails_with_a_reason_and_advice():
    ride = Ride(*[[THROTTLED]] * 3, max_tries=3)
    ride.send("f0")
    ride.finish()
    assert len(ride.stream.requests) == 3
    [(frame_id, message)] = ride.failed
    assert frame_id == "f0"
    assert "after 3 tries (ProvisionedThroughputExceededException); add shards" in message


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (client_error("ResourceNotFoundException"), "no such stream"),
        (client_error("AccessDeniedException"), "grant kinesis:PutRecords"),
        (client_error("ExpiredTokenException"), "sign in again"),
        (NoCredentialsError(), "no AWS credentials"),
    ],
)
def test_a_stream_that_cannot_be_used_fails_everything_at_once(error, says):
    ride = Ride([THROTTLED], error)
    ride.send("f0")
    with pytest.raises(StreamUnusable, match=says):
        ride.send("f1", "f2")
    assert sorted(f for f, _ in ride.failed) == ["f0", "f1", "f2"]
    assert ride.producer.is_idle


def test_waiting_retries_are_bounded():
    ride = Ride(*[[THROTTLED] * 500] * 3)
    for batch in range(2):
        assert not ride.producer.is_full
        ride.send(*[f"f{batch}-{n}" for n in range(500)])
    assert ride.producer.is_full
    ride.finish()
    assert len(set(ride.sent_ids)) == 1000


def test_waiting_retries_are_bounded_in_bytes_too():
    ride = Ride(*[[THROTTLED] * 5] * 7)
    for batch in range(7):
        assert not ride.producer.is_full
        ride.send(*[f"f{batch}-{n}" for n in range(5)], size=1_000_000)
    assert ride.producer.is_full
    ride.finish()
    assert not ride.producer.is_full and len(ride.sent) == 35


def test_heavy_retries_are_spread_over_requests_within_the_limit():
    ride = Ride(*[[THROTTLED] * 5] * 3)
    for batch in range(3):  # 15 MB in all; Stream checks each request
        ride.send(*[f"f{batch}-{n}" for n in range(5)], size=1_000_000)
    ride.now_s += 100  # all are due at once
    ride.finish()
    assert len(ride.sent) == 15 and not ride.failed


def test_backoff_grows_to_a_cap_and_never_beyond():
    ride = Ride(*[client_error("InternalFailure")] * 9)
    ride.send("f0")
    waits_s = []
    while not ride.producer.is_idle:
        waits_s.append(ride.producer.until_next_s())
        ride.now_s += waits_s[-1]
        ride.producer.send_due()
    assert len(waits_s) == 9
    assert max(waits_s) <= BACKOFF_CAP_S
    assert all(w <= 0.1 * 2**n for n, w in enumerate(waits_s))


codes = st.sampled_from([None, None, THROTTLED, "InternalFailure"])
answers = st.lists(
    st.lists(codes, min_size=1, max_size=12) | st.sampled_from([client_error(THROTTLED), client_error("x")]),
    max_size=25,
)


@given(answers=answers, batches=st.lists(st.integers(1, 8), max_size=6), max_tries=st.integers(1, 6))
def test_every_record_is_taken_in_exactly_once_or_failed_exactly_once(answers, batches, max_tries):
    ride = Ride(*answers, max_tries=max_tries)
    everything = []
    for number, size in enumerate(batches):
        frame_ids = [f"f{number}-{n}" for n in range(size)]
        everything += frame_ids
        ride.send(*frame_ids)
    ride.finish()
    ended = ride.sent_ids + [frame_id for frame_id, _ in ride.failed]
    assert sorted(ended) == sorted(everything)
    assert sorted(ride.stream.taken) == sorted(ride.sent_ids)
