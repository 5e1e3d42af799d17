"""What the link in a text opens, and what answers by it do."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from framewatch.adapters.memory import MemoryAlerts, MemoryStore, MemoryVisits
from framewatch.domain.alerts import Alert, AlertLink, AlertRef, Answer, AnswerKind, IncidentSighting, OpenAlert
from framewatch.domain.errors import LinkExpired, LinkRefused, LinkUsedUp, WriteConflict
from framewatch.domain.rule_state import RecentAlert, RuleState
from framewatch.domain.site import SiteConfig
from framewatch.domain.visits import Visit, VisitSighting
from framewatch.services.answer_alerts import (
    MAX_USES,
    AlsoSeen,
    LinkDeps,
    Who,
    answer_link,
    open_link,
    snooze,
)

SEEN_AT = datetime(2026, 11, 21, 20, 4, 17, tzinfo=UTC)
NOW = SEEN_AT + timedelta(minutes=1)
ANA, BO = "a" * 20, "b" * 20  # tokens


def make_site(**sections: object) -> SiteConfig:
    defaults: dict[str, object] = {
        "site": {"name": "Shop", "time_zone": "Europe/Madrid"},
        "cameras": [{"id": "front", "name": "Front door"}, {"id": "yard", "name": "Yard"}],
        "contacts": [
            {"id": "ana", "name": "Ana", "phone": "+34600123456"},
            {"id": "bo", "name": "Bo", "phone": "+34600654321"},
        ],
        "watch": {"labels": ["Person"], "notify": ["bo"]},
    }
    return SiteConfig.model_validate(defaults | sections)


SITE = make_site()
ALERT = Alert(
    alert_id="front-1/Person/watch",
    rule_id="watch",
    scope="front",
    visit_id="front-1/Person",
    camera_id="front",
    label="Person",
    confidence=81.5,
    frame_id="front-1",
    captured_at=SEEN_AT,
    decided_at=SEEN_AT + timedelta(seconds=2),
    notify=("ana",),
    escalate_to=("bo",),
    box_xyxy_rel=(0.1, 0.1, 0.2, 0.2),
)
BEST = VisitSighting("front-4", SEEN_AT + timedelta(seconds=3), 97.9, (0.2, 0.3, 0.4, 0.9))


@dataclass
class Clock:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


@dataclass
class Site:
    config: SiteConfig = SITE

    def current(self) -> SiteConfig:
        return self.config


class Images:
    def put(self, key: str, jpeg: bytes) -> None:
        raise AssertionError("nothing here puts pictures")

    def url(self, key: str, expires_in: timedelta) -> str:
        return f"https://pictures.example/{key}?for={int(expires_in.total_seconds())}"


@dataclass
class World:
    """An alert that Ana was texted about, with Bo to be told next."""

    clock: Clock = field(default_factory=Clock)
    site: Site = field(default_factory=Site)
    store: MemoryStore = field(default_factory=MemoryStore)

    def __post_init__(self) -> None:
        self.alerts = MemoryAlerts(self.store)
        visit = Visit(ALERT.visit_id, "front", "Person", SEEN_AT, BEST.captured_at, 4, BEST, version=1)
        self.store.visits[visit.visit_id] = visit
        self.store.alerts[ALERT.alert_id] = ALERT
        self.store.work[ALERT.alert_id] = OpenAlert(ALERT.ref, NOW + timedelta(minutes=5))
        for token, contact in ((ANA, "ana"), (BO, "bo")):
            self.alerts.put_link(token, AlertLink(ALERT.ref, contact, NOW + timedelta(hours=24)))

    def deps(self, alerts: MemoryAlerts | None = None) -> LinkDeps:
        return LinkDeps(
            site=self.site,
            alerts=alerts or self.alerts,
            visits=MemoryVisits(self.store),
            images=Images(),
            clock=self.clock,
            image_url_ttl=timedelta(minutes=15),
            sleep=lambda _: None,
        )

    def look(self, token: str = ANA):
        return open_link(token, self.deps())

    def tap(self, kind: AnswerKind, token: str = ANA) -> Answer:
        return answer_link(token, kind, self.deps())

    @property
    def rule_state(self) -> RuleState:
        return self.alerts.rule_state("watch", "front")

    @property
    def everything(self) -> tuple[object, ...]:
        s = self.store
        return dict(s.visits), dict(s.alerts), dict(s.rule_states), dict(s.work), dict(s.links), dict(s.false_alarms)


@pytest.fixture
def world() -> World:
    return World()


def refused(world: World, token: str) -> LinkRefused:
    """By looking and by answering alike."""
    with pytest.raises(LinkRefused) as looked:
        world.look(token)
    with pytest.raises(LinkRefused) as answered:
        world.tap(AnswerKind.TAKEN, token)
    assert (type(looked.value), str(looked.value)) == (type(answered.value), str(answered.value))
    assert not world.store.alerts.get(ALERT.alert_id, ALERT).answered
    return looked.value


# -- looking ----------------------------------------------------------------------------------------------------


def test_the_page_shows_the_best_frame_of_the_visit_and_not_the_first(world):
    picture = world.look().picture
    assert picture.url == "https://pictures.example/frames/front/2026/11/21/front-4.jpg?for=900"
    assert (picture.confidence, picture.box_xyxy_rel) == (BEST.confidence, BEST.box_xyxy_rel)
    assert picture.captured_at == BEST.captured_at


def test_a_visit_that_was_joined_to_an_earlier_one_is_found_all_the_same(world):
    joined = world.store.visits.pop(ALERT.visit_id)
    earlier = SEEN_AT - timedelta(seconds=25)
    world.store.visits["other"] = replace(joined, visit_id="front-0/Person", first_seen=earlier)
    assert world.look().picture.captured_at == BEST.captured_at


def test_without_its_visit_the_frame_that_alerted_is_shown(world):
    world.store.visits.clear()
    picture = world.look().picture
    assert "front-1.jpg" in picture.url and picture.box_xyxy_rel == ALERT.box_xyxy_rel


def test_a_picture_that_has_outlived_its_time_has_no_address(world):
    world.site.config = make_site(retention={"frames_days": 1})
    world.alerts.put_link("c" * 20, AlertLink(ALERT.ref, "ana", NOW + timedelta(days=7)))
    world.clock.at = BEST.captured_at + timedelta(days=1) - timedelta(seconds=1)
    assert world.look("c" * 20).picture.url is not None
    world.clock.at += timedelta(seconds=1)
    page = world.look("c" * 20)
    assert page.picture.url is None and page.frames_days == 1


def test_the_page_tells_place_label_time_and_zone(world):
    page = world.look()
    assert (page.label, page.confidence, page.place) == ("Person", 81.5, "Front door")
    assert (page.captured_at, page.time_zone, page.now) == (SEEN_AT, "Europe/Madrid", NOW)
    assert (page.given, page.snoozed_until, page.also_seen) == ((), None, ())


def test_cameras_that_joined_since_stand_once_in_the_order_they_saw_it(world):
    def seen(camera: str, label: str, seconds: int) -> IncidentSighting:
        return IncidentSighting(
            camera, label, f"{camera}/{label}/{seconds}", "f", SEEN_AT + timedelta(seconds=seconds), 90.0
        )

    rows = [
        seen("yard", "Person", 50),
        seen("yard", "Person", 20),
        seen("front", "Car", 30),
        seen("front", "Person", 9),
    ]
    world.store.alerts[ALERT.alert_id] = replace(ALERT, joined={s.visit_id: s for s in rows})
    assert world.look().also_seen == (
        AlsoSeen("Yard", "Person", SEEN_AT + timedelta(seconds=20)),
        AlsoSeen("Front door", "Car", SEEN_AT + timedelta(seconds=30)),
    )


def test_looking_changes_nothing(world):
    before = world.everything
    world.look()
    assert world.everything == before


# -- what opens nothing -----------------------------------------------------------------------------------------

HOSTILE = [
    "",
    "a",
    "a" * 19,
    "a" * 21,
    "a" * 20 + "\n",
    "a" * 19 + "/",
    "../" + "a" * 17,
    "..%2f" + "a" * 15,
    "á" * 20,
    "\uff41" * 20,
    "٣" * 20,
    "a" * 19 + "\0",
    "x" * 10_000,
    "$(id)" * 4,
    "<b>" * 6 + "aa",
]


@pytest.mark.parametrize("token", HOSTILE, ids=ascii)
def test_what_is_no_token_is_not_even_looked_up(world, token):
    def never(_: str) -> None:
        raise AssertionError("looked up")

    world.alerts.link = never
    refused(world, token)


def test_unknown_revoked_and_orphaned_links_are_refused_in_the_same_words(world):
    unknown = refused(world, "z" * 20)
    world.site.config = make_site(contacts=SITE.contacts[1:])
    left = refused(world, ANA)
    world.site.config = SITE
    alert = world.store.alerts.pop(ALERT.alert_id)
    gone = refused(world, ANA)
    world.store.alerts[ALERT.alert_id] = alert
    world.alerts.revoke_links(ALERT.ref)
    revoked = refused(world, ANA)
    malformed = refused(world, "no token")
    assert len({(type(e), str(e)) for e in (unknown, left, gone, revoked, malformed)}) == 1
    assert type(unknown) is LinkRefused


@pytest.mark.parametrize(
    ("hours", "said"), [(24, "24 hours"), (1, "1 hour"), (1.5, "1.5 hours"), (0.5, "30 minutes")]
)
def test_an_expired_link_says_how_long_it_was_good_for(world, hours, said):
    world.site.config = make_site(alerts={"link_hours": hours})
    world.clock.at = NOW + timedelta(hours=24) - timedelta(seconds=1)
    world.look()
    world.clock.at += timedelta(seconds=1)
    error = refused(world, ANA)
    assert isinstance(error, LinkExpired) and f"This link was good for {said}." in str(error)


def test_an_expired_link_that_was_revoked_does_not_say_that_it_existed(world):
    world.alerts.revoke_links(ALERT.ref)
    world.clock.at = NOW + timedelta(days=2)
    assert type(refused(world, ANA)) is LinkRefused


def test_a_link_takes_twenty_answers_and_shows_the_page_after_that(world):
    for _ in range(MAX_USES):
        world.tap(AnswerKind.SNOOZED)
    before = world.rule_state
    world.clock.at += timedelta(minutes=20)
    with pytest.raises(LinkUsedUp, match="20"):
        world.tap(AnswerKind.SNOOZED)
    assert MAX_USES == 20 and world.rule_state == before
    world.look()
    world.tap(AnswerKind.TAKEN, BO)


# -- answering --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", AnswerKind)
def test_every_answer_is_the_contacts_own_and_ends_what_is_to_be_done(world, kind):
    assert world.tap(kind) == Answer("ana", NOW)
    assert world.alerts.open_work()[0] == []
    assert world.look().given == ((kind, Who("Ana", is_reader=True), NOW),)
    assert world.look(BO).given == ((kind, Who("Ana", is_reader=False), NOW),)


@pytest.mark.parametrize("kind", AnswerKind)
def test_the_same_answer_again_changes_nothing_that_is_shown(world, kind):
    world.tap(kind)
    before = world.look()
    world.tap(kind)
    assert world.look() == before


def test_the_first_who_takes_it_has_it(world):
    world.tap(AnswerKind.TAKEN, BO)
    world.clock.at += timedelta(minutes=1)
    assert world.tap(AnswerKind.TAKEN, ANA) == Answer("bo", NOW)
    assert world.look(ANA).given == ((AnswerKind.TAKEN, Who("Bo", is_reader=False), NOW),)


def test_of_two_who_take_it_in_the_same_instant_one_has_it(world):
    with ThreadPoolExecutor(2) as pool:
        stands = list(pool.map(lambda token: world.tap(AnswerKind.TAKEN, token), [ANA, BO]))
    assert stands[0] == stands[1]
    assert {w.is_reader for token in (ANA, BO) for _, w, _ in world.look(token).given} == {True, False}


class Racing(MemoryAlerts):
    """Bo's answer comes in between, as a transaction that is lost to another."""

    def answer(self, ref: AlertRef, kind: AnswerKind, answer: Answer) -> Answer:
        if not self.store.alerts[ref.alert_id].answered:
            super().answer(ref, kind, Answer("bo", NOW))
            raise WriteConflict("somebody else wrote first")
        return super().answer(ref, kind, answer)


