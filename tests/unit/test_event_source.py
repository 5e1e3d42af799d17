"""The event source against a stream and a function that fail as they like."""

import random
import threading
from collections import defaultdict
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from hypothesis import given, settings
from hypothesis import strategies as st

from local_cloud.event_source import EventSource
from local_cloud.stream_batches import EventEncoder, MappingSettings
from local_cloud.stream_delivery import Answer, NotInvoked
from tests.waiting import wait_until

ARRIVED = datetime(2026, 5, 1, tzinfo=UTC)
ERROR = Answer("Unhandled", {"errorMessage": "boom"})


class FakeKinesis:
    """Shards as lists; iterators are `shard:position`. `trouble` is asked before each read."""

    def __init__(self, shards=("shardId-0",)):
        self.shards = {s: [] for s in shards}
        self.parents = {}
        self.closed = set()
        self.trouble = lambda: None
        self._next = 0
        self._lock = threading.Lock()

    def put(self, key, data=b"x", shard=None):
        with self._lock:
            self._next += 1
            shard = shard or sorted(self.shards)[sum(key.encode()) % len(self.shards)]
            sequence = f"{self._next:020d}"
            self.shards[shard].append(
                {
                    "SequenceNumber": sequence,
                    "PartitionKey": key,
                    "Data": data,
                    "ApproximateArrivalTimestamp": ARRIVED,
                }
            )
            return sequence

    def split(self, parent, *children):
        with self._lock:
            self.closed.add(parent)
            for child in children:
                self.shards[child] = []
                self.parents[child] = parent

    def list_shards(self, StreamName):
        with self._lock:
            return {"Shards": [{"ShardId": s, "ParentShardId": self.parents.get(s)} for s in self.shards]}

    def get_shard_iterator(self, StreamName, ShardId, ShardIteratorType, StartingSequenceNumber=None):
        records = self.shards[ShardId]
        if ShardIteratorType == "LATEST":
            position = len(records)
        elif ShardIteratorType == "TRIM_HORIZON":
            position = 0
        else:
            position = sum(r["SequenceNumber"] <= StartingSequenceNumber for r in records)
        return {"ShardIterator": f"{ShardId}:{position}"}

    def get_records(self, ShardIterator, StreamARN, Limit):
        self.trouble()
        shard, _, position = ShardIterator.rpartition(":")
        with self._lock:
            found = self.shards[shard][int(position) : int(position) + Limit]
            at = int(position) + len(found)
            ended = shard in self.closed and at == len(self.shards[shard])
        return {
            "Records": found,
            "NextShardIterator": None if ended else f"{shard}:{at}",
            "MillisBehindLatest": 0,
        }


class Function:
    """Notes what it acknowledges. decide: called with each batch's sequence numbers; returns an Answer or raises."""

    def __init__(self, decide=lambda _: Answer(None, None)):
        self.decide = decide
        self.done = []
        self.lock = threading.Lock()
        self.running = self.most_running = 0

    def __call__(self, records):
        with self.lock:
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        try:
            answer = self.decide(records)
        finally:
            with self.lock:
                self.running -= 1
        with self.lock:
            if answer.function_error is None:
                failures = (answer.payload or {}).get("batchItemFailures") or []
                lowest = min((f["itemIdentifier"] for f in failures), default="~")
                self.done += [r for r in records if r.sequence_number < lowest]
        return answer


def source_of(kinesis, function, given_up=None, poll_interval_s=0.002, **more):
    mapping = {
        "UUID": "u",
        "EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/frames",
        "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f",
        "StartingPosition": "TRIM_HORIZON",
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        **more,
    }
    s = MappingSettings.from_mapping(mapping)
    keep = given_up.append if given_up is not None else lambda _: None
    return EventSource(
        s, kinesis, function, EventEncoder(s, "role"), keep, poll_interval_s=poll_interval_s, reshard_check_s=0.02
    )


@pytest.fixture
def run():
    running = []

    def start(*args, **more):
        source = source_of(*args, **more)
        running.append(source)
        source.start()
        return source

    yield start
    for source in running:
        source.stop()


def test_a_shard_that_is_told_of_a_record_is_read_at_once_and_so_is_the_end(run):
    kinesis, function = FakeKinesis(), Function()
    asked = threading.Semaphore(0)
    kinesis.trouble = asked.release
    source = run(kinesis, function, poll_interval_s=3600)
    for n in range(3):
        assert asked.acquire(timeout=30)  # it has looked, and found nothing
        kinesis.put("front")
        source.look_at(["shardId-0", "no-such-shard"])
        assert asked.acquire(timeout=30)
        wait_until(lambda n=n: len(function.done) == n + 1)
    source.stop(30)
    assert not any(t.is_alive() for t in source._threads)


