"""The model of scale against what it stands on: counts of the processor's own app, a simulated fleet, stored forms.

Stated errors: of what a frame writes, 15 %; of what it reads, a third; of peaks, a tenth below and nothing above.
"""

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random

import pytest

from benchmarks import fleet
from framewatch.domain import estimate as model
from framewatch.domain.errors import SiteFileError
from framewatch.domain.estimate import Plan
from framewatch.domain.quotas import QUOTAS, by_what_breaks_first
from framewatch.domain.scaling import BEAT_ITEM_BYTES, BUSY, DAY_USE_BYTES_A_CAMERA, Load
from framewatch.domain.site import MAX_CAMERAS
from framewatch.domain.usage import Usage, UsageKind
from framewatch.domain.use import DayUse
from framewatch.wire.heartbeat_items import StoredHeartbeat
from framewatch.wire.site_file import load_site_text
from framewatch.wire.use_items import StoredDayUse
from lambdas.image_processor import handler
from local_cloud.scaling_guide import GUIDE, made_anew
from tests.frames import NOON, make_heartbeat

K = UsageKind
PLAN = Plan()


def test_the_table_is_the_one_that_the_model_makes_now() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert made_anew(text) == text, "run `python -m local_cloud.scaling_guide`"


def test_a_guide_without_a_place_for_the_tables_is_told() -> None:
    with pytest.raises(ValueError, match=r"scaling\.md has no marks"):
        made_anew("# Scaling\n")


@pytest.fixture
def own_log() -> Iterator[None]:
    """The app gives our loggers a handler of its own."""
    ours = logging.getLogger("framewatch")
    before = list(ours.handlers), ours.propagate, ours.level
    yield
    ours.handlers, ours.propagate, ours.level = before


@pytest.mark.usefixtures("own_log")
def test_ten_cameras_ask_of_the_processor_what_the_model_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setattr(handler, "SystemClock", fleet.Clock)
    cost = fleet.measure(10, seconds=60, least_cameras=10)
    assert cost.frames > 50
    share = cost.watched / cost.frames
    # What is not a frame's: heartbeats, health notes, alerts. The model counts them by the minute and the alert.
    alerts = cost.texts / 2
    others = 10 * model.BEAT_WRITE_UNITS + model.SHARD_WRITE_UNITS_A_MINUTE + alerts * model.ALERT_WRITE_UNITS
    written = share * model.frame_write_units(fleet.LABELS, watched=True)
    written += (1 - share) * model.frame_write_units(fleet.LABELS, watched=False)
    assert cost.written == pytest.approx(cost.frames * written + others, rel=0.15)
    read = model.FRAME_READ_UNITS + share * model.VISIT_READ_UNITS
    assert cost.read / cost.frames == pytest.approx(read, rel=0.34)
    assert cost.detections == cost.puts == cost.frames


@pytest.mark.parametrize("cameras", [10, 1_000])
def test_the_busiest_second_of_a_simulated_hour_is_what_the_model_says(cameras: int) -> None:
    rng = Random(7)  # noqa: S311  seeded on purpose
    on_s, busy = 20.0, BUSY * PLAN.gate_share
    off_s = on_s * (1 - busy) / busy
    moving = [0] * 3600
    for _ in range(cameras):
        moves, at = rng.random() < busy, 0.0
        while at < len(moving):
            until = at + rng.expovariate(1 / (on_s if moves else off_s))
            if moves:
                for second in range(round(at), min(round(until), len(moving))):
                    moving[second] += 1
            moves, at = not moves, until
    peak = Load(cameras, PLAN).frames(cameras)
    assert 0.9 * peak <= max(moving) <= peak


def test_what_is_asked_never_falls_when_a_camera_is_added_but_for_two_small_steps() -> None:
    """Above eight cameras each is counted less often, above sixteen a wall asks less often."""
    sizes = [17, 18, 50, 100, 101, 500, 999, 1_000, 1_001, 5_000, 100_000]
    for quota in QUOTAS:
        asked = [quota.demand(Load(n, PLAN)) for n in sizes]
        assert asked == sorted(asked), quota.name
        small = [quota.demand(Load(n, PLAN)) for n in range(1, 18)]
        assert small == sorted(small) or max(small) < 0.1 * quota.limit, quota.name


def test_a_quota_is_passed_by_the_first_number_that_asks_more_than_it_gives() -> None:
    for quota, passed in by_what_breaks_first(PLAN):
        if passed is None:
            assert quota.share(Load(10_000_000, PLAN)) <= 1
        else:
            assert quota.share(Load(passed, PLAN)) > 1
            assert passed == 1 or quota.share(Load(passed - 1, PLAN)) <= 1


def test_a_site_file_with_more_cameras_than_a_site_holds_is_refused() -> None:
    def site(cameras: int) -> str:
        return "cameras:\n" + "".join(f"  - id: camera-{n}\n" for n in range(cameras))

    assert len(load_site_text(site(MAX_CAMERAS)).cameras) == MAX_CAMERAS
    with pytest.raises(SiteFileError, match=r"cameras: takes at most 1000"):
        load_site_text(site(MAX_CAMERAS + 1))


def test_what_a_day_of_the_largest_site_used_fits_an_item_of_the_table() -> None:
    # Every kind that is counted for a camera, at more than a camera can use in a day.
    always = [K.IMAGES_ANALYSED, K.S3_PUT_REQUESTS, K.DYNAMODB_WRITE_UNITS, K.DYNAMODB_READ_UNITS]
    always += [K.KINESIS_GB_IN, K.KINESIS_GB_OUT]
    use = Usage(dict.fromkeys([*always, K.SMS_PARTS, K.TOPIC_PUBLISHES], Decimal("1234567.123456")))
    cameras = {f"camera-of-the-yard-{n:012}": use for n in range(MAX_CAMERAS)}
    whole = StoredDayUse.of(DayUse(date(2026, 3, 14), use, cameras, datetime.now(UTC), 500)).model_dump_json()
    assert len(whole) < 0.9 * 400 * 1024
    usual = Usage(dict.fromkeys(always, Decimal("12345.5")))
    day = DayUse(date(2026, 3, 14), usual, dict.fromkeys(cameras, usual), datetime.now(UTC), 500)
    each = len(StoredDayUse.of(day).model_dump_json()) / MAX_CAMERAS
    assert each == pytest.approx(DAY_USE_BYTES_A_CAMERA, rel=0.15)


def test_a_stored_heartbeat_weighs_what_the_model_says() -> None:
    stored = StoredHeartbeat.of(make_heartbeat(1), NOON).model_dump_json()
    assert len(stored) + 150 == pytest.approx(BEAT_ITEM_BYTES, rel=0.25)


def test_every_quota_says_where_it_stands_and_what_moves_it() -> None:
    assert all(q.source and q.moved_by and q.unit for q in QUOTAS)
    assert len({q.name for q in QUOTAS}) == len(QUOTAS)


@pytest.mark.long
@pytest.mark.usefixtures("own_log")
def test_a_frame_asks_for_no_more_in_a_larger_fleet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setattr(handler, "SystemClock", fleet.Clock)
    small, large = (fleet.measure(size, 60, least_cameras=200) for size in (10, 200))
    for name in ("requests", "read units", "write units"):
        assert large.per_frame()[name] <= fleet.MOST[name] * small.per_frame()[name], name
