"""The producer in front of a spool: nothing kept is given up, live goes first, credentials may change."""

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from botocore.exceptions import EndpointConnectionError, ProfileNotFound
from botocore.parsers import ResponseParserError
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.drain import CAMERAS, FRAME_BYTES, FRAMES_A_S, SHARD_BPS, Simulation
from edge_client.buffer import Record
from edge_client.producer import Producer, pump_once
from edge_client.spool import LIVE_MAX_AGE_S, Spool
from tests.unit.test_edge_producer import THROTTLED, Stream, client_error

UNREACHABLE = EndpointConnectionError(endpoint_url="https://kinesis.example")


class Ride:
    """A producer that keeps, with a clock that jumps, and what it said."""

    def __init__(self, *answers, client=None, client_factory=None, wall_clock=lambda: datetime.now(UTC)):
        self.now_s = 0.0
        self.stream = client or Stream(*answers)
        self.sent, self.failed, self.troubles = [], [], []
        self.producer = Producer(
            self.stream,
            "frames",
            on_sent=lambda accepted: self.sent.append(accepted.record.frame_id),
            on_failed=lambda record, message: self.failed.append((record.frame_id, message)),
            keeps=True,
            on_trouble=self.troubles.append,
            client_factory=client_factory,
            clock=lambda: self.now_s,
            wall_clock=wall_clock,
            rng=random.Random(1),  # noqa: S311
        )

    def send(self, *frame_ids, is_backlog=False, perishable=False):
        self.producer.send(
            [Record("a", f, f.encode(), is_backlog=is_backlog, perishable=perishable) for f in frame_ids]
        )

    def finish(self):
        while not self.producer.is_idle:
            self.now_s += self.producer.until_next_s()
            self.producer.send_due()


def test_a_kept_record_outlasts_any_number_of_tries():
    ride = Ride(*[UNREACHABLE] * 1500)  # a backoff that doubled without end would overflow a float
    ride.send("f0", "f1")
    ride.finish()
    assert ride.sent == ["f0", "f1"] and not ride.failed


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException", "ExpiredTokenException"])
def test_an_unusable_stream_is_told_once_and_tried_again_until_it_works(code):
    ride = Ride(*[client_error(code)] * 5)
    ride.send("f0")
    ride.finish()
    assert ride.sent == ["f0"] and not ride.failed
    [reason, over] = ride.troubles
    assert reason.startswith("cannot write to stream frames: ") and reason.endswith(f"({code}).")
    assert over is None


def test_another_reason_is_told_too():
    ride = Ride(UNREACHABLE, UNREACHABLE, client_error("AccessDeniedException"))
    ride.send("f0")
    ride.finish()
    assert ["EndpointConnectionError" in (t or "") for t in ride.troubles] == [True, False, False]
    assert "grant kinesis:PutRecords" in ride.troubles[1] and ride.troubles[2] is None


def test_after_an_expired_token_a_new_client_is_asked():
    fresh = Stream()
    ride = Ride(client_error("ExpiredTokenException"), client_factory=lambda: fresh)
    ride.send("f0")
    ride.finish()
    assert ride.stream.taken == [] and fresh.taken == ["f0"]
    ride.send("f1")
    assert fresh.taken == ["f0", "f1"]


def test_a_client_that_cannot_be_built_is_a_reason_like_others():
    fresh = Stream()
    builds = iter([ProfileNotFound(profile="gone"), ValueError("no Kinesis client: no region"), fresh])

    def build():
        client = next(builds)
        if isinstance(client, Exception):
            raise client
        return client

    ride = Ride(*[client_error("ExpiredTokenException")] * 3, client_factory=build)
    ride.send("f0")
    ride.finish()
    assert fresh.taken == ["f0"] and any("gone" in (t or "") for t in ride.troubles)


@pytest.mark.parametrize("answer", [ResponseParserError("<html>"), ValueError("odd")])
def test_what_is_no_answer_at_all_is_an_outage(answer):
    ride = Ride(answer)
    ride.send("f0")
    ride.finish()
    assert ride.sent == ["f0"]


def test_an_answer_for_another_number_of_records_is_an_outage():
    class SignInPage(Stream):
        def put_records(self, **request):
            answer = super().put_records(**request)
            return {} if len(self.requests) == 1 else answer

    ride = Ride(client=SignInPage())
    ride.send("f0")
    assert not ride.sent
    assert "sign-in page" in ride.troubles[0]
    ride.finish()
    assert ride.sent == ["f0"]


def test_a_perishable_record_has_one_try():
    ride = Ride(UNREACHABLE)
    ride.send("heartbeat", perishable=True)
    assert [frame_id for frame_id, _ in ride.failed] == ["heartbeat"]
    assert ride.producer.is_idle


def test_a_record_that_is_refused_as_malformed_falls_alone():
    class Picky(Stream):
        def put_records(self, *, StreamName, Records):
            if any(r["Data"] == b"poison" for r in Records):
                raise client_error("ValidationException")
            return super().put_records(StreamName=StreamName, Records=Records)

    ride = Ride(client=Picky())
    ride.send("poison", "f0", "f1")
    ride.finish()
    assert sorted(ride.sent) == ["f0", "f1"]
    assert [frame_id for frame_id, _ in ride.failed] == ["poison"]
    ride.send("f2", "f3")
    assert ride.stream.requests[-1] == ["f2", "f3"]  # and requests are whole again


def test_no_backlog_is_asked_for_while_a_live_record_waits_for_its_next_try():
    ride = Ride(["InternalFailure"])
    assert ride.producer.backlog_bytes > 0
    ride.send("live")
    assert ride.producer.backlog_bytes == 0
    ride.finish()
    assert ride.producer.backlog_bytes > 0


