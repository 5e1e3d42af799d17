"""The report's sums, and what the journal keeps of a run."""

from datetime import UTC, datetime, timedelta

import pytest

from edge_client.client import CameraCounters, EdgeReport
from edge_client.events import CameraFailed, FrameDropped, FrameFailed, FrameSampled, FrameSent
from framewatch.domain.alerts import Alert, Delivery, DeliveryState
from framewatch.domain.frames import Frame, FrameMeta, GateReason
from framewatch.domain.site import SiteConfig
from framewatch.domain.visits import Visit, VisitSighting
from framewatch.wire.envelope import encode_envelope
from framewatch.wire.frame_items import StoredFrame, StoredLabel
from local_cloud.emulator import Sms
from local_cloud.journal import Journal
from local_cloud.report import Found, build_report
from local_cloud.stream_batches import StreamRecord

T0 = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
READ_AT = datetime(2026, 5, 2, tzinfo=UTC)
SITE = SiteConfig.model_validate({"cameras": [{"id": "cam"}], "watch": {"labels": ["Person"]}})
BOOT = "20260501T120000Zabcdef"


def meta(seq: int) -> FrameMeta:
    return FrameMeta("cam", BOOT, seq, T0 + timedelta(seconds=seq), 640, 480)


def sampled(seq: int) -> FrameSampled:
    m = meta(seq)
    return FrameSampled("cam", m.frame_id, m.captured_at, 2.0 + seq, READ_AT, 640, 480, 0)


def sent(seq: int) -> FrameSent:
    return FrameSent("cam", meta(seq).frame_id, "shardId-0", str(seq), READ_AT, 1)


def stored(seq: int, after_s: float = 1.0) -> StoredFrame:
    m = meta(seq)
    return StoredFrame(
        frame_id=m.frame_id,
        camera_id="cam",
        boot_id=BOOT,
        seq=seq,
        captured_at=m.captured_at,
        stored_at=READ_AT + timedelta(seconds=after_s),
        width=640,
        height=480,
        gate_reason=GateReason.FORCED,
        image_key="k",
        labels=(StoredLabel(name="Person", confidence=80.0 + seq),),
        watch_hit=True,
    )


def record(seq: int) -> StreamRecord:
    jpeg = b"\xff\xd8\xff picture \xff\xd9"
    return StreamRecord("shardId-0", str(seq), "cam", encode_envelope(Frame(meta(seq), jpeg)), T0)


@pytest.fixture
def journal():
    j = Journal()
    for seq in range(4):
        j.on_edge_event(sampled(seq))
        j.on_edge_event(sent(seq))
        j.on_delivery([record(seq)])
    return j


def edge(**counts) -> EdgeReport:
    return EdgeReport({"cam": CameraCounters(read=100, sampled=4, sent=4, **counts)}, [])


def report(journal, found, edge_report=None, errors=()):
    return build_report(journal, edge_report or edge(), found, SITE, vision={}, errors=errors)


def all_stored() -> Found:
    return Found(stored={s.frame_id: s for s in (stored(seq) for seq in range(4))})


def test_a_run_without_losses_adds_up(journal):
    r = report(journal, all_stored())
    assert r["frames"] == {
        "read": 100,
        "sampled": 4,
        "gated": 0,
        "sent": 4,
        "processed": 4,
        "stored": 4,
        "kept_raw": 0,
        "dropped": 0,
        "lost": 0,
        "duplicates": 0,
    }
    assert r["labels"] == [{"name": "Person", "count": 4, "best_confidence": 83.0}]
    assert r["latency_ms"]["capture_to_stored"] == {"count": 4, "p50": 1000.0, "p95": 1000.0}
    assert r["errors"] == []


def test_a_frame_that_was_sent_and_is_nowhere_is_lost(journal):
    found = all_stored()
    del found.stored[meta(2).frame_id]
    r = report(journal, found)
    assert r["frames"]["lost"] == 1
    assert r["errors"] == ["1 of 4 sampled frames were sent, and are neither stored nor kept as failed."]


def test_a_frame_that_is_kept_raw_is_an_error_and_not_lost(journal):
    found = all_stored()
    del found.stored[meta(2).frame_id]
    found.kept_raw[meta(2).frame_id] = "failed/x.bin"
    found.reasons["failed/x.bin"] = "too small"
    r = report(journal, found)
    assert (r["frames"]["lost"], r["frames"]["kept_raw"]) == (0, 1)
    assert r["errors"] == [f"{meta(2).frame_id} could not be processed (too small); the raw record is failed/x.bin."]


