"""What explains a text that came twice, on journals made up for it."""

import json
from urllib.parse import quote

import pytest

from tests.faults.doubled import unexplained
from tests.faults.weather import Asked, Fault

KEY, OTHER = ("A#front#2026-01-01", "1"), ("A#front#2026-01-01", "2")
ALERTS = {"one": KEY, "two": KEY, "other": OTHER}


def publish(at_s, link="one", fault=None, took_s=0.1):
    status = 200 if fault in (None, Fault.LATENCY) else None
    body = f"Action=Publish&Message={quote(f'Person at Front. https://x.example/a/{link}')}".encode()
    return Asked("sns", "Publish", body, fault, at_s, at_s + took_s, status)


def write(at_s, key=KEY, fault=None, took_s=0.1, says="SET deliveries.#contact = :delivery"):
    body = json.dumps({"Key": {"pk": {"S": key[0]}, "sk": {"S": key[1]}}, "UpdateExpression": says}).encode()
    status = 200 if fault in (None, Fault.LATENCY) else None
    return Asked("dynamodb", "UpdateItem", body, fault, at_s, at_s + took_s, status)


AGAIN = publish(9.0, "two")


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.CUT])
def test_an_answer_that_was_lost_explains_one_more_text(fault):
    assert unexplained([publish(1.0, fault=fault), AGAIN, write(9.5)], [], ALERTS) == []
    assert len(unexplained([publish(1.0, fault=fault), publish(5.0), AGAIN], [], ALERTS)) == 1


def test_an_answer_that_took_longer_than_anybody_waits_was_lost():
    assert unexplained([publish(1.0, took_s=6.0), AGAIN], [], ALERTS) == []


def test_a_death_before_the_delivery_was_written_explains_one_more_text():
    assert unexplained([publish(1.0), AGAIN], [1.5], ALERTS) == []
    assert len(unexplained([publish(1.0), AGAIN], [0.5, 9.5], ALERTS)) == 1


def test_a_delivery_that_could_not_be_written_explains_one_more_text():
    failed = write(2.0, fault=Fault.THROTTLED)
    assert unexplained([publish(1.0), failed, AGAIN], [], ALERTS) == []


@pytest.mark.parametrize(
    "not_it",
    [write(2.0, OTHER, Fault.THROTTLED), write(2.0, fault=Fault.THROTTLED, says="SET #state = :state")],
)
def test_what_befell_another_write_explains_nothing(not_it):
    assert len(unexplained([publish(1.0), not_it, AGAIN], [], ALERTS)) == 1


def test_nothing_explains_a_text_after_the_one_before_it_was_written_down():
    told = [publish(1.0, fault=Fault.RESET_AFTER), write(2.0, fault=Fault.THROTTLED), write(3.0), AGAIN]
    assert "written down" in unexplained(told, [1.5], ALERTS)[0]


def test_a_second_text_without_any_fault_is_named():
    assert "'A#front#2026-01-01', '1'" in unexplained([publish(1.0), AGAIN], [], ALERTS)[0]


def test_a_text_that_sns_refused_was_none():
    assert unexplained([publish(1.0, fault=Fault.THROTTLED), AGAIN], [], ALERTS) == []


def test_texts_of_two_alerts_are_no_double():
    assert unexplained([publish(1.0), publish(2.0, "other")], [], ALERTS) == []
