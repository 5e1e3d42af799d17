"""Visits: sightings in any order, against the plainest reference that can be written."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from framewatch.domain.frames import make_frame_id
from framewatch.domain.visits import AlertClaim, AlertState, Visit, VisitChange, VisitSighting, add_sightings
from tests.frames import BOOT, NOON

GAP = timedelta(seconds=10)


def seen(second: float, confidence: float = 90.0, n: int = 0) -> VisitSighting:
    frame_id = make_frame_id("front", BOOT, int(second * 100) + n)
    return VisitSighting(frame_id, NOON + timedelta(seconds=second), confidence)


class Store:
    """What a table does with changes, with nothing of a table."""

    def __init__(self) -> None:
        self.visits: list[Visit] = []

    def add(self, *sightings: VisitSighting) -> list[VisitChange]:
        first = min(s.captured_at for s in sightings) - GAP
        last = max(s.captured_at for s in sightings) + GAP
        known = [v for v in self.visits if v.first_seen <= last and v.last_seen >= first]
        changes = add_sightings("front", "Person", known, sightings, GAP)
        for change in changes:
            for visit in change.before:
                self.visits.remove(visit)
            self.visits.append(replace(change.after, version=change.after.version + 1))
        self.visits.sort(key=lambda v: v.first_seen)
        return changes

    def spans(self) -> list[tuple[float, float, int]]:
        return [
            ((v.first_seen - NOON).total_seconds(), (v.last_seen - NOON).total_seconds(), v.frame_count)
            for v in self.visits
        ]


def reference(sightings: Sequence[VisitSighting]) -> list[tuple[float, float, int, str]]:
    """Sort them, cut where the gap is exceeded."""
    groups: list[list[VisitSighting]] = []
    for s in sorted(sightings, key=lambda s: s.captured_at):
        if groups and s.captured_at - groups[-1][-1].captured_at <= GAP:
            groups[-1].append(s)
        else:
            groups.append([s])
    return [
        (
            (g[0].captured_at - NOON).total_seconds(),
            (g[-1].captured_at - NOON).total_seconds(),
            len(g),
            min(g, key=lambda s: (-s.confidence, s.captured_at, s.frame_id)).frame_id,
        )
        for g in groups
    ]


def test_the_gap_itself_still_belongs_to_the_visit() -> None:
    store = Store()
    store.add(seen(0), seen(10))
    assert store.spans() == [(0, 10, 2)]
    store.add(seen(20.01))
    assert store.spans() == [(0, 10, 2), (20.01, 20.01, 1)]


def test_a_visit_keeps_its_id_when_its_start_moves_back() -> None:
    store = Store()
    store.add(seen(20))
    visit_id = store.visits[0].visit_id
    store.add(seen(12), seen(25))
    assert store.visits[0].visit_id == visit_id
    assert store.spans() == [(12, 25, 3)]


def test_a_joined_visit_keeps_the_id_of_the_one_that_has_alerted() -> None:
    store = Store()
    store.add(seen(0))
    store.add(seen(18))
    claim = AlertClaim(seen(18).frame_id, AlertState.SENT, "an alert")
    store.visits[1] = replace(store.visits[1], alerts={"watch": claim})
    alerted = store.visits[1].visit_id
    (change,) = store.add(seen(9))
    assert len(change.before) == 2
    assert store.visits[0].visit_id == alerted
    assert store.visits[0].alerts == {"watch": claim}


def test_one_frame_can_join_and_another_open_in_the_same_batch() -> None:
    store = Store()
    store.add(seen(0), seen(18))
    changes = store.add(seen(9), seen(100))
    assert [len(c.before) for c in changes] == [2, 0]
    assert store.spans() == [(0, 18, 3), (100, 100, 1)]


def test_visits_that_gain_nothing_are_not_written() -> None:
    store = Store()
    store.add(seen(0), seen(30))
    changes = add_sightings("front", "Person", store.visits, [seen(31)], GAP)
    assert [c.after.first_seen for c in changes] == [seen(30).captured_at]


def test_the_earlier_of_two_best_frames_is_the_best() -> None:
    store = Store()
    store.add(seen(5, 99))
    store.add(seen(0, 99), seen(3, 98))
    assert store.visits[0].best == seen(0, 99)


times = st.integers(0, 400).map(lambda half: half / 2)
sightings = st.lists(
    st.builds(seen, times, st.sampled_from([60.0, 85.0, 99.0])),
    min_size=1,
    max_size=40,
    unique_by=lambda s: s.frame_id,
)


@given(sightings, st.data())
def test_visits_depend_on_the_set_of_sightings_and_not_on_their_order_or_batches(
    all_sightings: list[VisitSighting], data: st.DataObject
) -> None:
    left = data.draw(st.permutations(all_sightings))
    store = Store()
    while left:
        size = data.draw(st.integers(1, len(left)))
        store.add(*left[:size])
        left = left[size:]
    found = [(*span, v.best.frame_id) for span, v in zip(store.spans(), store.visits, strict=True)]
    assert found == reference(all_sightings)


@given(sightings, sightings)
def test_changes_count_each_sighting_once_and_leave_visits_apart(
    before: list[VisitSighting], batch: list[VisitSighting]
) -> None:
    store = Store()
    store.add(*before)
    known = {s.frame_id for s in before}
    fresh = [s for s in batch if s.frame_id not in known]
    if not fresh:
        return
    changes = store.add(*fresh)
    assert sorted(s.frame_id for c in changes for s in c.sightings) == sorted(s.frame_id for s in fresh)
    for change in changes:
        assert change.after.frame_count == sum(v.frame_count for v in change.before) + len(change.sightings)
    for a, b in zip(store.visits, store.visits[1:], strict=False):
        assert b.first_seen - a.last_seen > GAP
