"""Paging against a brute-force sorted list, with every read counted."""

from bisect import bisect_left, insort
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import itemgetter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framewatch.domain.analysis import Analysis
from framewatch.domain.errors import InvalidQuery
from framewatch.domain.frames import GateReason, make_frame_id
from framewatch.domain.labels import Label, fold
from framewatch.domain.site import SiteConfig
from framewatch.services.fetch_frames import FetchDeps, encode_cursor, fetch_frames, fetch_site
from framewatch.services.frame_merge import EXPIRED_ALLOWANCE, MAX_UNWANTED, FrameRead, Slice, end_of_day
from framewatch.wire.api import FramesPage, FramesQuery, parse_frames_query
from framewatch.wire.frame_items import StoredFrame, StoredLabel
from framewatch.wire.items import frame_indexes, frame_sort_key, index_name

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
BOOT = "20260101T000000Zabcdef"
CAMERAS = ("front", "back", "garage", "yard")
PERSON = Label("Person", 90.0, aliases=("Human",))
CAR = Label("Car", 80.0, parents=("Vehicle",))


def frame(camera: str, seq: int, at: datetime, labels: tuple[Label, ...] = (), watch: bool = False) -> StoredFrame:
    return StoredFrame(
        frame_id=make_frame_id(camera, BOOT, seq),
        camera_id=camera,
        boot_id=BOOT,
        seq=seq,
        captured_at=at,
        stored_at=at + timedelta(seconds=1),
        width=640,
        height=480,
        gate_reason=GateReason.MOTION,
        image_key=f"frames/{camera}/{seq}.jpg",
        labels=tuple(StoredLabel.of(label, watch) for label in labels),
        watch_hit=watch,
    )


@dataclass
class CountingPages:
    """FramePages in memory. It answers as DynamoDB does: a full read does not know whether more follows."""

    frames: list[StoredFrame] = field(default_factory=list)
    expired: set[str] = field(default_factory=set)  # frame ids that are past their life and still there
    reads: list[FrameRead] = field(default_factory=list)
    items: int = 0
    pointers: int = 0
    pointer_reads: int = 0

    indexes: dict[str, list[tuple[str, StoredFrame]]] = field(default_factory=dict)  # by sort key, lowest first

    def __post_init__(self) -> None:
        given, self.frames = self.frames, []
        self.add(given)

    def add(self, frames: Iterable[StoredFrame]) -> None:
        for f in frames:
            self.frames.append(f)
            labels = [label.to_domain() for label in f.labels]
            for index in (index_name(f.camera_id), *frame_indexes(f.camera_id, labels, f.watch_hit)):
                insort(self.indexes.setdefault(index, []), (f.sort_key, f), key=itemgetter(0))

    def query(self, read: FrameRead) -> Slice:
        assert read.limit >= 1
        self.reads.append(read)
        rows = self.indexes.get(read.index, [])
        first = bisect_left(rows, max(read.day, read.from_sk or ""), key=itemgetter(0))
        last = bisect_left(rows, min(read.before_sk, end_of_day(read.day)), key=itemgetter(0))
        found = [f for _, f in rows[first:last][::-1]][: read.limit]
        self.items += len(found)
        more = found[-1].sort_key if len(found) == read.limit else None
        return Slice([f for f in found if f.frame_id not in self.expired], len(found), more)

    def previous_day(self, index: str, before_day: str, not_before_day: str | None) -> str | None:
        self.pointer_reads += 1
        days = {sk[:10] for sk, _ in self.indexes.get(index, [])}
        found = max((d for d in days if (not_before_day or "") <= d < before_day), default=None)
        self.pointers += found is not None
        return found

    def forget_counts(self) -> None:
        self.reads, self.items, self.pointers, self.pointer_reads = [], 0, 0, 0


class StillClock:
    def now(self) -> datetime:
        return NOON + timedelta(microseconds=250)