def test_an_answer_that_lost_a_race_finds_whose_stands(world):
    assert answer_link(ANA, AnswerKind.TAKEN, world.deps(Racing(world.store))) == Answer("bo", NOW)


def test_different_answers_stand_side_by_side_oldest_first(world):
    world.tap(AnswerKind.TAKEN, BO)
    world.clock.at += timedelta(minutes=1)
    world.tap(AnswerKind.FALSE_ALARM, ANA)
    assert [(k, w.name) for k, w, _ in world.look().given] == [
        (AnswerKind.TAKEN, "Bo"),
        (AnswerKind.FALSE_ALARM, "Ana"),
    ]


def test_a_false_alarm_is_kept_for_its_rule_and_camera(world):
    world.tap(AnswerKind.FALSE_ALARM)
    (kept,) = world.alerts.false_alarms("watch", "front")
    assert (kept.frame_id, kept.answer) == ("front-1", Answer("ana", NOW))


def test_an_answer_of_a_user_names_nobody(world):
    world.alerts.answer(ALERT.ref, AnswerKind.TAKEN, Answer("user:e2c5a4d4", NOW))
    assert world.look().given == ((AnswerKind.TAKEN, Who(None, is_reader=False), NOW),)


def test_the_number_of_the_watch_list_has_no_name(world):
    world.site.config = make_site(watch={"labels": ["Person"], "phone": "+34600111222"})
    world.alerts.put_link("w" * 20, AlertLink(ALERT.ref, "watch", NOW + timedelta(hours=24)))
    world.tap(AnswerKind.TAKEN, "w" * 20)
    assert world.look().given[0][1] == Who(None, is_reader=False)
    assert world.look("w" * 20).given[0][1].is_reader


