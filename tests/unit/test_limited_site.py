"""Limits that an administrator has set: where they hold, how soon, and until when."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from framewatch.domain.access import Caller, Role
from framewatch.domain.alert_settings import Limits
from framewatch.domain.errors import InvalidQuery, StorageUnavailable
from framewatch.domain.limits import LimitOverride
from framewatch.services.limited_site import LimitedSite
from framewatch.services.process_frames import process_batch
from framewatch.services.set_limits import LimitDeps, set_limits
from framewatch.wire.api_limits import parse_limits
from tests.batches import record
from tests.fakes import FakeClock, FakeSite, World, make_site
from tests.frames import NOON, PERSON

OVERRIDE = LimitOverride(NOON + timedelta(hours=1), "user:1", "maria", NOON, per_day=0, monthly_budget_usd=3.0)


@dataclass
class FakeOverrides:
    stored: LimitOverride | None = None
    reads: int = 0
    error: Exception | None = None

    def override(self) -> LimitOverride | None:
        self.reads += 1
        if self.error is not None:
            raise self.error
        return self.stored

    def put_override(self, override: LimitOverride, expires_at: datetime) -> None:
        self.stored = override


def limited(stored: LimitOverride | None = None) -> tuple[LimitedSite, FakeOverrides, FakeClock]:
    overrides, clock = FakeOverrides(stored), FakeClock()
    return LimitedSite(FakeSite(make_site()), overrides, clock), overrides, clock


def test_what_was_set_stands_in_place_of_the_site_files_and_the_rest_stays() -> None:
    site, _, _ = limited(OVERRIDE)
    assert site.current().limits == Limits(per_day=0, monthly_budget_usd=3.0)
    assert site.current().cameras == make_site().cameras


def test_it_ends_with_its_time_though_nobody_reads_it_again() -> None:
    site, overrides, clock = limited(replace(OVERRIDE, until=NOON + timedelta(seconds=20)))
    assert site.current().limits.per_day == 0
    clock.advance(20)
    assert site.current().limits == Limits()
    assert overrides.reads == 1


def test_it_holds_within_half_a_minute_and_is_read_no_more_often() -> None:
    site, overrides, clock = limited()
    site.current()
    overrides.stored = OVERRIDE
    clock.advance(29)
    assert site.current().limits == Limits()
    clock.advance(1)
    assert site.current().limits.per_day == 0
    assert overrides.reads == 2


def test_while_it_cannot_be_read_the_last_one_known_holds(caplog: pytest.LogCaptureFixture) -> None:
    site, overrides, clock = limited(OVERRIDE)
    site.current()
    overrides.error = StorageUnavailable("table down")
    clock.advance(60)
    assert site.current().limits.per_day == 0
    assert "going on as before: table down" in caplog.text


def test_a_text_beyond_what_was_set_is_held_back() -> None:
    world = World()
    deps = replace(world.deps(), site=LimitedSite(world.site, FakeOverrides(OVERRIDE), world.clock))
    process_batch([record(world, 0, PERSON)], deps, lambda: 100.0)
    assert world.texts.sent == []
    assert [held.reason for held in world.alerts.held] == ["limit"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"until": None}, "until: is missing"),
        ({"until": "2026-04-14T12:00:01Z"}, "until: must be within 31 days"),
        ({"per_day": -1}, "per_day: must be a whole number from 0 to 10000"),
        ({"per_day": True}, "per_day: must be a whole number"),
        ({"per_contact_and_hour": 201}, "per_contact_and_hour: must be a whole number from 0 to 200"),
        ({"monthly_budget_usd": "5"}, "monthly_budget_usd: must be a number from 0 to 100000"),
        ({"monthly_budget_usd": 0.01}, "monthly_budget_usd: must pay for one text"),
        ({"usd_per_text": 0}, "unknown parameter 'usd_per_text'"),
    ],
)
def test_wrong_limits_are_refused_and_change_nothing(wrong: dict[str, Any], said: str) -> None:
    overrides = FakeOverrides()
    body = {"until": "2026-03-14T13:00:00Z", **wrong}
    with pytest.raises(InvalidQuery, match=said):
        set_limits(
            parse_limits(json.dumps(body)),
            Caller("1", Role.ADMIN),
            LimitDeps(FakeSite(make_site()), overrides, FakeClock()),
        )
    assert overrides.stored is None
