"""Pages of visits against the sorted list of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framewatch.adapters.memory import MemoryStore, MemoryVisits
from framewatch.domain.errors import InvalidQuery
from framewatch.domain.frames import make_frame_id
from framewatch.domain.labels import fold
from framewatch.domain.site import SiteConfig
from framewatch.domain.visits import (
    AlertClaim,
    AlertState,
    Reason,
    RuleProgress,
    Visit,
    VisitSighting,
    Withheld,
    visit_id_for,
)
from framewatch.services.list_alerts import ListDeps
from framewatch.services.list_visits import list_visits
from framewatch.wire.api_visits import VisitsPage, parse_visits_query
from framewatch.wire.envelope import format_utc

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
CAMERAS = ("front", "yard")
SITE = SiteConfig.model_validate(
    {
        "cameras": [
            {
                "id": "front",
                "name": "Front door",
                "zones": [{"id": "left", "points": [(0, 0), (0.5, 0), (0.5, 1), (0, 1)]}],
            },
            {"id": "yard"},
        ],
        "visits": {"gap_s": 30},
    }
)


class StillClock:
    def now(self) -> datetime:
        return NOON


class OneSite:
    def current(self) -> SiteConfig:
        return SITE


class Links:
    def put(self, key: str, jpeg: bytes) -> None: ...

    def url(self, key: str, expires_in: timedelta) -> str:
        return f"https://images.test/{key}?for={expires_in.total_seconds():g}"


def visit(n: int, at: datetime, *, camera: str = "front", label: str = "Person", **more: Any) -> Visit:
    best = VisitSighting(make_frame_id(camera, "20260101T000000Zabcdef", n), at, 90.0, (0.1, 0.2, 0.3, 0.9))
    return replace(Visit(visit_id_for(label, best), camera, label, at, at, 1, best), **more)


def ask(visits: list[Visit], **parameters: Any) -> VisitsPage:
    store = MemoryStore(visits={v.visit_id: v for v in visits})
    nothing = MemoryVisits(MemoryStore()).newest_first
    deps = ListDeps(
        OneSite(),
        nothing,  # type: ignore[arg-type]  # no alerts are read
        MemoryVisits(store).newest_first,
        Links(),
        StillClock(),
        timedelta(seconds=900),
    )
    several = {k.rstrip("_"): v if isinstance(v, tuple) else (v,) for k, v in parameters.items()}
    return list_visits(parse_visits_query([(k, str(v)) for k, values in several.items() for v in values]), deps)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 0, 1, 3, 6, 20]),
            st.integers(0, 20),
            st.sampled_from(CAMERAS),
            st.sampled_from(["Person", "person 2", "Ünïcode #/~"]),
        ),
        max_size=30,
    ),
    st.fixed_dictionaries(
        {}, optional={"camera": st.sampled_from(CAMERAS), "label": st.sampled_from(["PERSON", "ünïcode #/~", "Car"])}
    ),
    st.integers(1, 9),
)
def test_pages_put_together_are_the_sorted_list(rows: Any, filters: dict[str, str], limit: int) -> None:
    given_ = [
        visit(n, NOON - timedelta(days=days, seconds=seconds), camera=camera, label=label)
        for n, (days, seconds, camera, label) in enumerate(rows)
    ]
    expected = [
        v.visit_id
        for v in sorted(given_, key=lambda v: (format_utc(v.first_seen), v.visit_id), reverse=True)
        if NOON - timedelta(days=7) + timedelta(minutes=10) <= v.first_seen
        and filters.get("camera", v.camera_id) == v.camera_id
        and ("label" not in filters or fold(filters["label"]) == fold(v.label))
    ]
    found: list[str] = []
    more: dict[str, Any] = {}
    for _ in range(100):
        page = ask(given_, **filters, limit=limit, **more)
        found += [v.visit_id for v in page.visits]
        if page.next_cursor is None:
            break
        more = {"cursor": page.next_cursor}
    assert found == expected


def test_a_visit_is_shown_with_what_rules_made_of_it() -> None:
    at = NOON - timedelta(minutes=10)
    row = Withheld(3, at, at + timedelta(seconds=4), 71.5)
    shown = visit(
        1,
        at,
        last_seen=at + timedelta(seconds=90),
        frame_count=12,
        alerts={"people": AlertClaim("frame-1", AlertState.SENT, "visit/people")},
        rules={"night": RuleProgress(0, {Reason.OFF_SCHEDULE: row})},
    )
    (found,) = ask([shown]).visits
    best = found.best
    assert (found.camera_name, found.label, found.frames, found.open) == ("Front door", "Person", 12, False)
    assert (found.first_seen, found.last_seen) == (at, at + timedelta(seconds=90))
    assert (best.frame_id, best.confidence, best.box_xyxy_rel) == (shown.best.frame_id, 90.0, (0.1, 0.2, 0.3, 0.9))
    assert best.image_url is not None and f"{shown.best.frame_id}.jpg?for=900" in best.image_url
    assert best.image_url_expires_at == NOON + timedelta(seconds=900)
    assert [(c.rule_id, c.state, c.alert_id, c.frame_id) for c in found.alerts] == [
        ("people", "sent", "visit/people", "frame-1")
    ]
    assert [w.model_dump() for w in found.withheld] == [
        {
            "rule_id": "night",
            "reason": "off-schedule",
            "first_at": format_utc(row.first_at),
            "last_at": format_utc(row.last_at),
            "count": 3,
            "best_confidence": 71.5,
        }
    ]


@pytest.mark.parametrize(("ago_s", "open_"), [(0, True), (30, True), (30.000001, False)])
def test_a_visit_is_open_while_a_sighting_now_would_extend_it(ago_s: float, open_: bool) -> None:
    at = NOON - timedelta(seconds=ago_s)
    assert ask([visit(1, at)]).visits[0].open is open_


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({"label": ("PERSON", "car")}, [0, 1, 3]),
        ({"camera": ("yard", "front"), "label": "dog"}, [2]),
        ({"camera": "front"}, [0, 2]),
        ({"min_confidence": "90"}, [0, 2, 3]),
        ({"zone": "left"}, [0]),
    ],
)
def test_visits_are_filtered_by_what_their_best_sighting_shows(asked: dict[str, Any], wanted: list[int]) -> None:
    rows = [
        visit(0, NOON, label="Person"),
        visit(1, NOON - timedelta(hours=1), label="Car", camera="yard"),
        visit(2, NOON - timedelta(hours=2), label="dog"),
        visit(3, NOON - timedelta(hours=3), label="Person", camera="yard"),
    ]
    rows[1] = replace(rows[1], best=replace(rows[1].best, confidence=89.9))
    rows[2] = replace(rows[2], best=replace(rows[2].best, box_xyxy_rel=(0.5, 0.0, 0.9, 1.0)))
    found: list[str] = []
    page = ask(rows, limit=1, **asked)
    while page.visits:
        found += [v.visit_id for v in page.visits]
        page = (
            ask(rows, limit=1, cursor=page.next_cursor, **asked)
            if page.next_cursor
            else VisitsPage(visits=(), next_cursor=None)
        )
    assert found == [rows[n].visit_id for n in wanted]


def test_a_picture_whose_time_is_over_has_no_link() -> None:
    old = visit(1, NOON - timedelta(days=SITE.retention.frames_days))
    (found,) = ask([old], from_=format_utc(NOON - timedelta(days=40))).visits
    assert (found.best.image_url, found.best.image_url_expires_at) == (None, None)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"camera": "frnt"}, "camera: 'frnt' is not a camera of this site; known are: front, yard"),
        ({"rule": "people"}, "unknown parameter 'rule'"),
        ({"limit": "0"}, "limit: must be"),
        ({"from_": "2020-01-01T00:00:00Z"}, "from: lies more than 90 days before the end"),
        ({"cursor": "nonsense"}, "start again without cursor"),
    ],
)
def test_a_wrong_query_is_refused_with_what_is_allowed(parameters: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidQuery, match=said):
        ask([], **parameters)


def test_a_cursor_of_other_filters_is_refused() -> None:
    rows = [visit(n, NOON - timedelta(seconds=n)) for n in range(3)]
    cursor = ask(rows, limit=1, label="Person").next_cursor
    assert cursor is not None and ask(rows, limit=2, label="person", cursor=cursor).visits
    with pytest.raises(InvalidQuery, match="other filters; start again without cursor"):
        ask(rows, limit=1, label="Car", cursor=cursor)