# -- snoozing ---------------------------------------------------------------------------------------------------


def test_a_snooze_holds_for_the_alerts_rule_and_cameras_for_half_an_hour(world):
    remembered = RecentAlert("front", "Person", "v", SEEN_AT, ALERT.alert_id, "front", SEEN_AT)
    world.alerts.put_rule_state(RuleState("watch", "front", (remembered,)), NOW)
    world.tap(AnswerKind.SNOOZED)
    state = world.rule_state
    assert (state.snoozed_until, state.snoozed_by) == (NOW + timedelta(minutes=30), "ana")
    assert state.recent == (remembered,)
    assert not world.alerts.rule_state("watch", "yard").is_snoozed(NOW)


def test_a_snooze_by_another_is_shown_with_its_end_until_it_is_over(world):
    world.tap(AnswerKind.SNOOZED, BO)
    page = world.look(ANA)
    assert (page.snoozed_until, page.snoozed_by) == (NOW + timedelta(minutes=30), Who("Bo", is_reader=False))
    world.clock.at = NOW + timedelta(minutes=30)
    page = world.look(ANA)
    assert (page.snoozed_until, page.snoozed_by) == (None, None)
    assert page.given == ((AnswerKind.SNOOZED, Who("Bo", is_reader=False), NOW),)


