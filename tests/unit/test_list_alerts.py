"""Pages of alerts and of withheld rows against a brute-force sorted list, with every read counted."""

import base64
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framewatch.domain.access import Caller, Role
from framewatch.domain.alert_settings import Severity
from framewatch.domain.alerts import (
    Alert,
    Answer,
    AnswerKind,
    Delivery,
    DeliveryState,
    IncidentSighting,
    Trace,
    alert_id_for,
)
from framewatch.domain.errors import InvalidQuery
from framewatch.domain.frames import make_frame_id
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
from framewatch.services import list_pages
from framewatch.services.fetch_latency import MAX_ALERTS, fetch_latency, percentile
from framewatch.services.list_alerts import ListDeps, list_alerts, list_withheld
from framewatch.services.list_filters import filters_of
from framewatch.services.list_pages import encode_place
from framewatch.wire.api_alerts import (
    AlertsPage,
    LatencyView,
    Stage,
    StageView,
    WithheldPage,
    parse_alerts_query,
    parse_latency_query,
    parse_withheld_query,
)
from framewatch.wire.envelope import format_utc

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
BOOT = "20260101T000000Zabcdef"
CAMERAS = ("front", "back", "yard")
NO_FILTERS = filters_of(parse_alerts_query([]))
HALVES = {"left": [(0, 0), (0.5, 0), (0.5, 1), (0, 1)], "right": [(0.5, 0), (1, 0), (1, 1), (0.5, 1)]}
LEFT, RIGHT = (0.1, 0.2, 0.3, 0.9), (0.6, 0.2, 0.8, 0.9)
SITE = SiteConfig.model_validate(
    {
        "cameras": [
            {"id": "front", "name": "Front door", "zones": [{"id": i, "points": p} for i, p in HALVES.items()]},
            {"id": "back", "zones": [{"id": "left", "points": HALVES["left"]}]},
            {"id": "yard"},
        ],
        "contacts": [{"id": "ana", "phone": "+34600123456"}],
        "rules": [{"id": "night", "labels": ["Car"], "notify": ["ana"]}],
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


@dataclass
class CountingDays:
    """newest_first of a table, in memory. queries: one for each page that is asked for, as DynamoDB counts."""

    rows: list[tuple[str, str, Any]] = field(default_factory=list)  # camera, sort key, item
    queries: int = 0
    items: int = 0

    def __call__(
        self, camera_id: str, day: str, *, before_sk: str | None = None, page: int = 100
    ) -> Iterator[tuple[str, Any]]:
        mine = [(sk, item) for c, sk, item in self.rows if c == camera_id and sk[:10] == day]
        left = iter(sorted((r for r in mine if before_sk is None or r[0] < before_sk), reverse=True, key=_sort_key))
        while True:
            self.queries += 1
            found = list(islice(left, page))
            self.items += len(found)
            yield from found
            if len(found) < page:
                return


def _sort_key(row: tuple[str, Any]) -> str:
    return row[0]


def alert(
    n: int,
    at: datetime,
    *,
    camera: str = "front",
    label: str = "Person",
    rule: str = "watch",
    state: AlertState = AlertState.SENT,
    confidence: float = 90.0,
    **more: Any,
) -> Alert:
    frame_id = make_frame_id(camera, BOOT, n)
    visit_id = f"{frame_id}/{label}"
    return Alert(
        alert_id=alert_id_for(visit_id, rule),
        rule_id=rule,
        scope=camera,
        visit_id=visit_id,
        camera_id=camera,
        label=label,
        confidence=confidence,
        frame_id=frame_id,
        captured_at=at,
        decided_at=at + timedelta(seconds=2),
        notify=("ana",),
        state=state,
        **more,
    )


def alert_rows(alerts: Sequence[Alert]) -> CountingDays:
    return CountingDays([(a.camera_id, f"{format_utc(a.captured_at)}#{a.alert_id}", a) for a in alerts])


def visit(n: int, at: datetime, *, camera: str = "front", label: str = "Person", rules: Any = None) -> Visit:
    sighting = VisitSighting(make_frame_id(camera, BOOT, n), at, 90.0)
    return Visit(visit_id_for(label, sighting), camera, label, at, at, 1, sighting, rules=rules or {})


def visit_rows(visits: Sequence[Visit]) -> CountingDays:
    return CountingDays([(v.camera_id, f"{format_utc(v.first_seen)}#{v.visit_id}", v) for v in visits])


def deps_for(
    alerts: CountingDays | None = None, visits: CountingDays | None = None, executor: Any = None
) -> ListDeps:
    return ListDeps(
        OneSite(),
        alerts or CountingDays(),
        visits or CountingDays(),
        Links(),
        StillClock(),
        timedelta(seconds=900),
        executor,
    )


def pairs(parameters: dict[str, Any]) -> list[tuple[str, str]]:
    several = {k: v if isinstance(v, tuple) else (v,) for k, v in parameters.items() if v is not None}
    return [("from" if k == "from_" else k, str(v)) for k, values in several.items() for v in values]


def ask(deps: ListDeps, **parameters: Any) -> AlertsPage:
    return list_alerts(parse_alerts_query(pairs(parameters)), deps)


def ask_withheld(deps: ListDeps, **parameters: Any) -> WithheldPage:
    return list_withheld(parse_withheld_query(pairs(parameters)), deps)


def ids(page: AlertsPage) -> list[str]:
    return [a.alert_id for a in page.alerts]


def every_page(ask_for: Any, deps: ListDeps, **parameters: Any) -> list[Any]:
    found, cursor = [], None
    for _ in range(2000):
        page = ask_for(deps, cursor=cursor, **parameters)
        found += page.alerts if isinstance(page, AlertsPage) else page.withheld
        cursor = page.next_cursor
        if cursor is None:
            return found
    raise AssertionError("the pages never end")


# -- alerts -----------------------------------------------------------------------------------------------------

_TIMES = st.builds(
    lambda days, seconds: NOON - timedelta(days=days, seconds=seconds),
    st.sampled_from([0, 0, 1, 2, 6, 20]),
    st.integers(0, 20),
)
_LABELS = st.sampled_from(["Person", "Person 2", "Ünïcode #/~", "\U0001f436"])
_ALERTS = st.lists(
    st.tuples(
        _TIMES,
        st.sampled_from(CAMERAS),
        _LABELS,
        st.sampled_from(["watch", "night"]),
        st.sampled_from([AlertState.SENT, AlertState.HELD]),
    ),
    max_size=40,
)
_FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "camera": st.sampled_from(CAMERAS),
        "rule": st.sampled_from(["watch", "night", "gone"]),
        "state": st.sampled_from(["sent", "held"]),
        "from_": st.sampled_from([timedelta(days=d, seconds=s) for d in (-21, -2, -1) for s in (-10, 0)]),
        "to": st.sampled_from([timedelta(days=d, seconds=s) for d in (-1, 0) for s in (5, 20)]),
    },
).filter(lambda f: f.get("from_", timedelta.min) < f.get("to", timedelta.max))