def test_frames_of_a_camera_that_are_kept_raw_for_one_reason_are_one_sentence(journal):
    found = all_stored()
    for seq, reason in ((1, "too small"), (2, "too small"), (3, "no JPEG")):
        del found.stored[meta(seq).frame_id]
        found.kept_raw[meta(seq).frame_id] = f"failed/{seq}.bin"
        found.reasons[f"failed/{seq}.bin"] = reason
    assert report(journal, found)["errors"] == [
        f"{meta(1).frame_id} could not be processed (too small); the raw record is failed/1.bin."
        " The same holds for 1 more of cam.",
        f"{meta(3).frame_id} could not be processed (no JPEG); the raw record is failed/3.bin.",
    ]


def test_frames_that_never_got_into_the_stream_are_lost_with_their_reason(journal):
    for seq, fate in ((4, None), (5, FrameFailed), (6, FrameDropped)):
        journal.on_edge_event(sampled(seq))
        if fate is FrameFailed:
            journal.on_edge_event(FrameFailed("cam", meta(seq).frame_id, "no stream"))
        elif fate is FrameDropped:
            journal.on_edge_event(FrameDropped("cam", meta(seq).frame_id))
    r = report(journal, all_stored())
    assert r["frames"]["lost"] == 3
    said = " ".join(r["errors"])
    assert "never sent" in said
    assert "did not get into the stream" in said
    assert "faster than the stream" in said


def test_deliveries_beyond_the_first_are_duplicates_and_foreign_records_count_nothing(journal):
    journal.on_delivery([record(0), record(1), StreamRecord("shardId-0", "9", "x", b"no frame", T0)])
    journal.on_delivery([record(0), record(99)])
    frames = report(journal, all_stored())["frames"]
    assert (frames["processed"], frames["duplicates"]) == (4, 3)


def test_times_in_the_clip_come_from_the_frames_and_the_words_from_the_watch_list(journal):
    found = all_stored()
    m = meta(1)
    found.visits = [
        Visit(
            visit_id="v",
            camera_id="cam",
            label="person",
            first_seen=m.captured_at,
            last_seen=meta(3).captured_at,
            frame_count=3,
            best=VisitSighting(m.frame_id, m.captured_at, 90),
        )
    ]
    (visit,) = report(journal, found)["visits"]
    assert (visit["label"], visit["first_seen_s"], visit["last_seen_s"]) == ("Person", 3.0, 5.0)


def test_a_texts_time_is_the_alerts_and_its_latency_counts_from_the_reading(journal):
    m = meta(1)
    at = READ_AT + timedelta(seconds=2)
    alert = Alert(
        alert_id="a",
        rule_id="watch",
        scope="cam",
        visit_id="v",
        camera_id="cam",
        label="Person",
        confidence=90,
        frame_id=m.frame_id,
        captured_at=m.captured_at,
        decided_at=READ_AT,
        notify=("me",),
        deliveries={"me": Delivery(DeliveryState.SENT, at, message_id="m-1")},
    )
    found = all_stored()
    found.alerts = [alert]
    journal.on_texts([Sms("m-1", "+12025550123", "Person")])
    r = report(journal, found)
    assert r["sms"] == [{"number": "+12025550123", "text": "Person", "sent_at": "2026-05-02T00:00:02.000000Z"}]
    assert r["latency_ms"]["capture_to_sms"] == {"count": 1, "p50": 2000.0, "p95": 2000.0}
    assert r["alerts"][0]["media_time_s"] == 3.0


def test_a_failed_camera_is_said_once(journal):
    journal.on_edge_event(CameraFailed("cam", "cam: cannot read x."))
    broken = edge()
    broken.errors.append("cam: cannot read x.")
    r = report(journal, all_stored(), broken)
    assert r["errors"] == ["cam: cannot read x."]
    assert r["cameras"][0]["failed"] is True


def test_a_text_is_noted_once_however_often_it_is_seen():
    told = []
    j = Journal(on_sms=told.append)
    for _ in range(3):
        j.on_texts([Sms("m-1", "+1", "a"), Sms("m-2", "+1", "a")])
    assert [seen.sms.message_id for seen in told] == ["m-1", "m-2"]


def test_a_journal_of_a_demo_forgets_its_oldest_frames_and_keeps_its_counts():
    j = Journal(max_frames=3)
    for seq in range(10):
        j.on_edge_event(sampled(seq))
        j.on_delivery([record(seq)])
    assert [f.frame_id for f in j.snapshot()] == [meta(seq).frame_id for seq in (7, 8, 9)]
    assert len(j.deliveries) == 3
    assert j.sampled == 10