class Links:
    def put(self, key: str, jpeg: bytes) -> None: ...

    def url(self, key: str, expires_in: timedelta) -> str:
        return f"https://images.test/{key}?for={expires_in.total_seconds():g}"


class OneSite:
    def __init__(self, cameras: Iterable[str] = CAMERAS):
        self.config = SiteConfig.model_validate(
            {
                "site": {"name": "Home", "time_zone": "Europe/Madrid"},
                "cameras": [{"id": c, "name": f"The {c}", "source": f"rtsp://{c}.secret.test"} for c in cameras],
                "contacts": [{"id": "ana", "phone": "+34600123456"}],
                "watch": {"labels": ["Person"], "min_confidence": 70, "notify": ["ana"]},
            }
        )

    def current(self) -> SiteConfig:
        return self.config


def deps_for(pages: CountingPages, cameras: Iterable[str] = CAMERAS, executor=None) -> FetchDeps:
    return FetchDeps(OneSite(cameras), pages, Links(), StillClock(), timedelta(seconds=900), executor)


def ask(deps: FetchDeps, **parameters) -> FramesPage:
    given = {("from" if k == "from_" else k): str(v) for k, v in parameters.items() if v is not None}
    return fetch_frames(parse_frames_query(given.items()), deps)


def ids(page: FramesPage) -> list[str]:
    return [f.frame_id for f in page.frames]


def every_page(deps: FetchDeps, **parameters) -> list[str]:
    found, cursor = [], None
    for _ in range(1000):
        page = ask(deps, cursor=cursor, **parameters)
        found += ids(page)
        cursor = page.next_cursor
        if cursor is None:
            return found
    raise AssertionError("the pages never end")


def taking_turns(count: int, cameras=CAMERAS, step_s: float = 1.0) -> list[StoredFrame]:
    return [
        frame(cameras[n % len(cameras)], n, NOON - timedelta(seconds=1 + n * step_s), (PERSON,)) for n in range(count)
    ]


# -- what a page holds ------------------------------------------------------------------------------------------


_FRAMES = st.lists(
    st.tuples(
        st.sampled_from(CAMERAS),
        # Over several days, with many equal times, some just ahead of the clock.
        st.sampled_from([-1, 0, 0, 0, 1, 2, 7, 40]),
        st.integers(0, 40),
        st.sampled_from([(), (PERSON,), (CAR,), (PERSON, CAR)]),
        st.booleans(),
    ),
    max_size=60,
)
_FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "camera": st.sampled_from(CAMERAS),
        "label": st.sampled_from(["person", " HUMAN", "vehicle", "Car", "dog"]),
        "watch_only": st.just("true"),
        "from_": st.sampled_from([timedelta(days=d, seconds=s) for d in (-7, -2, -1, 0) for s in (-20, 0)]),
        "to": st.sampled_from([timedelta(days=d, seconds=s) for d in (-1, 0, 1, 3) for s in (5, 20)]),
    },
).filter(lambda f: f.get("from_", timedelta.min) < f.get("to", timedelta.max))


def _build(rows, offset: int) -> list[StoredFrame]:
    return [
        frame(camera, offset + n, NOON - timedelta(days=days) - timedelta(seconds=seconds), labels, watch)
        for n, (camera, days, seconds, labels, watch) in enumerate(rows)
    ]


def _expected(frames: list[StoredFrame], filters: dict) -> list[str]:
    word = fold(filters["label"]) if "label" in filters else None
    # Without `to`, frames of a later day than the clock's (ten minutes ahead) are not looked for.
    before = NOON + filters["to"] if "to" in filters else datetime(2026, 3, 15, tzinfo=UTC)
    wanted = [
        f
        for f in frames
        if filters.get("camera", f.camera_id) == f.camera_id
        and (word is None or any(word in label.to_domain().names_folded for label in f.labels))
        and (f.watch_hit or "watch_only" not in filters)
        and ("from_" not in filters or f.captured_at >= NOON + filters["from_"])
        and f.captured_at < before
    ]
    return [f.frame_id for f in sorted(wanted, key=lambda f: f.sort_key, reverse=True)]


