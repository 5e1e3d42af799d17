"""Who is told of an alert, when the next one is, and what a crash or an answer changes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from framewatch.domain.alerts import Answer, AnswerKind, DeliveryState
from framewatch.domain.errors import NotificationRejected, NotificationUnavailable, RetryableError, StorageUnavailable
from framewatch.domain.visits import AlertState
from framewatch.services.send_alerts import TOKEN_CHARS, continue_alert, new_token
from framewatch.services.tally import Tally
from tests.batches import ANA, BO, record, run
from tests.fakes import Crash, World, make_site
from tests.frames import PERSON

CY = "+34600111222"
PEOPLE = [{"id": "ana", "phone": ANA}, {"id": "bo", "phone": BO}, {"id": "cy", "phone": CY}]
MINUTE = 60.0


def shop(**rule: object) -> World:
    """ana at once, then bo, then cy, five minutes apart."""
    settings = {"id": "r", "labels": ["Person"], "notify": ["ana"], "escalate_to": ["bo", "cy"]}
    return World(make_site(contacts=PEOPLE, watch={}, rules=[settings | rule]))


def told(world: World) -> list[str]:
    names = {ANA: "ana", BO: "bo", CY: "cy"}
    return [names[phone] for phone, _ in world.texts.sent]


def watchdog(world: World, minutes: int = 1) -> Tally:
    """A pass a minute."""
    tally = Tally()
    for _ in range(minutes):
        world.clock.advance(MINUTE)
        for work in world.alerts.open_work()[0]:
            try:
                continue_alert(work, world.config, world.sending(), tally)
            except RetryableError:
                continue
    return tally


def only_alert(world: World):  # type: ignore[no-untyped-def]
    (alert,) = world.alerts.alerts.values()
    return alert


def test_the_next_contact_is_told_when_nobody_answers_until_the_list_ends() -> None:
    world = shop()
    run(world, record(world, 0, PERSON))
    assert told(world) == ["ana"]
    watchdog(world, 4)
    assert told(world) == ["ana"]
    tally = watchdog(world)
    assert (told(world), tally.counts["AlertsEscalated"]) == (["ana", "bo"], 1)
    watchdog(world, 5)
    assert told(world) == ["ana", "bo", "cy"]
    watchdog(world, 30)
    assert (told(world), world.alerts.open_work()) == (["ana", "bo", "cy"], ([], []))
    deliveries = only_alert(world).deliveries
    assert [deliveries[c].at for c in ("ana", "bo", "cy")] == sorted(d.at for d in deliveries.values())


@pytest.mark.parametrize("kind", list(AnswerKind))
def test_an_answer_ends_the_escalation(kind: AnswerKind) -> None:
    world = shop()
    run(world, record(world, 0, PERSON))
    watchdog(world, 5)
    world.alerts.answer(only_alert(world).ref, kind, Answer("bo", world.clock.now()))
    watchdog(world, 30)
    assert told(world) == ["ana", "bo"]


def test_an_answer_while_the_watchdog_is_at_it_keeps_the_next_contact_from_being_told() -> None:
    world = shop()
    run(world, record(world, 0, PERSON))
    world.clock.advance(5 * MINUTE)
    ((work,), _) = world.alerts.open_work()
    world.alerts.answer(work.ref, AnswerKind.TAKEN, Answer("ana", world.clock.now()))
    continue_alert(work, world.config, world.sending(), Tally())
    assert told(world) == ["ana"]


def test_two_watchdogs_at_once_tell_the_next_contact_once() -> None:
    world = shop()
    run(world, record(world, 0, PERSON))
    world.clock.advance(5 * MINUTE)
    ((work,), _) = world.alerts.open_work()
    for _ in range(2):
        continue_alert(work, world.config, world.sending(), Tally())
    assert told(world) == ["ana", "bo"]


def test_whose_number_is_dead_is_shown_so_and_the_next_contact_is_told_at_once() -> None:
    world = shop()
    world.texts.errors[ANA] = [NotificationRejected("opted out")]
    world.texts.errors[BO] = [NotificationRejected("invalid")]
    run(world, record(world, 0, PERSON))
    assert told(world) == ["cy"]
    alert = only_alert(world)
    assert (alert.state, alert.deliveries["ana"].state) == (AlertState.SENT, DeliveryState.REJECTED)
    assert alert.deliveries["ana"].reason == "the number is invalid or has opted out"
    assert world.alerts.open_work() == ([], [])


def test_a_dead_number_further_down_the_list_is_not_waited_for_either() -> None:
    world = shop()
    world.texts.errors[BO] = [NotificationRejected("invalid")]
    run(world, record(world, 0, PERSON))
    watchdog(world, 5)
    assert told(world) == ["ana", "cy"]
    assert only_alert(world).deliveries["bo"].state is DeliveryState.REJECTED
    assert world.alerts.open_work() == ([], [])


def test_a_number_that_has_opted_out_takes_the_text_and_the_next_contact_is_told_at_once() -> None:
    world = shop()
    world.texts.opted_out = {ANA, BO}
    run(world, record(world, 0, PERSON))
    assert told(world) == ["ana", "bo", "cy"]
    alert = only_alert(world)
    states = [alert.deliveries[c].state for c in ("ana", "bo", "cy")]
    assert (alert.state, states) == (AlertState.SENT, [DeliveryState.REJECTED] * 2 + [DeliveryState.SENT])
    assert alert.deliveries["ana"].reason == "the number has opted out: its owner answered STOP"
    assert world.alerts.open_work() == ([], [])


def test_where_everybody_has_opted_out_the_alert_says_that_nobody_was_told() -> None:
    world = shop(escalate_to=[])
    world.texts.opted_out = {ANA}
    tally = run(world, record(world, 0, PERSON)).counts
    assert (only_alert(world).state, tally["TextsRejected"], tally["AlertsFailed"]) == (AlertState.FAILED, 1, 1)


def test_a_crash_while_it_is_asked_who_opted_out_texts_nobody_twice() -> None:
    world = shop(notify=["ana", "bo"], escalate_to=["cy"])
    world.texts.faults.on("opt-out asked", Crash("died"))
    with pytest.raises(Crash):
        run(world, record(world, 0, PERSON))
    assert told(world) == ["ana", "bo"]
    watchdog(world, 2)
    assert told(world) == ["ana", "bo"]


def test_a_text_held_back_by_a_limit_is_not_passed_on_at_once() -> None:
    world = shop()
    world.site.config = make_site(
        contacts=PEOPLE, watch={}, rules=list(world.config.rules), limits={"per_contact_and_hour": 0}
    )
    run(world, record(world, 0, PERSON))
    assert (told(world), only_alert(world).state) == ([], AlertState.HELD)
    assert [h.contact_id for h in world.alerts.held] == ["ana"]


def test_a_text_service_that_is_down_for_a_while_delays_everybody_and_loses_nobody() -> None:
    world = shop(notify=["ana", "bo"], escalate_to=["cy"])
    down = [NotificationUnavailable("down")] * 3
    world.texts.errors = {ANA: list(down), BO: list(down)}
    run(world, record(world, 0, PERSON))
    assert (told(world), only_alert(world).state) == ([], AlertState.CLAIMED)
    watchdog(world, 8)
    assert sorted(told(world)) == ["ana", "bo"]
    assert only_alert(world).state is AlertState.SENT
    watchdog(world, 5)
    assert sorted(told(world)) == ["ana", "bo", "cy"]


def test_the_processor_leaves_what_has_fallen_due_to_the_watchdog() -> None:
    world = shop()
    r = record(world, 0, PERSON)
    world.texts.errors[ANA] = [NotificationUnavailable("down")]
    run(world, r)
    world.clock.advance(50)
    run(world, r)
    assert told(world) == []
    world.clock.advance(10)
    watchdog(world)
    assert told(world) == ["ana"]


def test_an_alert_that_is_a_day_old_is_let_rest() -> None:
    world = shop()
    run(world, record(world, 0, PERSON))
    world.clock.advance(25 * 3600)
    watchdog(world)
    assert (told(world), world.alerts.open_work()) == (["ana"], ([], []))


def watchdog_steps() -> list[str]:
    world = shop()
    run(world, record(world, 0, PERSON))
    world.faults.clear()
    watchdog(world, 12)
    return list(world.faults.steps)


STEPS = watchdog_steps()


@pytest.mark.parametrize("step", range(len(STEPS)), ids=[s.replace(" ", "-") for s in STEPS])
@pytest.mark.parametrize("crash", [True, False], ids=["crash", "failure"])
def test_a_fault_at_any_step_of_the_escalation_skips_nobody_and_doubles_nobody(step: int, crash: bool) -> None:
    world = shop()
    run(world, record(world, 0, PERSON))
    world.faults.clear()
    if crash:
        world.faults.crash_at(step)
    else:
        name = STEPS[step].partition(" ")[2]
        error = NotificationUnavailable("x") if name == "text send" else StorageUnavailable("x")
        world.faults.at(step, error)
    for _ in range(30):
        try:
            watchdog(world)
        except Crash:
            world.faults.clear()
        except RetryableError:
            continue  # what is open could not be read
    # The one window: published, and dead before that could be written down.
    window = STEPS[step] in {"after text send", "before delivery"}
    names = told(world)
    assert len(names) == 3 + window
    assert list(dict.fromkeys(names)) == ["ana", "bo", "cy"]
    assert world.alerts.open_work() == ([], [])


def test_a_topic_gets_the_alert_as_json_and_counts_against_no_limit() -> None:
    contacts = [{"id": "desk", "topic": True}, {"id": "ana", "phone": ANA}]
    rule = {"id": "r", "labels": ["Person"], "notify": ["desk", "ana"]}
    world = World(make_site(contacts=contacts, watch={}, rules=[rule], limits={"per_contact_and_hour": 0}))
    run(world, record(world, 0, PERSON))
    ((message, text),) = world.topic.published
    assert (message.rule_id, message.label, message.camera_id) == ("r", "Person", "front")
    assert message.link is not None
    assert text.endswith(message.link)
    assert only_alert(world).deliveries["ana"].state is DeliveryState.HELD


def test_every_contact_has_a_link_of_their_own_that_opens_this_alert() -> None:
    world = shop(notify=["ana", "bo"], escalate_to=[])
    run(world, record(world, 0, PERSON))
    tokens = [text.rpartition("/")[2] for _, text in world.texts.sent]
    links = [world.alerts.link(t) for t in tokens]
    assert [link.contact_id for link in links if link] == ["ana", "bo"]
    assert {link.ref for link in links if link} == {only_alert(world).ref}
    assert links[0] is not None
    assert links[0].expires_at == world.clock.now() + timedelta(hours=24)


def test_the_site_files_own_address_comes_before_the_deployments() -> None:
    world = shop()
    config = world.config
    alerts = config.alerts.model_copy(update={"link_base_url": "https://cams.shop.example"})
    world.site.config = config.model_copy(update={"alerts": alerts})
    run(world, record(world, 0, PERSON))
    assert " https://cams.shop.example/a/" in world.texts.sent[0][1]


def test_a_deployment_without_an_address_texts_without_a_link() -> None:
    world = shop()
    run(world, record(world, 0, PERSON))
    world.clock.advance(5 * MINUTE)
    ((work,), _) = world.alerts.open_work()
    continue_alert(work, world.config, replace(world.sending(), link_base_url=None), Tally())
    assert "http" not in world.texts.sent[1][1]


def test_a_token_is_twenty_characters_of_which_no_two_are_the_same() -> None:
    tokens: Sequence[str] = [new_token() for _ in range(1000)]
    assert {len(t) for t in tokens} == {20}
    assert set("".join(tokens)) == set(TOKEN_CHARS)
    assert len(set(tokens)) == 1000