def _parameters(filters: dict[str, Any]) -> dict[str, Any]:
    return {k: format_utc(NOON + v) if isinstance(v, timedelta) else v for k, v in filters.items()}


def _in_span(at: datetime, filters: dict[str, Any]) -> bool:
    end = NOON + filters.get("to", timedelta(minutes=10))
    return (NOON + filters["from_"] if "from_" in filters else end - timedelta(days=7)) <= at < end


@settings(max_examples=200, deadline=None)
@given(_ALERTS, _FILTERS, st.integers(1, 9))
def test_pages_of_alerts_put_together_are_the_sorted_list(rows, filters, limit):
    alerts = [alert(n, at, camera=c, label=w, rule=r, state=s) for n, (at, c, w, r, s) in enumerate(rows)]
    table = alert_rows(alerts)
    wanted = [
        a
        for a in alerts
        if filters.get("camera", a.camera_id) == a.camera_id
        and filters.get("rule", a.rule_id) == a.rule_id
        and filters.get("state", a.state) == a.state
        and _in_span(a.captured_at, filters)
    ]
    wanted.sort(key=lambda a: (format_utc(a.captured_at), a.alert_id), reverse=True)
    found = every_page(ask, deps_for(table), limit=limit, **_parameters(filters))
    assert [a.alert_id for a in found] == [a.alert_id for a in wanted]