def _parameters(filters: dict) -> dict:
    return {k: (NOON + v).isoformat() if isinstance(v, timedelta) else v for k, v in filters.items()}


@settings(max_examples=400, deadline=None)
@given(_FRAMES, _FILTERS, st.integers(1, 20), st.booleans())
def test_pages_put_together_are_the_sorted_list_and_cost_what_they_hold(rows, filters, limit, reverse):
    pages = CountingPages(_build(reversed(rows) if reverse else rows, 0))
    deps, found, cursor = deps_for(pages), [], None
    cameras = 1 if "camera" in filters else len(CAMERAS)
    while True:
        pages.forget_counts()
        page = ask(deps, limit=limit, cursor=cursor, **_parameters(filters))
        assert len(page.frames) <= limit
        assert pages.items <= len(page.frames) + cameras, "items <= the page + one of look-ahead a camera"
        # Frames, heads and reads that came back empty; each day that is left costs two more.
        assert len(pages.reads) <= 1.5 * len(page.frames) + cameras + pages.pointer_reads
        found += ids(page)
        cursor = page.next_cursor
        if cursor is None:
            break
        assert len(page.frames) == limit, "a page is short only when it is the last"
    assert found == _expected(pages.frames, filters)


@settings(max_examples=150, deadline=None)
@given(_FRAMES, _FRAMES, _FILTERS, st.integers(1, 8))
def test_frames_that_arrive_between_pages_neither_double_nor_hide_any(rows, later, filters, limit):
    pages = CountingPages(_build(rows, 0))
    deps, found, cursor = deps_for(pages), [], None
    arriving = _build(later, 1000)
    reached = None
    while True:
        page = ask(deps, limit=limit, cursor=cursor, **_parameters(filters))
        found += ids(page)
        cursor = page.next_cursor
        if cursor is None:
            break
        reached = frame_sort_key(page.frames[-1].captured_at, page.frames[-1].frame_id)
        # Newer than what is shown: they must not shift the pages. (Older ones may or may not be seen.)
        pages.add(f for f in arriving if f.sort_key > reached)
        arriving = []
    assert len(found) == len(set(found))
    before = set(_expected(_build(rows, 0), filters))
    assert [i for i in found if i in before] == _expected(_build(rows, 0), filters)


def test_the_newest_come_first_over_all_cameras():
    pages = CountingPages(taking_turns(10))
    assert ids(ask(deps_for(pages), limit=4)) == [f.frame_id for f in taking_turns(4)]


def test_a_frame_says_what_vision_made_of_it():
    kept = frame("front", 2, NOON).model_copy(update={"analysis": Analysis.BUDGET})
    page = ask(deps_for(CountingPages([frame("front", 1, NOON - timedelta(seconds=1)), kept])))
    assert [shown.analysis for shown in page.frames] == [Analysis.BUDGET, Analysis.ANALYSED]


def test_reads_side_by_side_answer_the_same():
    pages = CountingPages(taking_turns(200))
    with ThreadPoolExecutor(4) as executor:
        side_by_side = every_page(deps_for(pages, executor=executor), limit=7)
    assert side_by_side == every_page(deps_for(pages), limit=7)


def test_from_is_inclusive_and_to_exclusive():
    frames = [frame("front", n, NOON + timedelta(seconds=n)) for n in range(4)]
    deps = deps_for(CountingPages(frames))
    page = ask(deps, from_="2026-03-14T12:00:01Z", to="2026-03-14T12:00:03Z")
    assert ids(page) == [frames[2].frame_id, frames[1].frame_id]


def test_frames_of_a_clock_that_is_days_ahead_are_found_by_asking_with_to():
    ahead = frame("front", 1, NOON + timedelta(days=400))
    deps = deps_for(CountingPages([ahead]))
    assert ids(ask(deps)) == []
    assert ids(ask(deps, to="2199-01-01T00:00:00Z")) == [ahead.frame_id]


