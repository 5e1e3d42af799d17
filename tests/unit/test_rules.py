"""Whether a frame fulfils a rule, and the reason when it does not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import pytz

from framewatch.domain.alert_settings import Rule
from framewatch.domain.frames import BoxXYXYRel
from framewatch.domain.labels import Instance, Label
from framewatch.domain.rule_state import RecentAlert, RuleState
from framewatch.domain.rules import Observation, incident_of, instances_of, judge_frame, judge_hour, names_in
from framewatch.domain.visits import Reason, VisitSighting
from tests.frames import NOON

MADRID = pytz.timezone("Europe/Madrid")
LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
SMALL_LEFT = (0.1, 0.1, 0.2, 0.2)
LARGE_RIGHT = (0.6, 0.2, 0.9, 0.9)


def rule(**settings: object) -> Rule:
    return Rule.model_validate({"id": "r", "labels": ["Person"], "min_confidence": 80} | settings)


def seen(*boxes: BoxXYXYRel, confidence: float = 90.0, others: tuple[Label, ...] = ()) -> Observation:
    person = Label("Person", confidence, tuple(Instance(box, confidence) for box in boxes))
    labels = (person, *others)
    sighting = VisitSighting("f", NOON, confidence, boxes[0] if boxes else None)
    return Observation(sighting, instances_of(labels, "person"), names_in(labels))


def why(r: Rule, observation: Observation, *moved: bool, zones: object = (LEFT_HALF,)) -> Reason | None:
    return judge_frame(r, zones, observation, moved)[0]  # type: ignore[arg-type]


def test_a_confident_frame_fulfils_a_plain_rule_also_without_boxes() -> None:
    assert why(rule(), seen()) is None
    assert why(rule(), seen(confidence=79.9)) is Reason.BELOW_CONFIDENCE


def test_a_small_box_is_too_small() -> None:
    assert why(rule(min_area_share=0.05), seen(SMALL_LEFT)) is Reason.TOO_SMALL
    assert why(rule(min_area_share=0.01), seen(SMALL_LEFT)) is None


def test_the_middle_of_the_lower_edge_says_in_which_zone_an_object_stands() -> None:
    assert why(rule(zones=["z"]), seen(SMALL_LEFT)) is None
    assert why(rule(zones=["z"]), seen(LARGE_RIGHT)) is Reason.OUTSIDE_ZONE
    porch = ((0.0, 0.8), (1.0, 0.8), (1.0, 1.0), (0.0, 1.0))
    assert why(rule(zones=["z"]), seen((0.4, 0.2, 0.6, 0.9)), zones=(porch,)) is None
    assert why(rule(zones=["z"]), seen((0.4, 0.2, 0.6, 0.7)), zones=(porch,)) is Reason.OUTSIDE_ZONE


def test_one_object_must_fulfil_all_of_it() -> None:
    both = rule(zones=["z"], min_area_share=0.05)
    assert why(both, seen(SMALL_LEFT, LARGE_RIGHT)) is Reason.OUTSIDE_ZONE
    moving = rule(zones=["z"], require_motion=True)
    assert why(moving, seen(SMALL_LEFT, LARGE_RIGHT), False, True) is Reason.STATIONARY
    assert why(moving, seen(SMALL_LEFT, LARGE_RIGHT), True, False) is None


def test_the_box_that_fulfilled_the_rule_is_told() -> None:
    found = judge_frame(rule(min_area_share=0.05), (), seen(SMALL_LEFT, LARGE_RIGHT), ())
    assert found == (None, LARGE_RIGHT)


def test_a_label_without_boxes_cannot_fulfil_what_is_asked_of_boxes() -> None:
    assert why(rule(min_area_share=0.01), seen()) is Reason.TOO_SMALL
    assert why(rule(zones=["z"]), seen()) is Reason.OUTSIDE_ZONE
    assert why(rule(require_motion=True), seen()) is Reason.STATIONARY


def test_boxes_beyond_those_that_are_followed_have_not_moved() -> None:
    assert why(rule(require_motion=True), seen(SMALL_LEFT, LARGE_RIGHT), False) is Reason.STATIONARY


def test_company_is_asked_by_name_alias_and_parent() -> None:
    dog = Label("Dog", 85, parents=("Animal",))
    with_animal = rule(all_of=["animal"])
    assert why(with_animal, seen(others=(dog,))) is None
    assert why(with_animal, seen(others=(replace(dog, confidence=70),))) is Reason.OTHER_LABELS
    assert why(with_animal, seen()) is Reason.OTHER_LABELS
    without = rule(none_of=["Animal"])
    assert why(without, seen()) is None
    # A doubtful dog is no proof that there is none.
    assert why(without, seen(others=(replace(dog, confidence=55),))) is Reason.OTHER_LABELS


def test_objects_of_every_label_that_the_word_means_count_once() -> None:
    car = Label("Car", 95, (Instance(LARGE_RIGHT, 95),), parents=("Vehicle",))
    vehicle = Label("Vehicle", 95, (Instance(LARGE_RIGHT, 90),))
    truck = Label("Truck", 80, (Instance(SMALL_LEFT, 80),), parents=("Vehicle",))
    assert instances_of([truck, vehicle, car], "Vehicle") == (Instance(LARGE_RIGHT, 95), Instance(SMALL_LEFT, 80))


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        (datetime(2026, 3, 14, 20, 59, tzinfo=UTC), Reason.OFF_SCHEDULE),  # 21:59 in Madrid
        (datetime(2026, 3, 14, 21, 0, tzinfo=UTC), None),
        (datetime(2026, 3, 15, 4, 59, tzinfo=UTC), None),
        (datetime(2026, 3, 15, 5, 0, tzinfo=UTC), Reason.OFF_SCHEDULE),
        # The hour that the change skips and the one that it doubles: 02:30 summer time, both 02:30 in October.
        (datetime(2026, 3, 29, 1, 30, tzinfo=UTC), None),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), None),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), None),
        (datetime(2026, 10, 25, 4, 59, tzinfo=UTC), None),
        (datetime(2026, 10, 25, 5, 0, tzinfo=UTC), Reason.OFF_SCHEDULE),
    ],
)
def test_a_schedule_over_midnight_is_in_the_sites_time(at: datetime, reason: Reason | None) -> None:
    assert judge_hour(rule(schedule=["daily 22:00-06:00"]), at, MADRID) is reason


def test_quiet_hours_are_told_apart_from_hours_without_the_rule() -> None:
    r = rule(schedule=["daily 00:00-24:00"], quiet_hours=["daily 12:00-14:00"])
    assert judge_hour(r, NOON, MADRID) is Reason.QUIET_HOURS  # 13:00
    assert judge_hour(r, NOON + timedelta(hours=2), MADRID) is None


def told(camera: str, label: str, second: float, incident: str | None = None) -> RecentAlert:
    at = NOON + timedelta(seconds=second)
    return RecentAlert(
        camera, label, f"{camera}/{label}", at, incident or f"{camera}/{second}", camera, at, not incident
    )


def belongs(state: RuleState, camera: str, label: str, second: float, *, grouped: bool) -> str | None:
    at = NOON + timedelta(seconds=second)
    found = incident_of(state, camera, label, at, window_s=60, grouped=grouped)
    return found.incident_alert_id if found else None


def test_a_second_camera_of_the_group_is_the_same_incident_within_the_window() -> None:
    state = RuleState("r", "group:yard").with_recent(told("front", "Person", 0))
    assert belongs(state, "yard", "Person", 59, grouped=True) == "front/0"
    assert belongs(state, "yard", "Person", -59, grouped=True) == "front/0"  # its frames came later
    assert belongs(state, "yard", "Person", 60, grouped=True) is None


def test_an_incident_does_not_grow_beyond_its_window_by_who_joins_it() -> None:
    state = RuleState("r", "group:yard").with_recent(told("front", "Person", 0))
    state = state.with_recent(told("yard", "Person", 50, incident="front/0"))
    assert belongs(state, "gate", "Person", 80, grouped=True) is None


def test_a_lone_camera_takes_another_label_for_the_same_and_the_same_label_for_somebody_else() -> None:
    state = RuleState("r", "front").with_recent(told("front", "Car", 0))
    assert belongs(state, "front", "Person", 10, grouped=False) == "front/0"
    assert belongs(state, "front", "car", 40, grouped=False) is None


def test_a_cool_down_holds_before_and_after_and_not_for_other_cameras() -> None:
    state = RuleState("r", "group:yard").with_recent(told("front", "Person", 0))
    state = state.with_recent(told("yard", "Person", 0, incident="front/0"))
    cool_down = timedelta(seconds=60)
    assert state.is_cooling("front", NOON + timedelta(seconds=59), cool_down)
    assert state.is_cooling("front", NOON - timedelta(seconds=59), cool_down)
    assert not state.is_cooling("front", NOON + timedelta(seconds=60), cool_down)
    assert not state.is_cooling("yard", NOON, cool_down)  # it has not been texted about
    assert not state.is_cooling("front", NOON, timedelta(0))


def test_a_rule_remembers_its_newest_alerts_only() -> None:
    state = RuleState("r", "front")
    for second in range(80, 0, -1):
        state = state.with_recent(told("front", "Person", second))
    assert len(state.recent) == 50
    assert state.recent[0].captured_at == NOON + timedelta(seconds=31)
