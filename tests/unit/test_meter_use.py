"""The ledger of one process: what it says, how rarely, and that nothing waits for it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from framewatch.adapters.memory_use import MemoryUse
from framewatch.domain.errors import StorageUnavailable
from framewatch.domain.usage import Usage, UsageKind
from framewatch.domain.use import ProcessUse
from framewatch.services.meter_use import EVERY, LedgerSite, UseLedger, for_camera
from tests.fakes import FakeClock, FakeSite, make_site
from tests.frames import make_frame, make_record

TODAY = date(2026, 3, 14)
WRITES, IMAGES, READS = UsageKind.DYNAMODB_WRITE_UNITS, UsageKind.IMAGES_ANALYSED, UsageKind.DYNAMODB_READ_UNITS


class Table(MemoryUse):
    """Counts what is put, and fails on demand."""

    def __init__(self) -> None:
        super().__init__()
        self.puts: list[ProcessUse] = []
        self.fails = False

    def put_process(self, use: ProcessUse, expires_at: datetime) -> None:
        if self.fails:
            raise StorageUnavailable("the table is away")
        assert expires_at > datetime(use.day.year, use.day.month, use.day.day, tzinfo=UTC) + timedelta(days=3)
        self.puts.append(use)
        super().put_process(use, expires_at)


class Process:
    def __init__(self, seconds: Sequence[float] = ()) -> None:
        self.clock = FakeClock()
        self.table = Table()
        ticks = iter(seconds)
        self.ledger = UseLedger(
            "image_processor", self.clock, memory_mb=512, process_id="one", monotonic=lambda: next(ticks)
        )
        self.ledger.keep_in(self.table)

    def use(self, amount: float, kind: UsageKind = WRITES) -> None:
        self.ledger.count(kind, amount)
        self.ledger.say_if_due()

    @property
    def said(self) -> Usage:
        return self.table.by_process[TODAY, "image_processor", "one"].shared


@pytest.fixture
def process() -> Process:
    return Process()


def test_what_is_said_is_all_of_the_day_so_that_saying_it_again_changes_nothing(process: Process) -> None:
    process.use(EVERY)
    process.use(EVERY)
    process.ledger.count(READS, 2.5)
    assert process.said == Usage({WRITES: 2 * EVERY})
    process.use(EVERY)
    assert process.said == Usage({WRITES: 3 * EVERY, READS: Decimal("2.5")})
    assert len(process.table.puts) == 3
    assert len(process.table.by_process) == 1


def test_it_writes_once_in_200_of_the_processs_own_writes(process: Process) -> None:
    for _ in range(EVERY - 1):
        process.use(1)
    assert process.table.puts == []
    for _ in range(9 * EVERY + 1):
        process.use(1)
    assert len(process.table.puts) == 10


def test_images_that_lead_to_no_write_are_said_as_well(process: Process) -> None:
    for _ in range(EVERY):
        process.use(1, IMAGES)
    assert len(process.table.puts) == 1


def test_a_larger_item_is_said_more_rarely(process: Process) -> None:
    for n in range(30):
        for kind in (WRITES, IMAGES, READS):
            for_camera(f"camera-{n}", process.ledger.count, kind)
    units = 5  # three amounts and a name each: more than 4 KiB
    process.use((units - 1) * EVERY - 60)
    assert process.table.puts == []
    process.use(EVERY)
    assert len(process.table.puts) == 1


def test_what_hardly_writes_says_so_after_two_minutes_and_then_ever_more_rarely(process: Process) -> None:
    minutes: list[int] = []
    for minute in range(1, 91):
        process.clock.advance(60)
        process.use(1, UsageKind.API_REQUESTS)
        if len(process.table.puts) > len(minutes):
            minutes.append(minute)
    assert minutes == [2, 4, 8, 16, 32, 62]


def test_a_process_that_used_nothing_says_nothing(process: Process) -> None:
    process.use(EVERY)
    process.clock.advance(3600)
    process.ledger.say_if_due()
    assert len(process.table.puts) == 1


def test_a_new_day_begins_with_nothing_and_the_old_one_is_said_whole(process: Process) -> None:
    process.use(EVERY)
    process.use(7)
    process.clock.advance(12 * 3600)
    process.use(1)
    assert process.said == Usage({WRITES: EVERY + 7})
    tomorrow = TODAY + timedelta(days=1)
    assert process.table.by_process[tomorrow, "image_processor", "one"].shared == Usage({WRITES: 1})
    process.clock.advance(3600)
    process.use(2)
    assert process.said == Usage({WRITES: EVERY + 7})
    assert process.table.by_process[tomorrow, "image_processor", "one"].shared == Usage({WRITES: 3})


def test_days_are_the_sites(process: Process) -> None:
    process.clock.at = datetime(2026, 3, 14, 23, 30, tzinfo=UTC)
    site = LedgerSite(FakeSite(make_site(site={"time_zone": "Europe/Madrid"})), process.ledger)
    process.use(EVERY)  # before anybody has read the site file
    site.current()
    process.use(EVERY)
    assert {key[0]: use.shared for key, use in process.table.by_process.items()} == {
        TODAY: Usage({WRITES: EVERY}),
        TODAY + timedelta(days=1): Usage({WRITES: EVERY}),
    }


def test_a_table_that_is_away_stops_nobody_and_nothing_is_lost(process: Process) -> None:
    process.table.fails = True
    process.use(EVERY)
    process.table.fails = False
    process.use(5)
    assert process.said == Usage({WRITES: EVERY + 5})


def test_a_clock_that_was_set_back_does_not_silence_it(process: Process) -> None:
    process.use(EVERY)
    process.clock.advance(-3600)
    process.use(1)
    assert process.said == Usage({WRITES: EVERY + 1})


def test_what_is_done_for_a_camera_is_its_own_in_whatever_thread(process: Process) -> None:
    def work(n: int) -> None:
        process.ledger.count(IMAGES)
        process.ledger.count(WRITES, n)

    with ThreadPoolExecutor(4) as pool:
        for n in range(200):
            pool.submit(for_camera, "front" if n % 2 else "yard", work, n)
            pool.submit(work, 1)
    process.ledger.say_if_due()
    (said,) = process.table.puts
    assert said.by_camera == {
        "front": Usage({IMAGES: 100, WRITES: 10_000}),
        "yard": Usage({IMAGES: 100, WRITES: 9_900}),
    }
    assert said.shared == Usage({IMAGES: 200, WRITES: 200})


def test_an_invocation_is_a_request_and_its_seconds_by_its_memory() -> None:
    process = Process(seconds=[100.0, 102.5, 200.0, 201.0])
    with process.ledger.invocation():
        pass
    process.clock.advance(120)
    with pytest.raises(ZeroDivisionError), process.ledger.invocation():
        raise ZeroDivisionError  # what fails is paid as well
    assert process.said == Usage({UsageKind.LAMBDA_REQUESTS: 2, UsageKind.LAMBDA_GB_S: Decimal("1.75")})


def records(*cameras: str, size: int = 100_000) -> list:  # type: ignore[type-arg]
    return [make_record(make_frame(n, camera_id=camera, size=size)) for n, camera in enumerate(cameras)]


def test_the_stream_is_counted_up_to_the_record_from_which_it_is_delivered_again(process: Process) -> None:
    batch = records("front", "yard", "front", "front")
    site = FakeSite(make_site())
    process.ledger.count_acknowledged(batch, [batch[2].record_id], site)
    process.ledger.count_acknowledged(batch[2:], [], site)
    process.use(EVERY)
    (said,) = process.table.puts
    each = Decimal(98 * 1024) / 10**9  # 100,000 bytes and the envelope's header, rounded up
    assert said.by_camera["front"] == Usage({UsageKind.KINESIS_GB_IN: 3 * each, UsageKind.KINESIS_GB_OUT: 3 * each})
    assert said.by_camera["yard"] == Usage({UsageKind.KINESIS_GB_IN: each, UsageKind.KINESIS_GB_OUT: each})


def test_a_stream_of_fixed_size_is_counted_in_units_of_25_kb(process: Process) -> None:
    site = FakeSite(make_site(deployment={"shards": 1}))
    process.ledger.count_acknowledged(records("front", size=25 * 1024), [], site)
    process.use(EVERY)
    assert process.table.puts[0].by_camera == {"front": Usage({UsageKind.KINESIS_PUT_UNITS: 2})}


def test_a_key_that_is_no_cameras_gets_no_line_of_its_own(process: Process) -> None:
    forged = [make_record(b"anything", n, partition_key=f"key-{n}") for n in range(3)]
    process.ledger.count_acknowledged(forged, [], FakeSite(make_site()))
    process.use(EVERY)
    assert process.table.puts[0].by_camera == {}
    assert process.said.amount(UsageKind.KINESIS_GB_IN) == Decimal(3 * 1024) / 10**9


def test_without_a_site_file_nothing_is_acknowledged_or_counted(process: Process) -> None:
    batch = records("front")
    process.ledger.count_acknowledged(batch, [batch[0].record_id], FakeSite(make_site(), StorageUnavailable("away")))
    process.use(EVERY)
    assert process.said == Usage({WRITES: EVERY})
