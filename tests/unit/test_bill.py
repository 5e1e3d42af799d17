"""What days of use cost, in their order, and whose part of it is whose."""

from datetime import date, timedelta
from decimal import Decimal

from framewatch.domain.bill import DayFacts, Prices, bill, bill_month, mean_day
from framewatch.domain.cost import NOTHING, PriceTable, Service, Usage, UsageKind

K = UsageKind
DAY = date(2026, 3, 14)
SOURCE = {"unit": "each", "source": "made up for this test", "read_on": "2026-03-01"}
TABLE = PriceTable.model_validate(
    {
        "id": "test",
        "region": "eu-west-1",
        "as_of": "2026-03-01",
        "prices": {
            "images_analysed": SOURCE
            | {"tiers": [{"up_to": 100, "usd": "0.01"}, {"usd": "0.002"}], "free": {"per_month": 10}},
            "lambda_requests": SOURCE | {"usd": "0.5"},
            "alarms": SOURCE | {"usd": "1"},
        },
    }
)
PRICES = Prices(TABLE, Decimal("0.08"))


def facts(day: int = 0, images: dict[str, int] | None = None, shared: int = 0, **frames: int) -> DayFacts:
    by_camera = {i: Usage({K.IMAGES_ANALYSED: n}) for i, n in (images or {}).items()}
    return DayFacts(DAY + timedelta(days=day), Usage({K.LAMBDA_REQUESTS: shared}), by_camera, frames=frames)


def test_days_one_on_top_of_the_other_cost_what_the_month_costs_whole() -> None:
    days = [facts(0, {"front": 60}), facts(1, {"front": 60, "yard": 30}), facts(2, {"yard": 50})]
    bills, used = bill_month(days, ["front", "yard"], PRICES)
    assert used == Usage({K.IMAGES_ANALYSED: 200})
    assert sum(b.usd for b in bills) == PRICES.usd(used, NOTHING) == Decimal("1.1")
    assert [b.usd for b in bills] == [Decimal("0.50"), Decimal("0.50"), Decimal("0.10")]


def test_a_camera_pays_what_was_used_for_it_and_its_share_of_the_rest_by_its_frames() -> None:
    found = bill(facts(0, {"front": 20}, shared=4, front=30, yard=10), ["front", "yard"], PRICES, NOTHING)
    assert found.own == {"front": Decimal("0.1")}
    assert found.part == {"front": Decimal("1.5"), "yard": Decimal("0.5")}
    assert found.of_camera("front") + found.of_camera("yard") == found.usd
    assert found.by_service == {Service.REKOGNITION: Decimal("0.1"), Service.LAMBDA: Decimal(2)}


def test_a_day_without_a_frame_is_shared_evenly_and_the_first_free_units_by_all_who_used_them() -> None:
    found = bill(facts(0, {"front": 10, "yard": 10}, shared=2), ["front", "yard", "door"], PRICES, NOTHING)
    assert found.own == {"front": Decimal("0.05"), "yard": Decimal("0.05")}
    assert {round(part, 6) for part in found.part.values()} == {Decimal("0.333333")}


def test_what_stands_is_told_apart_and_is_in_the_sum() -> None:
    day = DayFacts(DAY, standing=Usage({K.ALARMS: 3}), frames={"front": 1})
    found = bill(day, ["front"], PRICES, NOTHING)
    assert found.standing_usd == found.usd == found.part["front"] == 3


def test_a_text_costs_what_the_site_file_says_for_each_part() -> None:
    day = DayFacts(DAY, by_camera={"front": Usage({K.SMS_PARTS: 3})})
    assert bill(day, ["front"], PRICES, NOTHING).by_service == {Service.SMS: Decimal("0.24")}


def test_days_like_these_are_their_sum_by_how_many_they_are() -> None:
    rest = mean_day(
        DAY, [facts(0, {"front": 10}, 2, front=4), facts(1, {"front": 20}, 0, front=2)], Decimal(2), Decimal(6)
    )
    assert rest.by_camera == {"front": Usage({K.IMAGES_ANALYSED: 90})}
    assert rest.shared == Usage({K.LAMBDA_REQUESTS: 6})
    assert rest.standing == NOTHING
