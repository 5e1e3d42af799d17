"""Days of use: summed anew and set, whoever sums them, and as often as it is worth it."""

from datetime import UTC, date, datetime, timedelta

import pytest

from framewatch.adapters.memory_use import MemoryUse
from framewatch.domain.errors import StorageUnavailable
from framewatch.domain.usage import Usage, UsageKind
from framewatch.domain.use import DayUse, ProcessUse
from framewatch.services.meter_use import EVERY
from framewatch.services.roll_up_use import UseRollUp
from tests.fakes import FakeClock, make_site

NIGHT = datetime(2026, 3, 14, 23, 30, tzinfo=UTC)  # half past midnight in Madrid
DAY = date(2026, 3, 15)
BEFORE = DAY - timedelta(days=1)
SITE = make_site()
MINUTE = timedelta(minutes=1)
WRITES = UsageKind.DYNAMODB_WRITE_UNITS


class Table(MemoryUse):
    """Counts what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[date] = []
        self.puts: list[date] = []
        self.expiry: list[datetime] = []

    def processes(self, day: date) -> list[ProcessUse]:
        self.reads.append(day)
        return super().processes(day)

    def put_day(self, use: DayUse, expires_at: datetime) -> None:
        super().put_day(use, expires_at)
        self.puts.append(use.day)
        self.expiry.append(expires_at)


class Watchdog:
    def __init__(self, table: Table | None = None, at: datetime = NIGHT + timedelta(hours=12)) -> None:
        self.clock = FakeClock(at)
        self.table = table or Table()
        self.sums = UseRollUp(self.table, self.clock)

    def minute(self, minutes: int = 1) -> None:
        for _ in range(minutes):
            self.clock.advance(60)
            self.sums.run(SITE, lambda: 50.0)

    def used(self, amount: float, process: str = "one", day: date = DAY) -> None:
        """In all, on that day."""
        use = ProcessUse(
            day, "image_processor", process, self.clock.now(), by_camera={"front": Usage({WRITES: amount})}
        )
        self.table.put_process(use, NIGHT)

    def day(self, day: date = DAY) -> DayUse:
        return self.table.day(day)


@pytest.fixture
def watchdog() -> Watchdog:
    return Watchdog()


def test_a_day_is_what_its_processes_say(watchdog: Watchdog) -> None:
    watchdog.used(5)
    watchdog.used(7, "two")
    watchdog.minute()
    assert watchdog.day() == DayUse(DAY, Usage(), {"front": Usage({WRITES: 12})}, watchdog.clock.now() - MINUTE, 2, 1)


def test_summing_again_what_has_not_changed_writes_nothing(watchdog: Watchdog) -> None:
    watchdog.used(5)
    watchdog.minute(60)
    assert watchdog.table.puts == [DAY]


def test_two_watchdogs_at_once_leave_the_same_sum(watchdog: Watchdog) -> None:
    other = Watchdog(watchdog.table)
    for n in range(1, 40):
        watchdog.used(n * EVERY)
        watchdog.minute()
        other.minute()
    watchdog.minute(15)
    assert watchdog.day().total == Usage({WRITES: 39 * EVERY})


def test_who_was_overtaken_sums_again_from_what_is_there(watchdog: Watchdog) -> None:
    other = Watchdog(watchdog.table)
    watchdog.used(1)
    watchdog.minute()
    watchdog.used(2)
    other.minute()
    watchdog.used(3)
    watchdog.minute(15)  # refused once: it had not seen the other's
    watchdog.used(4)
    watchdog.minute(15)
    assert watchdog.day().total == Usage({WRITES: 4})


def test_a_watchdog_that_died_before_or_after_its_write_changes_nothing() -> None:
    table = Table()
    for n in range(1, 20):
        watchdog = Watchdog(table)  # which remembers nothing
        watchdog.used(n)
        watchdog.minute()
        assert watchdog.day().total == Usage({WRITES: n})


def test_much_use_is_summed_each_minute_and_little_ever_more_rarely(watchdog: Watchdog) -> None:
    for n in range(1, 11):
        watchdog.used(n * EVERY)
        watchdog.minute()
    assert len(watchdog.table.puts) == 10
    watchdog.table.reads.clear()
    watchdog.minute(60)
    assert 5 <= len(watchdog.table.reads) <= 8
    watchdog.used(20 * EVERY)
    watchdog.minute(15)
    assert watchdog.day().total == Usage({WRITES: 20 * EVERY})


def test_a_day_that_is_over_is_summed_for_two_hours_and_by_a_new_watchdog() -> None:
    watchdog = Watchdog(at=NIGHT)
    watchdog.used(5, day=BEFORE)
    watchdog.minute()
    watchdog.used(6, day=BEFORE)  # its last word, which came late
    watchdog.minute(60)
    assert watchdog.day(BEFORE).total == Usage({WRITES: 6})
    watchdog.minute(60)
    watchdog.table.reads.clear()
    watchdog.minute(60)
    assert set(watchdog.table.reads) == {DAY}
    watchdog.used(7, day=BEFORE)
    again = Watchdog(watchdog.table, NIGHT + timedelta(hours=9))
    again.minute()
    assert again.day(BEFORE).total == Usage({WRITES: 7})


def test_days_are_kept_for_a_year_or_as_long_as_what_was_seen(watchdog: Watchdog) -> None:
    watchdog.used(5)
    watchdog.minute()
    assert watchdog.table.expiry == [watchdog.clock.now() + timedelta(days=400)]
    long = make_site(retention={"frames_days": 30, "metadata_days": 1000})
    watchdog.used(6)
    watchdog.clock.advance(900)
    watchdog.sums.run(long, lambda: 50.0)
    assert watchdog.table.expiry[-1] == watchdog.clock.now() + timedelta(days=1000)


def test_a_sum_never_falls_when_processes_have_gone(watchdog: Watchdog) -> None:
    watchdog.used(5)
    watchdog.used(7, "two")
    watchdog.minute()
    del watchdog.table.by_process[DAY, "image_processor", "two"]
    watchdog.minute(30)
    assert watchdog.day().total == Usage({WRITES: 12})


def test_with_no_time_left_nothing_is_begun(watchdog: Watchdog) -> None:
    watchdog.used(5)
    watchdog.sums.run(SITE, lambda: 4.0)
    assert watchdog.table.reads == []
    watchdog.minute()
    assert watchdog.day().total == Usage({WRITES: 5})


def test_a_clock_that_was_set_back_does_not_stop_it(watchdog: Watchdog) -> None:
    watchdog.minute()
    watchdog.used(5)
    watchdog.clock.advance(-3600)
    watchdog.minute()
    assert watchdog.day().total == Usage({WRITES: 5})


def test_a_table_that_is_away_is_asked_again_in_a_minute(watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch) -> None:
    watchdog.used(5)
    with monkeypatch.context() as away:

        def fails(day: date) -> list[ProcessUse]:
            raise StorageUnavailable(f"{day}: the table is away")

        away.setattr(watchdog.table, "processes", fails)
        with pytest.raises(StorageUnavailable):
            watchdog.minute()
    watchdog.minute()
    assert watchdog.day().total == Usage({WRITES: 5})