def test_just_before_midnight_a_camera_a_few_minutes_ahead_is_seen():
    class LateClock:
        def now(self) -> datetime:
            return datetime(2026, 3, 14, 23, 55, tzinfo=UTC)

    ahead = frame("front", 1, datetime(2026, 3, 15, 0, 1, tzinfo=UTC))
    deps = FetchDeps(OneSite(), CountingPages([ahead]), Links(), LateClock(), timedelta(seconds=900))
    assert ids(ask(deps)) == [ahead.frame_id]


@pytest.mark.parametrize("word", ["person", "HUMAN", " Human "])
def test_a_label_is_found_by_name_and_alias_in_any_case(word):
    frames = [frame("front", 1, NOON, (PERSON,)), frame("front", 2, NOON, (CAR,))]
    assert ids(ask(deps_for(CountingPages(frames)), label=word)) == [frames[0].frame_id]


def test_a_label_is_found_by_its_parent():
    frames = [frame("front", 1, NOON, (PERSON,)), frame("front", 2, NOON, (CAR,))]
    assert ids(ask(deps_for(CountingPages(frames)), label="vehicle")) == [frames[1].frame_id]


# -- what a page costs ------------------------------------------------------------------------------------------


def test_one_camera_is_one_query():
    pages = CountingPages(taking_turns(500))
    ask(deps_for(pages), camera="front", limit=50)
    assert (len(pages.reads), pages.items, pages.pointer_reads) == (1, 50, 0)


def test_a_camera_that_has_all_the_newest_is_read_in_one_run():
    frames = taking_turns(40, step_s=3600)
    frames += [frame("front", 1000 + n, NOON - timedelta(seconds=n / 1000)) for n in range(500)]
    pages = CountingPages(frames)
    page = ask(deps_for(pages), limit=100)
    assert {f.camera_id for f in page.frames} == {"front"}
    assert pages.items == 100 + 3
    assert len(pages.reads) == 4 + 1 + 1  # four heads, one more to see it win again, one run


def test_the_only_camera_with_frames_today_is_read_in_one_run():
    frames = [frame("front", n, NOON - timedelta(seconds=n)) for n in range(50)]
    pages = CountingPages(frames)
    ask(deps_for(pages), limit=24)
    assert (pages.items, len(pages.reads), pages.pointer_reads) == (24, 4 + 1, 0)


def test_days_before_from_are_not_looked_for():
    pages = CountingPages([frame(c, n, NOON - timedelta(days=n)) for n, c in enumerate(CAMERAS)])
    page = ask(deps_for(pages), from_="2026-03-13T00:00:00Z")
    assert len(page.frames) == 2 and page.next_cursor is None
    assert (pages.pointers, pages.pointer_reads) == (1, 4), "only the day that may have some"


def test_cameras_that_are_quiet_for_days_cost_one_small_read_each_and_no_frame():
    quiet = [frame(c, n, NOON - timedelta(days=20 + n)) for c in CAMERAS[1:] for n in range(5)]
    busy = [frame("front", 100 + n, NOON - timedelta(days=n)) for n in range(5)]
    pages = CountingPages(quiet + busy)
    page = ask(deps_for(pages), limit=3)
    assert {f.camera_id for f in page.frames} == {"front"}
    assert pages.items == 3
    assert pages.pointer_reads == 3 + 2  # each quiet camera's, and two days of the busy one


def test_a_gap_of_years_costs_no_more_than_a_gap_of_a_day():
    costs = []
    for days in (1, 1500):
        pages = CountingPages([frame("front", 1, NOON), frame("front", 2, NOON - timedelta(days=days))])
        assert len(ask(deps_for(pages), limit=2).frames) == 2
        costs.append((len(pages.reads), pages.items, pages.pointer_reads))
    assert costs[0] == costs[1]