_SORTS = st.lists(
    st.tuples(
        st.sampled_from(CAMERAS),
        st.sampled_from(["Person", "Car", "dog"]),
        st.sampled_from(list(Severity)),
        st.sampled_from([50.0, 70.5, 90.0]),
        st.sampled_from([None, LEFT, RIGHT]),
        st.booleans(),
    ),
    max_size=30,
)
_SORTED_BY = st.fixed_dictionaries(
    {},
    optional={
        "camera": st.sampled_from([("front",), ("yard", "front"), ("front", "front", "back")]),
        "label": st.sampled_from([("PERSON",), ("car", "dog")]),
        "severity": st.sampled_from(["alert", "notice"]),
        "min_confidence": st.sampled_from(["0", "70.5", "100"]),
        "answered": st.sampled_from(["true", "false"]),
        "zone": st.sampled_from(["left", "right"]),
    },
)


@settings(max_examples=150, deadline=None)
@given(_SORTS, _SORTED_BY, st.integers(1, 5))
def test_filtered_pages_put_together_are_the_filtered_list(rows, asked, limit):
    answer = {AnswerKind.CLOSED: Answer("ana", NOON)}
    alerts = [
        alert(n, NOON - timedelta(hours=n), camera=c, label=w, severity=s, confidence=p, box_xyxy_rel=box, answers=by)
        for n, (c, w, s, p, box, answered) in enumerate(rows)
        for by in ([answer] if answered else [{}])
    ]
    zones = {("front", "left"): LEFT, ("front", "right"): RIGHT, ("back", "left"): LEFT}
    wanted = [
        a.alert_id
        for a in alerts
        if a.camera_id in asked.get("camera", CAMERAS)
        and a.label.casefold() in [w.casefold() for w in asked.get("label", ["Person", "Car", "dog"])]
        and asked.get("severity", a.severity) == a.severity
        and a.confidence >= float(asked.get("min_confidence", 0))
        and asked.get("answered", str(bool(a.answers)).lower()) == str(bool(a.answers)).lower()
        and ("zone" not in asked or (a.box_xyxy_rel or 0) == zones.get((a.camera_id, asked["zone"]), 1))
    ]
    assert [a.alert_id for a in every_page(ask, deps_for(alert_rows(alerts)), limit=limit, **asked)] == wanted


