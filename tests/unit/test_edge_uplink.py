"""The uplink goes on trying, whatever happens to the stream, and the books say what became of each frame."""

import pytest
from botocore.exceptions import ClientError

from edge_client.buffer import Record
from edge_client.ledger import Ledger
from edge_client.spool import Spool
from edge_client.uplink import Uplink
from tests.waiting import wait_until


class FakeStream:
    """Answers with each of `refusals` once, raising it; then takes what comes."""

    def __init__(self, *refusals):
        self.refusals, self.taken = list(refusals), []

    def put_records(self, *, StreamName, Records):
        if self.refusals:
            raise self.refusals.pop(0)
        self.taken += [record["Data"] for record in Records]
        return {"Records": [{"ShardId": "s-0", "SequenceNumber": "1"} for _ in Records]}


def refusal(code):
    return ClientError({"Error": {"Code": code, "Message": ""}}, "PutRecords")


@pytest.fixture
def spool(tmp_path):
    spool = Spool(tmp_path / "spool", ["yard"])
    yield spool
    spool.abort()


def put(spool, ledger, number):
    ledger.sampled("yard")
    assert not spool.put(Record("yard", f"yard.{number}", b"frame %d" % number), drop_oldest=True)


def linked(spool, ledger, factory):
    troubles = []
    uplink = Uplink(spool, ledger, "frames", factory, on_trouble=troubles.append)
    uplink.start()
    return uplink, troubles


@pytest.mark.parametrize(
    "error",
    [
        refusal("ServiceUnavailable"),
        refusal("ExpiredTokenException"),
        refusal("ResourceNotFoundException"),
        ZeroDivisionError("a bug"),
    ],
)
def test_after_any_trouble_the_next_frames_go_and_the_trouble_was_told(spool, error):
    stream, ledger = FakeStream(error), Ledger()
    uplink, troubles = linked(spool, ledger, lambda: stream)
    put(spool, ledger, 0)
    wait_until(lambda: troubles)
    put(spool, ledger, 1)
    wait_until(lambda: b"frame 1" in stream.taken)
    uplink.stop(flush_s=5)
    assert troubles[-1] is None and uplink.trouble == ""
    kept = isinstance(error, ZeroDivisionError)  # until the next start: the spool has it still
    assert ledger.account("yard").sent == (1 if kept else 2) and ledger.account("yard").waiting == kept
    assert spool.depth("yard").records == kept


def test_settings_that_make_no_client_cost_no_frame(spool):
    stream, ledger, asked = FakeStream(refusal("UnrecognizedClientException")), Ledger(), []

    def factory():
        asked.append(1)
        if len(asked) == 2:
            raise ValueError("no Kinesis client: the profile is not there")
        return stream

    uplink, _ = linked(spool, ledger, factory)
    put(spool, ledger, 0)
    wait_until(lambda: stream.taken == [b"frame 0"])
    uplink.stop(flush_s=5)
    assert len(asked) >= 2 and ledger.account("yard").sent == 1


def test_heartbeats_go_beside_frames_and_are_in_no_count(spool):
    stream, ledger = FakeStream(), Ledger()
    uplink, _ = linked(spool, ledger, lambda: stream)
    put(spool, ledger, 0)
    uplink.offer_heartbeats([Record("yard", "", b"FWH1", perishable=True)])
    wait_until(lambda: sorted(stream.taken) == [b"FWH1", b"frame 0"])
    uplink.stop(flush_s=5)
    assert (ledger.account("yard").sent, ledger.account("yard").sampled) == (1, 1)


def test_a_stop_while_the_stream_is_away_leaves_the_frame_on_the_disk(spool, tmp_path):
    ledger = Ledger()
    uplink, troubles = linked(spool, ledger, lambda: FakeStream(*[refusal("ServiceUnavailable")] * 1000))
    put(spool, ledger, 0)
    wait_until(lambda: troubles)
    uplink.stop(flush_s=60)
    assert ledger.account("yard").waiting == 1 and spool.abort() == []
    again = Spool(tmp_path / "spool", ["yard"])
    assert again.depth("yard").records == 1
    again.abort()
