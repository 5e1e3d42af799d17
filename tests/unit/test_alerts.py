"""Which sighting of a visit alerts."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from framewatch.domain.alerts import WATCH_RULE_ID, alert_id_for, first_to_alert
from framewatch.domain.visits import AlertClaim, AlertState, Visit, VisitSighting
from tests.frames import NOON


def seen(second: float, confidence: float = 90.0) -> VisitSighting:
    return VisitSighting(f"frame-{second}", NOON + timedelta(seconds=second), confidence)


VISIT = Visit("visit", "front", "Person", NOON, NOON, 1, seen(0))


def test_the_earliest_confident_sighting_alerts() -> None:
    assert first_to_alert(VISIT, WATCH_RULE_ID, 80, [seen(3, 99), seen(2, 80), seen(1, 79.9)]) == seen(2, 80)


def test_a_visit_without_a_confident_sighting_waits() -> None:
    assert first_to_alert(VISIT, WATCH_RULE_ID, 80, [seen(1, 79.9)]) is None
    assert first_to_alert(VISIT, WATCH_RULE_ID, 80, []) is None


def test_a_visit_alerts_once_for_a_rule_whatever_became_of_it() -> None:
    for state in AlertState:
        claimed = replace(VISIT, alerts={WATCH_RULE_ID: AlertClaim("frame-0", state, "an alert")})
        assert first_to_alert(claimed, WATCH_RULE_ID, 80, [seen(1, 99)]) is None
        assert first_to_alert(claimed, "another rule", 80, [seen(1, 99)]) == seen(1, 99)


def test_a_visits_alert_of_a_rule_has_one_id() -> None:
    assert alert_id_for("visit", "watch") == alert_id_for("visit", "watch") != alert_id_for("visit", "other")


@given(st.lists(st.builds(seen, st.integers(0, 50), st.floats(0, 100)), unique_by=lambda s: s.frame_id), st.randoms())
def test_the_order_of_sightings_does_not_matter(sightings: list[VisitSighting], random: object) -> None:
    shuffled = list(sightings)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert first_to_alert(VISIT, "watch", 80, shuffled) == first_to_alert(VISIT, "watch", 80, sightings)