def test_a_later_snooze_reaches_further(world):
    world.tap(AnswerKind.SNOOZED)
    world.clock.at += timedelta(minutes=10)
    world.tap(AnswerKind.SNOOZED, BO)
    assert world.rule_state.snoozed_until == NOW + timedelta(minutes=40)
    assert world.rule_state.snoozed_by == "bo"


def test_a_longer_snooze_that_is_there_already_stands(world):
    until = NOW + timedelta(hours=2)
    snooze(ALERT, "user:x", world.alerts, until=until, expires_at=NOW)
    world.tap(AnswerKind.SNOOZED)
    assert (world.rule_state.snoozed_until, world.rule_state.snoozed_by) == (until, "user:x")


class Contested(MemoryAlerts):
    """Somebody else writes the rule's state between each read and write, so many times."""

    def __init__(self, store: MemoryStore, times: int):
        super().__init__(store)
        self.times = times

    def put_rule_state(self, state: RuleState, expires_at: datetime) -> None:
        if self.times:
            self.times -= 1
            now = self.rule_state(state.rule_id, state.scope)
            alert = RecentAlert("front", "Person", str(self.times), SEEN_AT, "a", "front", SEEN_AT)
            super().put_rule_state(now.with_recent(alert), expires_at)
        super().put_rule_state(state, expires_at)


def test_a_snooze_keeps_what_others_write_meanwhile(world):
    answer_link(ANA, AnswerKind.SNOOZED, world.deps(Contested(world.store, 3)))
    assert world.rule_state.snoozed_until == NOW + timedelta(minutes=30)
    assert len(world.rule_state.recent) == 3


def test_a_snooze_that_could_not_be_written_has_answered_and_can_be_asked_again(world):
    with pytest.raises(WriteConflict):
        answer_link(ANA, AnswerKind.SNOOZED, world.deps(Contested(world.store, 100)))
    assert world.alerts.open_work()[0] == []
    world.tap(AnswerKind.SNOOZED)
    assert world.rule_state.is_snoozed(NOW)