def test_one_alert_is_found_by_its_id_where_and_when_it_was():
    alerts = [alert(n, NOON - timedelta(days=n // 10, seconds=n)) for n in range(30)]
    table, one = alert_rows(alerts), alerts[17]
    span = {"from_": format_utc(one.captured_at), "to": format_utc(one.captured_at + timedelta(microseconds=1))}
    page = ask(deps_for(table), alert=one.alert_id, camera="front", limit=1, **span)
    assert (ids(page), page.next_cursor, table.queries) == ([one.alert_id], None, 1)
    assert ids(ask(deps_for(table), alert=alerts[16].alert_id, camera="front", **span)) == []


def test_only_cameras_that_have_the_zone_are_read():
    table = CountingDays()
    ask(deps_for(table), zone="right", from_=format_utc(NOON), to=format_utc(NOON + timedelta(hours=1)))
    assert table.queries == 1


def test_a_filter_that_leaves_all_out_costs_no_more_than_its_bound_and_goes_on():
    table = alert_rows([alert(n, NOON - timedelta(seconds=n), confidence=50.0) for n in range(2500)])
    page = ask(deps_for(table), min_confidence="90", camera="front")
    assert (page.alerts, table.items) == ((), list_pages.MAX_ITEMS)
    assert page.next_cursor is not None
    assert ask(deps_for(table), min_confidence="90", camera="front", cursor=page.next_cursor).next_cursor is None


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"zone": "lft"}, "zone: 'lft' is not a zone of these cameras; known are: left, right"),
        ({"zone": "right", "camera": "back"}, "zone: 'right' is not a zone of these cameras; known are: left"),
        ({"zone": "left", "camera": "yard"}, "zone: 'left' is not a zone of these cameras; they have none"),
        ({"camera": ("front", "frnt")}, "camera: 'frnt' is not a camera of this site"),
        ({"min_confidence": "101"}, "min_confidence: must be a number of percent from 0 to 100"),
        ({"min_confidence": "nan"}, "min_confidence: must be a number of percent from 0 to 100"),
        ({"answered": "yes"}, "answered: must be true or false"),
        ({"severity": "high"}, "severity: must be one of critical, alert, notice"),
        ({"severity": ("alert", "notice")}, "severity: stands twice"),
        ({"label": ("Car", "")}, "label: is empty"),
    ],
)
def test_a_wrong_filter_is_refused_with_what_is_allowed(parameters, said):
    with pytest.raises(InvalidQuery, match=said):
        ask(deps_for(), **parameters)


def test_the_order_and_case_of_words_do_not_change_a_cursors_filters():
    table = alert_rows([alert(n, NOON - timedelta(seconds=n)) for n in range(3)])
    cursor = ask(deps_for(table), limit=1, label=("Person", "Car"), camera=("back", "front")).next_cursor
    again = ask(deps_for(table), limit=1, label=("car", "PERSON"), camera=("front", "back"), cursor=cursor)
    assert len(again.alerts) == 1
    with pytest.raises(InvalidQuery, match="other filters"):
        ask(deps_for(table), limit=1, label="Person", camera=("front", "back"), cursor=cursor)


@settings(max_examples=100, deadline=None)
@given(_ALERTS, _ALERTS, st.integers(1, 5))
def test_alerts_that_come_between_pages_neither_double_nor_hide_any(rows, later, limit):
    alerts = [alert(n, at, camera=c, label=w) for n, (at, c, w, _, _) in enumerate(rows)]
    coming = [alert(1000 + n, at, camera=c, label=w) for n, (at, c, w, _, _) in enumerate(later)]
    table, found, cursor = alert_rows(alerts), [], None
    deps = deps_for(table)
    while True:
        page = ask(deps, limit=limit, cursor=cursor)
        found += ids(page)
        cursor = page.next_cursor
        if cursor is None:
            break
        newer = [a for a in coming if page.alerts and a.captured_at > page.alerts[-1].captured_at]
        table.rows += alert_rows(newer).rows
        coming = []
    expected = [a for a in alerts if _in_span(a.captured_at, {})]
    expected.sort(key=lambda a: (format_utc(a.captured_at), a.alert_id), reverse=True)
    mine = {a.alert_id for a in expected}
    assert [i for i in found if i in mine] == [a.alert_id for a in expected]
    assert len(found) == len(set(found))


def test_from_is_inclusive_and_to_exclusive():
    alerts = [alert(n, NOON - timedelta(seconds=9 - n)) for n in range(4)]
    page = ask(deps_for(alert_rows(alerts)), from_="2026-03-14T11:59:52Z", to="2026-03-14T11:59:54Z")
    assert ids(page) == [alerts[2].alert_id, alerts[1].alert_id]


def test_reads_side_by_side_answer_the_same():
    alerts = [alert(n, NOON - timedelta(hours=n), camera=CAMERAS[n % 3]) for n in range(100)]
    with ThreadPoolExecutor(4) as executor:
        side_by_side = every_page(ask, deps_for(alert_rows(alerts), executor=executor), limit=7)
    assert side_by_side == every_page(ask, deps_for(alert_rows(alerts)), limit=7)