def test_a_hundred_times_the_frames_cost_the_same():
    costs = []
    for count in (200, 20_000):
        pages = CountingPages()
        pages.add(taking_turns(count, step_s=0.001))
        ask(deps_for(pages), limit=24)
        costs.append((len(pages.reads), pages.items, pages.pointer_reads))
    assert costs[0] == costs[1]


# -- expired frames ---------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(_FRAMES, st.sets(st.integers(0, 59)), st.integers(1, 20))
def test_expired_frames_are_never_shown_and_hide_no_other(rows, expired, limit):
    frames = _build(rows, 0)
    gone = {f.frame_id for f in frames if f.seq in expired}
    pages = CountingPages(frames, expired=gone)
    assert every_page(deps_for(pages), limit=limit) == [i for i in _expected(frames, {}) if i not in gone]


def test_a_heap_of_expired_frames_ends_a_page_early_and_the_next_goes_on():
    frames = [frame("front", n, NOON - timedelta(seconds=n)) for n in range(EXPIRED_ALLOWANCE + 500)]
    pages = CountingPages(frames, expired={f.frame_id for f in frames[1:-1]})
    first = ask(deps_for(pages), limit=5)
    assert ids(first) == [frames[0].frame_id] and first.next_cursor
    assert pages.items <= EXPIRED_ALLOWANCE + 200 and len(pages.reads) < 30
    assert every_page(deps_for(pages), limit=5) == [frames[0].frame_id, frames[-1].frame_id]


# -- cursors and answers ----------------------------------------------------------------------------------------


def test_a_cursor_of_other_filters_is_refused():
    deps = deps_for(CountingPages(taking_turns(20)))
    cursor = ask(deps, limit=2, label="person").next_cursor
    with pytest.raises(InvalidQuery, match="start again without cursor"):
        ask(deps, limit=2, label="car", cursor=cursor)
    # The same word in another case is the same filter, and the page size is none.
    assert len(ask(deps, limit=5, label="PERSON", cursor=cursor).frames) == 5


@pytest.mark.parametrize("cursor", ["x", "e30", "====", "bnVsbA", "W10", "é", "eyJ2IjoxfQ", "[" * 500, "W1tb" * 120])
def test_a_damaged_cursor_is_refused(cursor):
    with pytest.raises(InvalidQuery, match=r"^cursor: .*start again without cursor"):
        ask(deps_for(CountingPages()), cursor=cursor)


@pytest.mark.parametrize("position", ["", "x", "2026-03-14T\x00", "2026-03-14T~", None, 5, "2026-03-14" + "0" * 200])
def test_a_forged_position_is_refused(position):
    with pytest.raises(InvalidQuery, match="is not one that this API gave"):
        fetch_frames(FramesQuery(cursor=encode_cursor(FramesQuery(), position)), deps_for(CountingPages()))


def test_an_unknown_camera_is_refused_and_the_known_ones_are_named():
    with pytest.raises(InvalidQuery, match=r"camera: 'frnt' is not a camera .* front, back, garage, yard"):
        ask(deps_for(CountingPages()), camera="frnt")


def test_a_link_is_said_to_expire_when_it_does():
    page = ask(deps_for(CountingPages(taking_turns(1))))
    (shown,) = page.frames
    assert shown.image_url == "https://images.test/frames/front/0.jpg?for=900"
    assert shown.image_url_expires_at == NOON + timedelta(seconds=900), "counted from the second of signing"


def test_times_are_answered_in_utc_with_microseconds():
    body = ask(deps_for(CountingPages(taking_turns(1)))).model_dump(mode="json")
    assert body["frames"][0]["captured_at"] == "2026-03-14T11:59:59.000000Z"


def test_the_site_answers_no_phone_and_no_camera_address():
    text = fetch_site(deps_for(CountingPages())).model_dump_json()
    assert "600123456" not in text and "secret" not in text and "ana" not in text
    assert '"cameras":[{"camera_id":"front","name":"The front",' in text