def test_records_of_all_shards_reach_the_function(run):
    kinesis, function = FakeKinesis(["shardId-0", "shardId-1"]), Function()
    sent = {kinesis.put(f"cam-{n % 5}") for n in range(200)}
    source = run(kinesis, function, BatchSize=10)
    assert source.wait_drained(10)
    assert {r.sequence_number for r in function.done} == sent
    assert source.stats().acknowledged == source.stats().records_read == 200


def test_latest_skips_what_was_there_before(run):
    kinesis, function = FakeKinesis(), Function()
    kinesis.put("a")
    source = run(kinesis, function, StartingPosition="LATEST")
    assert source.wait_drained(5)
    new = kinesis.put("a")
    assert source.wait_drained(5)
    assert [r.sequence_number for r in function.done] == [new]


def test_drained_waits_for_the_window_of_the_last_batch(run):
    kinesis, function = FakeKinesis(), Function()
    source = run(kinesis, function, MaximumBatchingWindowInSeconds=1)
    kinesis.put("a")
    assert not source.wait_drained(0.2)
    assert source.wait_drained(5)
    assert len(function.done) == 1


def test_lanes_of_a_shard_run_side_by_side_and_a_blocked_one_does_not_hold_the_others(run):
    release = threading.Event()
    kinesis = FakeKinesis()
    keys = [f"cam-{n}" for n in range(12)]

    def decide(records):
        if any(r.partition_key == keys[0] for r in records):
            release.wait(10)
        return Answer(None, None)

    function = Function(decide)
    source = run(kinesis, function, ParallelizationFactor=4, BatchSize=5)
    for key in keys:
        kinesis.put(key)
    blocked_lane = {k for k in keys if _lane(k) == _lane(keys[0])}
    free = set(keys) - blocked_lane
    _until(lambda: {r.partition_key for r in function.done} >= free)
    assert not source.wait_drained(0.05)
    release.set()
    assert source.wait_drained(5)
    assert len(function.done) == 12


def _lane(key):
    from zlib import crc32

    return crc32(key.encode()) % 4


def _until(condition, timeout_s=10.0):
    done = threading.Event()
    for _ in range(int(timeout_s / 0.005)):
        if condition():
            return
        done.wait(0.005)
    raise AssertionError("it never happened")


def test_a_lane_has_one_invocation_in_flight(run):
    kinesis, function = FakeKinesis(), Function()
    for n in range(100):
        kinesis.put(f"cam-{n}")
    source = run(kinesis, function, BatchSize=3)
    assert source.wait_drained(10)
    assert function.most_running == 1


def test_reading_goes_on_where_it_was_after_an_expired_iterator_and_after_errors(run):
    kinesis, function = FakeKinesis(), Function()
    sent = [kinesis.put("a") for _ in range(100)]
    troubles = iter(["ExpiredIteratorException", "ProvisionedThroughputExceededException"] * 3)
    reads = [0]

    def trouble():
        reads[0] += 1
        if reads[0] % 2 == 0 and (code := next(troubles, None)):
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "GetRecords")

    kinesis.trouble = trouble
    source = run(kinesis, function, BatchSize=10)
    assert source.wait_drained(20)
    assert [r.sequence_number for r in function.done] == sent
    _until(lambda: source.stats().read_errors == 3)


def test_an_answer_that_is_none_of_kinesis_does_not_end_the_reading(run):
    """As of a sign-in page, or cut off where no length was told."""
    kinesis, function = FakeKinesis(), Function()
    listing, reading = kinesis.list_shards, kinesis.get_records
    odd = iter([{}, ResponseParserError("not JSON")] * 2)

    def odd_at_first(answer):
        def call(**asked):
            found = next(odd, None)
            if isinstance(found, Exception):
                raise found
            return answer(**asked) if found is None else found

        return call

    kinesis.get_records = odd_at_first(reading)
    source = run(kinesis, function)
    sent = [kinesis.put("a") for _ in range(3)]
    assert source.wait_drained(20)
    assert [r.sequence_number for r in function.done] == sent
    odd = iter([{}, ResponseParserError("not JSON")])
    kinesis.list_shards = odd_at_first(listing)
    kinesis.split("shardId-0", "shardId-1")
    after = kinesis.put("a", shard="shardId-1")
    _until(lambda: function.done and function.done[-1].sequence_number == after)