def test_a_page_costs_a_query_for_each_camera_and_day_and_reads_little_ahead():
    table = alert_rows([alert(n, NOON - timedelta(seconds=n), camera=CAMERAS[n % 3]) for n in range(3000)])
    assert len(ask(deps_for(table), limit=20).alerts) == 20
    assert table.queries == 3
    assert table.items <= 20 + 3 * 20


def test_an_empty_week_costs_a_query_for_each_camera_and_day():
    table = CountingDays()
    assert ask(deps_for(table)).next_cursor is None
    assert table.queries == 8 * 3, "seven days touch eight"


def test_a_walk_over_too_many_days_ends_its_page_early_and_the_next_goes_on(monkeypatch):
    monkeypatch.setattr(list_pages, "MAX_CAMERA_DAYS", 6)
    old = alert(1, NOON - timedelta(days=60))
    table = alert_rows([old])
    page = ask(deps_for(table), from_="2026-01-01T00:00:00Z")
    assert page.alerts == () and page.next_cursor is not None
    assert table.queries == 6
    found = every_page(ask, deps_for(table), from_="2026-01-01T00:00:00Z")
    assert [a.alert_id for a in found] == [old.alert_id]


def test_a_filter_that_leaves_most_out_ends_its_page_early_and_the_next_goes_on(monkeypatch):
    monkeypatch.setattr(list_pages, "MAX_ITEMS", 10)
    alerts = [alert(n, NOON - timedelta(seconds=n)) for n in range(35)]
    alerts.append(alert(99, NOON - timedelta(seconds=99), rule="night"))
    page = ask(deps_for(alert_rows(alerts)), rule="night")
    assert page.alerts == () and page.next_cursor is not None
    assert [a.alert_id for a in every_page(ask, deps_for(alert_rows(alerts)), rule="night")] == [alerts[-1].alert_id]


def test_an_alert_is_shown_with_all_that_became_of_it_and_no_number():
    at = NOON - timedelta(minutes=5)
    found = alert(
        7,
        at,
        severity=Severity.CRITICAL,
        escalate_to=("bo", "cy"),
        box_xyxy_rel=(0.1, 0.2, 0.3, 0.4),
        trace=Trace(arrived_at=at + timedelta(seconds=1), stored_at=at + timedelta(seconds=2)),
        deliveries={
            "bo": Delivery(DeliveryState.HELD, at + timedelta(seconds=300), reason="contact-hour"),
            "ana": Delivery(DeliveryState.SENT, at + timedelta(seconds=3), "m-1"),
        },
        joined={
            "v": IncidentSighting("yard", "Person", "v", "yard.x.1", at + timedelta(seconds=9), 80.0),
            "w": IncidentSighting("gone", "Person", "w", "gone.x.1", at + timedelta(seconds=8), 70.0),
        },
        answers={AnswerKind.TAKEN: Answer("ana", at + timedelta(seconds=60))},
    )
    page = ask(deps_for(alert_rows([found])))
    shown = page.alerts[0]
    assert (shown.rule_id, shown.severity, shown.label, shown.confidence) == ("watch", "critical", "Person", 90.0)
    assert (shown.camera_id, shown.camera_name, shown.frame_id) == ("front", "Front door", found.frame_id)
    assert shown.image_url == (f"https://images.test/frames/front/2026/03/14/{found.frame_id}.jpg?for=900")
    assert shown.image_url_expires_at == NOON + timedelta(seconds=900)
    assert [(d.contact_id, d.state, d.reason) for d in shown.deliveries] == [
        ("ana", "sent", None),
        ("bo", "held", "contact-hour"),
    ]
    assert [(s.contact_id, s.told, s.at is not None) for s in shown.escalation] == [
        ("bo", False, True),
        ("cy", False, False),
    ]
    assert [(a.kind, a.by) for a in shown.answers] == [("taken", "ana")]
    assert [(j.camera_id, j.camera_name) for j in shown.joined] == [("gone", "gone"), ("yard", "yard")]
    limited = Caller("s", Role.VIEWER, camera_groups=frozenset({"doors"}))
    (for_them,) = list_alerts(parse_alerts_query([]), deps_for(alert_rows([found])), limited).alerts
    assert [j.camera_id for j in for_them.joined] == ["yard"], "of a camera that the caller's site lacks, nothing"
    assert shown.trace.published_at == at + timedelta(seconds=3) and shown.trace.received_at is None
    text = page.model_dump_json()
    assert "+34600" not in text and "m-1" not in text