# -- parameters -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("limit", "0", "a whole number from 1 to 100"),
        ("limit", "101", "a whole number from 1 to 100"),
        ("limit", "\u0661", "a whole number from 1 to 100"),
        ("limit", "1.5", "a whole number from 1 to 100"),
        ("watch_only", "yes", "true or false"),
        ("from", "yesterday", "RFC 3339"),
        ("from", "2026-03-14T12:00:00", "RFC 3339 time with its zone"),
        ("to", "2026-13-14T12:00:00Z", "RFC 3339"),
        ("to", "2026-03-14T12:00:00+99:00", "RFC 3339"),
        ("to", "0001-01-01T00:00:00+02:00", "RFC 3339"),
        ("to", "0999-01-01T00:00:00Z", "RFC 3339"),
        ("label", "   ", "1 to 100 characters"),
        ("label", "x" * 101, "1 to 100 characters"),
        ("camera", "", "is empty"),
        ("cursor", "x" * 601, "longer than 600"),
    ],
)
def test_a_wrong_value_is_refused_naming_the_parameter_and_what_is_allowed(name, value, allowed):
    with pytest.raises(InvalidQuery) as caught:
        parse_frames_query([(name, value)])
    assert str(caught.value).startswith(f"{name}: ") and allowed in str(caught.value)


def test_an_unknown_parameter_is_refused_with_the_near_one():
    with pytest.raises(InvalidQuery, match="unknown parameter 'camra'; did you mean 'camera'"):
        parse_frames_query([("camra", "front")])
    with pytest.raises(
        InvalidQuery, match="known are: camera, label, from, to, min_confidence, watch_only, limit, cursor"
    ):
        parse_frames_query([("zzz", "1")])


def _sure(seq: int, person: float, car: float) -> StoredFrame:
    labels = (Label("Person", person, aliases=("Human",)), Label("Car", car))
    return frame(CAMERAS[seq % 2], seq, NOON - timedelta(hours=seq), labels)


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [({}, [0, 1, 2]), ({"label": "person"}, [0, 2]), ({"label": "human"}, [0, 2]), ({"label": "car"}, [1])],
)
def test_frames_of_a_confidence_are_those_whose_label_or_any_has_it(asked, wanted):
    frames = [_sure(0, 80, 10), _sure(1, 10, 85), _sure(2, 90, 79.9), _sure(3, 70, 79)]
    found, cursor = [], None
    while True:
        page = ask(deps_for(CountingPages(frames)), min_confidence=80, limit=1, cursor=cursor, **asked)
        found += ids(page)
        if (cursor := page.next_cursor) is None:
            break
    assert found == [frames[n].frame_id for n in wanted]


def test_a_confidence_that_few_frames_have_costs_no_more_than_its_bound_and_goes_on():
    pages = CountingPages([frame("front", n, NOON - timedelta(seconds=n), (PERSON,)) for n in range(800)])
    first = ask(deps_for(pages, ["front"]), min_confidence=95)
    assert (first.frames, pages.items, len(pages.reads)) == ((), MAX_UNWANTED, MAX_UNWANTED // 100)
    assert first.next_cursor is not None
    assert ask(deps_for(pages, ["front"]), min_confidence=95, cursor=first.next_cursor).next_cursor is None


def test_a_parameter_given_twice_is_refused():
    with pytest.raises(InvalidQuery, match="camera: stands twice"):
        parse_frames_query([("camera", "front"), ("camera", "back")])


def test_from_at_or_after_to_is_refused():
    with pytest.raises(InvalidQuery, match="from: must be before to"):
        parse_frames_query([("from", "2026-01-02T00:00:00Z"), ("to", "2026-01-02T01:00:00+01:00")])


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-14T12:00:00Z",
        "2026-03-14t13:00:00.000+01:00",
        "2026-03-14 06:30:00.000000000-05:30",
        "2026-03-14T13:00:00 01:00",  # a plus that was not escaped in the address
    ],
)
def test_rfc_3339_times_are_read(text):
    assert parse_frames_query([("from", text)]).from_ == NOON


def test_the_default_page_holds_24():
    assert FramesQuery().limit == 24