def test_children_of_a_split_shard_are_read_after_the_parent_is_settled(run):
    release = threading.Event()
    kinesis = FakeKinesis()
    function = Function(lambda rs: (rs[0].shard_id != "shardId-0" or release.wait(10)) and Answer(None, None))
    before = [kinesis.put("a", shard="shardId-0") for _ in range(10)]
    source = run(kinesis, function, BatchSize=4)
    _until(lambda: function.running == 1)
    kinesis.split("shardId-0", "shardId-1", "shardId-2")
    after = [kinesis.put("a", shard="shardId-1") for _ in range(10)]
    assert not source.wait_drained(0.2)  # long enough for the children to be found, and read if they might
    assert function.done == []
    release.set()
    assert source.wait_drained(10)
    assert [r.sequence_number for r in function.done] == before + after


def test_what_is_read_ahead_is_bounded(run):
    release = threading.Event()
    kinesis = FakeKinesis()
    function = Function(lambda _: release.wait(10) and Answer(None, None))
    for _ in range(1000):
        kinesis.put("a")
    source = run(kinesis, function, BatchSize=10)
    _until(lambda: source.stats().records_waiting >= 40)
    assert not source.wait_drained(0.1)
    assert source.stats().records_waiting < 40 + 32
    release.set()
    assert source.wait_drained(10)


def test_a_batch_that_is_given_up_reaches_the_destination_and_the_shard_goes_on(run):
    kinesis, given_up = FakeKinesis(), []
    bad = kinesis.put("a", b"bad")
    good = [kinesis.put("a") for _ in range(9)]
    function = Function(lambda rs: ERROR if any(r.data == b"bad" for r in rs) else Answer(None, None))
    source = run(kinesis, function, given_up, BisectBatchOnFunctionError=True, MaximumRetryAttempts=0)
    assert source.wait_drained(10)
    assert [r.sequence_number for g in given_up for r in g.records] == [bad]
    assert [r.sequence_number for r in function.done] == good
    assert source.stats().given_up == 1
    assert "boom" in source.stats().last_error


def test_a_destination_that_fails_is_counted_and_the_shard_goes_on(run):
    kinesis = FakeKinesis()
    kinesis.put("a")

    class Broken:
        def append(self, _):
            raise RuntimeError("no such bucket")

    source = run(kinesis, Function(lambda _: ERROR), Broken(), MaximumRetryAttempts=0)
    assert source.wait_drained(10)
    assert source.stats().destination_failures == 1


def test_stop_ends_every_thread_even_while_a_batch_fails_for_ever(run):
    kinesis = FakeKinesis()
    kinesis.put("a")
    source = run(kinesis, Function(lambda _: ERROR))
    _until(lambda: source.stats().retries > 0)
    before = threading.active_count()
    source.stop()
    assert threading.active_count() < before
    assert not any(t.is_alive() for t in source._threads)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    shards=st.integers(1, 3),
    factor=st.integers(1, 4),
    batch_size=st.integers(1, 20),
    bisect=st.booleans(),
    keys=st.lists(st.sampled_from([f"cam-{n}" for n in range(6)]), min_size=1, max_size=80),
)
def test_every_record_is_acknowledged_or_given_up_and_keys_keep_their_order(  # noqa: PLR0917 - drawn by name
    seed, shards, factor, batch_size, bisect, keys
):
    dice = random.Random(seed)  # noqa: S311
    kinesis, given_up = FakeKinesis([f"shardId-{n}" for n in range(shards)]), []
    sent = [kinesis.put(key) for key in keys]
    poison = {s for s in sent if dice.random() < 0.05}

    def decide(records):
        roll = dice.random()
        if roll < 0.1:
            raise NotInvoked("429")
        if roll < 0.2:
            return ERROR
        bad = [r for r in records if r.sequence_number in poison or dice.random() < 0.05]
        return Answer(None, {"batchItemFailures": [{"itemIdentifier": r.sequence_number} for r in bad]})

    function = Function(decide)
    source = source_of(
        kinesis,
        function,
        given_up,
        BatchSize=batch_size,
        ParallelizationFactor=factor,
        BisectBatchOnFunctionError=bisect,
        MaximumRetryAttempts=2,
    )
    source.sleep = lambda _: None
    source.start()
    try:
        assert source.wait_drained(30)
    finally:
        source.stop()
    lost_to_destination = [r.sequence_number for g in given_up for r in g.records]
    acknowledged = [r.sequence_number for r in function.done]
    assert sorted(acknowledged + lost_to_destination) == sorted(sent)
    order = defaultdict(list)
    for r in function.done:
        order[r.shard_id, r.partition_key].append(r.sequence_number)
    assert all(numbers == sorted(numbers) for numbers in order.values())
    stats = source.stats()
    assert (stats.acknowledged, stats.given_up) == (len(acknowledged), len(lost_to_destination))
    assert stats.records_waiting == 0