def test_when_the_next_is_told_counts_from_the_last_who_was_while_nobody_answers():
    at = NOON - timedelta(minutes=5)
    ana, bo = (Delivery(DeliveryState.SENT, at + timedelta(seconds=after)) for after in (3, 303))
    taken = {AnswerKind.TAKEN: Answer("ana", NOON)}

    def shown(**change: Any) -> datetime | None:
        found = alert(7, at, escalate_to=("bo", "cy"), escalate_after_s=300.0, **change)
        return ask(deps_for(alert_rows([found]))).alerts[0].escalates_at

    assert shown(deliveries={"ana": ana}) == at + timedelta(seconds=303)
    assert shown(deliveries={"ana": ana, "bo": bo}) == at + timedelta(seconds=603)
    assert shown(deliveries={"ana": ana, "bo": bo, "cy": bo}) is None, "everybody has been told"
    assert shown(deliveries={"ana": ana}, answers=taken) is None
    assert shown(deliveries={}) is None, "the first are not told yet"


def test_a_picture_whose_time_is_over_has_no_link():
    old = alert(1, NOON - timedelta(days=31))
    shown = ask(deps_for(alert_rows([old])), from_="2026-02-01T00:00:00Z").alerts[0]
    assert shown.image_url is None and shown.image_url_expires_at is None


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"state": "joined"}, "state: must be one of claimed, sent, failed, held"),
        ({"states": "sent"}, "unknown parameter 'states'; did you mean 'state'?"),
        ({"camera": "frnt"}, "camera: 'frnt' is not a camera of this site; known are: front, back, yard"),
        ({"from": "2020-01-01T00:00:00Z"}, "from: lies more than 90 days before the end"),
        ({"from": "2027-01-01T00:00:00Z"}, "from: lies in the future"),
        ({"cursor": "x"}, "cursor: is not one that this API gave"),
        ({"limit": "0"}, "limit: must be a whole number from 1 to 100"),
    ],
)
def test_a_wrong_query_is_refused_with_what_is_allowed(parameters, said):
    with pytest.raises(InvalidQuery, match=said):
        list_alerts(parse_alerts_query(parameters.items()), deps_for())


@pytest.mark.parametrize("place", ["", "2026-02-30T", "2026-03-14", "2026-03-14Z", "2026-03-14T" + "é" * 501])
def test_a_forged_cursor_is_refused(place):
    with pytest.raises(InvalidQuery, match="not one that this API gave"):
        ask(deps_for(), cursor=encode_place(place, NO_FILTERS))


def test_a_forged_cursor_that_no_table_can_be_asked_for_is_refused():
    body = base64.urlsafe_b64decode(encode_place("2026-03-14T", NO_FILTERS) + "==")
    forged = base64.urlsafe_b64encode(body.replace(b"14T", b"14T\\ud800")).decode().rstrip("=")
    with pytest.raises(InvalidQuery, match="not one that this API gave"):
        ask(deps_for(), cursor=forged)


def test_a_cursor_of_other_filters_is_refused():
    alerts = [alert(n, NOON - timedelta(seconds=n)) for n in range(3)]
    cursor = ask(deps_for(alert_rows(alerts)), limit=1).next_cursor
    with pytest.raises(InvalidQuery, match="other filters"):
        ask(deps_for(alert_rows(alerts)), limit=1, rule="watch", cursor=cursor)


