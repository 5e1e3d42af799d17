"""Trying rules: what they would have told of frames, and that nothing leaves."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from framewatch.adapters.aws.rekognition import RekognitionDetector
from framewatch.adapters.memory import MemoryAlerts, MemoryStore, MemoryVisits
from framewatch.domain.errors import InvalidQuery
from framewatch.domain.frames import FrameMeta
from framewatch.domain.labels import Instance, Label
from framewatch.domain.site import SiteConfig
from framewatch.services.try_rules import TrialTables, try_rules
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.timeline import Timeline

EVENTS = Path(__file__).resolve().parent.parent / "events"
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
BOOT = "20260314T120000Z0a1b2c"
PERSON = Label("Person", 90.0, instances=(Instance((0.1, 0.2, 0.3, 0.9), 90.0),), aliases=("Human",))


def site_of(*rules: dict[str, Any], **sections: Any) -> SiteConfig:
    return SiteConfig.model_validate(
        {
            "site": {"name": "Shop", "time_zone": "Europe/Madrid"},
            "cameras": [{"id": "front", "name": "Front door"}, {"id": "yard", "name": "Yard"}],
            "contacts": [
                {"id": "ana", "phone": "+34600123456"},
                {"id": "bo", "phone": "+34600654321"},
                {"id": "desk", "topic": True},
            ],
            "rules": [{"id": "people", "labels": ["Person"], "notify": ["ana"], "cool_down_s": 0} | r for r in rules],
            "visits": {"gap_s": 30},
        }
        | sections
    )


def frame(at_s: float, *labels: Label, camera: str = "front", seq: int | None = None) -> StoredFrame:
    at = NOON + timedelta(seconds=at_s)
    meta = FrameMeta(camera, BOOT, int(at_s) if seq is None else seq, at, 640, 480)
    return StoredFrame.of(meta, labels or (PERSON,), (), at)


def tried(frames: Sequence[StoredFrame], site: SiteConfig, **more: Any) -> Timeline:
    store = MemoryStore()
    return try_rules(frames, site, TrialTables(MemoryVisits(store), MemoryAlerts(store)), **more)


def recorded(name: str, site: SiteConfig) -> list[StoredFrame]:
    class Answers:
        def __init__(self, labels: list[Any]) -> None:
            self._labels = labels

        def detect_labels(self, *, MinConfidence: float, **_: Any) -> dict[str, Any]:
            return {"Labels": [label for label in self._labels if label["Confidence"] >= MinConfidence]}

    frames = []
    for seq, told in enumerate(json.loads((EVENTS / f"{name}.json").read_text("utf-8"))["frames"]):
        detector = RekognitionDetector(Answers(told["labels"]))  # type: ignore[arg-type]
        labels = detector.detect(b"", min_confidence=site.vision.min_confidence, max_labels=25)
        at = NOON + timedelta(seconds=told["media_time_s"])
        frames.append(StoredFrame.of(FrameMeta("front", BOOT, seq, at, 640, 480), labels, (), at))
    return frames


def seconds(at: datetime) -> float:
    return (at - NOON).total_seconds()


# By eye, in seconds: when somebody is in the room of one-by-one-person.mp4.
PRESENT_S = [(6.0, 20.0), (22.7, 45.0), (50.5, 70.0), (74.5, 86.8), (92.7, 120.0), (123.7, 136.3)]


def test_six_people_one_after_the_other_are_six_visits_and_six_texts():
    site = site_of({"min_confidence": 50}, visits={"gap_s": 2})
    timeline = tried(recorded("one-by-one-yolox", site), site)
    spans = [(seconds(v.first_seen), seconds(v.last_seen)) for v in timeline.visits]
    assert [(pytest.approx(start, abs=2), pytest.approx(end, abs=2)) for start, end in PRESENT_S] == spans
    assert [len(a.texts) for a in timeline.alerts] == [1] * 6
    assert {a.visit_id for a in timeline.alerts} == {v.visit_id for v in timeline.visits}


def test_with_a_long_gap_the_same_people_are_one_visit_and_one_text():
    site = site_of({"min_confidence": 50}, visits={"gap_s": 30})
    timeline = tried(recorded("one-by-one-yolox", site), site)
    assert len(timeline.visits) == 1
    assert [t.state for a in timeline.alerts for t in a.texts] == ["sent"]


def test_a_text_is_shown_with_its_words_its_contact_and_no_number():
    timeline = tried([frame(5)], site_of({"severity": "critical"}), link_base_url="https://cams.example")
    (alert,) = timeline.alerts
    assert (alert.rule_id, alert.severity, alert.camera_name, alert.confidence) == (
        "people",
        "critical",
        "Front door",
        90.0,
    )
    (text,) = alert.texts
    assert (text.contact_id, text.state, text.escalation, seconds(text.at)) == ("ana", "sent", 0, 5)
    assert text.words == (
        "URGENT Framewatch: Person 90% at Front door, 14 Mar 13:00 (CET). Shop"
        " https://cams.example/a/00000000000000000001"
    )
    assert "+34600" not in timeline.model_dump_json()


def test_every_text_has_a_link_of_its_own():
    site = site_of({"notify": ["ana", "bo"]})
    timeline = tried([frame(0), frame(100)], site, link_base_url="https://cams.example")
    words = [t.words for a in timeline.alerts for t in a.texts]
    assert len(words) == 4 and len({w.rpartition("/")[2] for w in words}) == 4


def test_a_topic_is_told_as_a_phone_is():
    (alert,) = tried([frame(5)], site_of({"notify": ["desk", "ana"]})).alerts
    assert [(t.contact_id, t.state) for t in alert.texts] == [("desk", "sent"), ("ana", "sent")]


def test_what_is_withheld_is_told_with_its_reason_and_count():
    low = Label("Person", 60.0, aliases=("Human",))
    timeline = tried([frame(0, low), frame(1, low), frame(2)], site_of({}))
    (row,) = timeline.withheld
    assert (row.rule_id, row.reason, row.count, row.alerted) == ("people", "below-confidence", 2, True)


def test_while_nobody_answers_the_next_contact_is_told_also_after_the_last_frame():
    site = site_of({"escalate_to": ["bo", "desk"], "escalate_after_s": 120})
    (alert,) = tried([frame(0)], site).alerts
    assert [(t.contact_id, t.escalation, seconds(t.at)) for t in alert.texts] == [
        ("ana", 0, 0),
        ("bo", 1, 120),
        ("desk", 2, 240),
    ]


def test_escalation_comes_between_the_frames_as_it_would_have():
    site = site_of({"escalate_to": ["bo"], "escalate_after_s": 60, "cool_down_s": 0})
    timeline = tried([frame(0), frame(100), frame(200)], site)
    assert [[seconds(t.at) for t in a.texts] for a in timeline.alerts] == [[0, 60], [100, 160], [200, 260]]


def test_a_limit_holds_texts_back_and_one_digest_tells():
    site = site_of({}, limits={"per_contact_and_hour": 2, "digest_after_s": 900})
    timeline = tried([frame(100 * n) for n in range(4)], site)
    assert [[t.state for t in a.texts] for a in timeline.alerts] == [["sent"], ["sent"], ["held"], ["held"]]
    held = timeline.alerts[2].texts[0]
    assert held.words is None and held.reason
    (digest,) = timeline.digests
    assert digest.contact_id == "ana" and 200 + 900 <= seconds(digest.at) <= 200 + 900 + 60
    assert digest.words.startswith("Framewatch")


def test_a_digest_is_told_of_also_where_links_live_shorter_than_it_waits():
    limits = {"per_contact_and_hour": 1, "digest_after_s": 7200}
    site = site_of({}, limits=limits, alerts={"link_hours": 0.5})
    assert len(tried([frame(0), frame(100)], site).digests) == 1


def test_more_alerts_than_are_wanted_are_refused():
    frames = [frame(100 * n) for n in range(4)]
    assert len(tried(frames, site_of({}), max_alerts=4).alerts) == 4
    with pytest.raises(InvalidQuery, match="more than 3 alerts; give a shorter span"):
        tried(frames, site_of({}), max_alerts=3)


def test_a_second_camera_of_the_group_joins_and_is_not_told_again():
    cameras = [
        {"id": "front", "name": "Front door", "group": "home"},
        {"id": "yard", "name": "Yard", "group": "home"},
    ]
    timeline = tried([frame(0), frame(10, camera="yard")], site_of({}, cameras=cameras))
    (alert,) = timeline.alerts
    assert [(j.camera_name, seconds(j.captured_at)) for j in alert.joined] == [("Yard", 10)]
    assert [w.reason for w in timeline.withheld] == ["duplicate-incident"]


def test_old_footage_is_judged_as_if_it_came_at_once():
    assert [w.reason for w in tried([frame(-86_400 * 300, seq=1)], site_of({})).withheld] == []


def test_the_order_in_which_frames_are_given_does_not_matter():
    frames = [frame(n * 7) for n in range(20)] + [frame(n * 11, camera="yard") for n in range(20)]
    site = site_of({"escalate_to": ["bo"]}, visits={"gap_s": 5})
    assert tried(frames[::-1], site) == tried(frames, site)


def test_frames_over_midnight_are_one_timeline():
    frames = [frame(s, seq=s) for s in range(43_190, 43_211, 5)]
    timeline = tried(frames, site_of({}))
    assert [v.frames for v in timeline.visits] == [5]
    assert len(timeline.alerts) == 1


def test_frames_of_a_camera_that_the_site_does_not_have_are_passed_over():
    timeline = tried([frame(0, camera="garage")], site_of({}))
    assert (timeline.frames, timeline.visits) == (0, ())


def test_no_frames_are_an_empty_timeline():
    timeline = tried([], site_of({}))
    assert (timeline.frames, timeline.visits, timeline.alerts, timeline.withheld) == (0, (), (), ())