def test_backlog_yields_for_a_while_when_the_stream_throttles():
    ride = Ride([THROTTLED])
    ride.send("live")
    ride.finish()
    assert ride.producer.backlog_bytes == 0 and ride.producer.until_backlog_s() > 0
    ride.now_s += ride.producer.until_backlog_s()
    assert ride.producer.backlog_bytes > 0


def test_backlog_is_not_sent_again_before_a_live_record_that_waits_longer():
    ride = Ride(["InternalFailure"], ["InternalFailure", "InternalFailure"])
    ride.send("old", is_backlog=True)
    ride.send("new0", "new1")
    ride.now_s += ride.producer.until_next_s() / 2  # the backlog's time may have come, the live ones' has not
    ride.producer.send_due()
    assert not ride.sent
    ride.finish()
    assert ride.sent == ["new0", "new1", "old"]


def test_the_next_backlog_request_is_smaller_after_one_that_took_long():
    class Slow(Stream):
        def put_records(self, **request):
            ride.now_s += 2.0
            return super().put_records(**request)

    ride = Ride(client=Slow())
    before = ride.producer.backlog_bytes
    ride.send("live")
    assert ride.producer.backlog_bytes == before
    ride.send("old", is_backlog=True)
    assert ride.producer.backlog_bytes == before // 2


def test_live_frames_pass_a_backlog_and_the_backlog_gets_what_they_leave(tmp_path):
    lanes, no_lanes = (Simulation(tmp_path / str(on), lanes=on, outage_s=60).run() for on in (True, False))
    assert lanes.sampled.keys() == set(CAMERAS)
    median_s, without_s = (sorted(o.live_delays_s)[len(o.live_delays_s) // 2] for o in (lanes, no_lanes))
    assert median_s < 0.5  # simulated seconds
    assert without_s > 5
    best_bps = SHARD_BPS - len(CAMERAS) * FRAMES_A_S * FRAME_BYTES
    assert lanes.backlog_bytes / lanes.catch_up_s > 0.6 * best_bps


def test_a_stop_forgets_what_is_kept_elsewhere_and_fails_nothing():
    ride = Ride([THROTTLED])
    ride.send("f0")
    ride.producer.give_up("stopped")
    assert ride.producer.is_idle and not ride.failed


@pytest.mark.parametrize("refused", [True, False])
def test_the_stream_s_clock_is_compared_with_ours(refused):
    here = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
    headers = {"HTTPHeaders": {"date": format_datetime(here + timedelta(seconds=90), usegmt=True)}}

    class Dated(Stream):
        def put_records(self, **request):
            ride.now_s += 2.0  # there and back
            if refused and not self.requests:
                self.requests.append([])
                error = client_error("InvalidSignatureException")
                error.response["ResponseMetadata"] = headers
                raise error
            return {**super().put_records(**request), "ResponseMetadata": headers}

    ride = Ride(client=Dated(), wall_clock=lambda: here)
    assert ride.producer.clock_offset_s is None
    ride.send("f0")
    assert ride.producer.clock_offset_s == pytest.approx(
        90 + 0.5 + 1.0
    )  # the answer left a second before it was here


def test_a_live_frame_waits_for_one_request_of_backlog_at_most(tmp_path):
    now_s = 0.0
    spool = Spool(tmp_path, ["a"], sync_after_s=None, clock=lambda: now_s)
    for n in range(40):
        spool.put(Record("a", f"old{n}", f"old{n}".encode().ljust(100_000)), drop_oldest=True)
    now_s = LIVE_MAX_AGE_S + 1
    stream = Stream()
    put_records = stream.put_records

    def and_a_live_frame_comes(**request):
        if len(stream.requests) < 3:
            spool.put(Record("a", f"new{len(stream.requests)}", b"new"), drop_oldest=True)
        return put_records(**request)

    stream.put_records = and_a_live_frame_comes
    producer = Producer(
        stream,
        "frames",
        on_sent=lambda accepted: spool.ack(accepted.record),
        on_failed=lambda *_: None,
        keeps=True,
        clock=lambda: now_s,
    )
    spool.close("a")
    while not spool.is_finished:
        pump_once(spool, producer)
    kinds = [{data.strip()[:3] for data in request} for request in stream.requests]
    assert kinds[:5] == [{"old"}, {"new"}, {"new"}, {"new"}, {"old"}]
    assert all(sum(map(len, request)) <= 1024 * 1024 for request in stream.requests)
    old = [data.strip() for request in stream.requests for data in request if data.startswith("old")]
    assert old == [f"old{n}" for n in range(40)]
    spool.abort()


codes = st.sampled_from([None, None, THROTTLED, "InternalFailure"])
answers = st.lists(
    st.lists(codes, min_size=1, max_size=12)
    | st.sampled_from([client_error(THROTTLED), client_error("AccessDeniedException"), UNREACHABLE]),
    max_size=25,
)


@given(answers=answers, batches=st.lists(st.tuples(st.integers(1, 8), st.booleans()), max_size=6))
def test_whatever_the_stream_answers_every_kept_record_is_sent_exactly_once(answers, batches):
    ride = Ride(*answers)
    everything = []
    for number, (size, is_backlog) in enumerate(batches):
        frame_ids = [f"f{number}-{n}" for n in range(size)]
        everything += frame_ids
        ride.send(*frame_ids, is_backlog=is_backlog)
    ride.finish()
    assert sorted(ride.sent) == sorted(everything) and not ride.failed
    assert ride.stream.taken == ride.sent