def test_a_cursor_at_the_longest_label_of_any_script_is_taken_back():
    label = "\U0001f436" * 100
    alerts = [alert(n, NOON - timedelta(seconds=n), camera="front", label=label, rule="r" * 40) for n in range(3)]
    assert len(every_page(ask, deps_for(alert_rows(alerts)), limit=1)) == 3


# -- withheld ---------------------------------------------------------------------------------------------------


def row(count: int = 1) -> Withheld:
    return Withheld(count, NOON - timedelta(seconds=50), NOON - timedelta(seconds=40), 77.0)


_RULES = st.dictionaries(
    st.sampled_from(["watch", "night", "night-2"]),
    st.dictionaries(st.sampled_from(list(Reason)), st.builds(row, st.integers(1, 9)), max_size=4),
    max_size=3,
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(_TIMES, st.sampled_from(CAMERAS), _LABELS, _RULES), max_size=25),
    st.fixed_dictionaries(
        {}, optional={"rule": st.just("night"), "reason": st.just("cool-down"), "camera": st.just("yard")}
    ),
    st.integers(1, 7),
)
def test_pages_of_withheld_rows_put_together_are_one_row_a_visit_rule_and_reason(given_visits, filters, limit):
    visits = [
        visit(n // 2, at, camera=c, label=w, rules={r: RuleProgress(withheld=rows) for r, rows in rules.items()})
        for n, (at, c, w, rules) in enumerate(given_visits)
    ]
    visits = list({v.visit_id: v for v in visits}.values())
    wanted = [
        (v.visit_id, rule_id, reason, found.count)
        for v in sorted(visits, key=lambda v: (format_utc(v.first_seen), v.visit_id), reverse=True)
        for rule_id in sorted(v.rules)
        for reason, found in sorted(v.rules[rule_id].withheld.items())
        if _in_span(v.first_seen, {})
        and filters.get("camera", v.camera_id) == v.camera_id
        and filters.get("rule", rule_id) == rule_id
        and filters.get("reason", reason) == reason
    ]
    shown = every_page(ask_withheld, deps_for(visits=visit_rows(visits)), limit=limit, **filters)
    assert [(w.visit_id, w.rule_id, w.reason, w.count) for w in shown] == wanted


def test_a_page_that_ends_within_a_visit_does_not_show_one_again_whose_label_goes_on_with_a_blank():
    rules = {"watch": RuleProgress(withheld={Reason.LATE: row(), Reason.LIMIT: row()})}
    visits = [visit(1, NOON - timedelta(minutes=1), label=label, rules=rules) for label in ("Person", "Person 2")]
    shown = every_page(ask_withheld, deps_for(visits=visit_rows(visits)), limit=1)
    assert [(w.label, w.reason) for w in shown] == [
        ("Person 2", "late"),
        ("Person 2", "limit"),
        ("Person", "late"),
        ("Person", "limit"),
    ]


def test_a_withheld_row_says_what_when_and_whether_another_frame_alerted():
    found = visit(1, NOON - timedelta(minutes=1), rules={"watch": RuleProgress(2, {Reason.COOL_DOWN: row(3)})})
    for state, alerted in ((None, False), (AlertState.SENT, True), (AlertState.JOINED, False)):
        claims = {"watch": AlertClaim("f", state, "a")} if state else {}
        (shown,) = ask_withheld(deps_for(visits=visit_rows([replace(found, alerts=claims)]))).withheld
        assert (shown.reason, shown.count, shown.best_confidence, shown.alerted) == ("cool-down", 3, 77.0, alerted)
        assert (shown.camera_name, shown.label) == ("Front door", "Person")
        assert (shown.visit_from, shown.first_at, shown.last_at) == (
            NOON - timedelta(minutes=1),
            NOON - timedelta(seconds=50),
            NOON - timedelta(seconds=40),
        )


def test_an_unknown_reason_is_refused_with_the_known_ones():
    with pytest.raises(InvalidQuery, match="reason: must be one of below-confidence, too-small"):
        parse_withheld_query([("reason", "bored")])


# -- latency ----------------------------------------------------------------------------------------------------


def ask_latency(deps: ListDeps, **parameters: Any) -> LatencyView:
    return fetch_latency(parse_latency_query(pairs(parameters)), deps)


def traced(n: int, took_s: float, **more: Any) -> Alert:
    """Each stage takes as long as the one before and a second more, the publishing took_s."""
    at = NOON - timedelta(minutes=n + 1)
    points = [at + timedelta(seconds=s) for s in (1, 3, 6, 10)]
    found = alert(n, at, trace=Trace(*points), **more)
    decided_at = at + timedelta(seconds=15)
    sent = Delivery(DeliveryState.SENT, decided_at + timedelta(seconds=took_s), "m")
    return replace(found, decided_at=decided_at, deliveries={"ana": sent})


def test_each_stage_is_counted_between_its_two_points():
    view = ask_latency(deps_for(alert_rows([traced(n, 2.5) for n in range(3)])))
    assert (view.alerts, view.cut_at) == (3, None)
    assert [(s.stage, s.count, s.p50_ms, s.p95_ms) for s in view.stages] == [
        ("captured-arrived", 3, 1000.0, 1000.0),
        ("arrived-received", 3, 2000.0, 2000.0),
        ("received-labelled", 3, 3000.0, 3000.0),
        ("labelled-stored", 3, 4000.0, 4000.0),
        ("stored-decided", 3, 5000.0, 5000.0),
        ("decided-published", 3, 2500.0, 2500.0),
        ("captured-published", 3, 17500.0, 17500.0),
    ]


def stage(view: LatencyView, which: Stage) -> StageView:
    return next(s for s in view.stages if s.stage is which)


def test_a_stage_with_an_unknown_point_is_left_out_and_a_later_contact_is_not_counted():
    at = NOON - timedelta(minutes=1)
    found = alert(
        1,
        at,
        escalate_to=("bo",),
        trace=Trace(stored_at=at + timedelta(seconds=1)),
        deliveries={"bo": Delivery(DeliveryState.SENT, at + timedelta(seconds=600), "m")},
    )
    view = ask_latency(deps_for(alert_rows([found])))
    assert [s.count for s in view.stages] == [0, 0, 0, 0, 1, 0, 0]
    assert stage(view, Stage.PUBLISH).p50_ms is None


def test_a_rules_latency_is_of_its_alerts_alone():
    view = ask_latency(deps_for(alert_rows([traced(0, 1), traced(1, 9, rule="night")])), rule="night")
    assert view.alerts == 1 and stage(view, Stage.PUBLISH).p95_ms == 9000.0


def test_more_alerts_than_are_counted_are_said_to_be_cut_off_and_where():
    many = [traced(n, 1) for n in range(MAX_ALERTS + 1)]
    view = ask_latency(deps_for(alert_rows(many)))
    assert (view.alerts, view.cut_at) == (MAX_ALERTS, many[MAX_ALERTS - 1].captured_at)
    rest = ask_latency(deps_for(alert_rows(many)), to=format_utc(view.cut_at))
    assert (rest.alerts, rest.cut_at) == (1, None)


def test_a_walk_that_is_cut_off_says_where(monkeypatch):
    monkeypatch.setattr(list_pages, "MAX_CAMERA_DAYS", 3)
    view = ask_latency(deps_for(alert_rows([traced(0, 1)])))
    assert (view.alerts, view.cut_at) == (1, datetime(2026, 3, 14, tzinfo=UTC))


@pytest.mark.parametrize(
    ("values", "p50", "p95"),
    [([], None, None), ([7], 7, 7), ([1, 2], 1, 2), (list(range(1, 21)), 10, 19), (list(range(100, 0, -1)), 50, 95)],
)
def test_percentiles_are_by_nearest_rank(values, p50, p95):
    assert (percentile(values, 50), percentile(values, 95)) == (p50, p95)
