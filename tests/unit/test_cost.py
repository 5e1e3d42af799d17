"""Pricing: tiers and free tiers by calendar month, exact, and the same in pieces as whole."""

import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framewatch.domain.cost import Free, Service, Usage, UsageKind, price
from framewatch.domain.prices import Price, PriceMissing, PriceTable

IMAGES, LOGS, TEXTS, SHARDS = (
    UsageKind.IMAGES_ANALYSED,
    UsageKind.LOG_GB,
    UsageKind.SMS_PARTS,
    UsageKind.KINESIS_SHARD_HOURS,
)


def a_price(**fields: object) -> Price:
    known = {"unit": "thing", "source": "made up for a test", "read_on": date(2026, 1, 1)}
    return Price.model_validate(known | fields)


TIERED = a_price(
    tiers=[{"up_to": 1000, "usd": 10}, {"up_to": 5000, "usd": 8}, {"usd": 5}],
    per=1000,
    free={"per_month": 100, "first_year_only": True},
)
TABLE = PriceTable(
    id="made-up",
    region="eu-west-1",
    as_of=date(2026, 1, 1),
    prices={IMAGES: TIERED, LOGS: a_price(usd="0.57", free={"per_month": 5}), SHARDS: a_price(usd="0.017")},
    sms={"ES": a_price(usd="0.08802"), "JP": a_price(usd="0.07451", checked=False)},
)


def usd(amount: object, kind: UsageKind = IMAGES, so_far: object = 0, free: Free = Free.NONE) -> Decimal:
    before = Usage({kind: Decimal(str(so_far))})
    return price(Usage({kind: Decimal(str(amount))}), TABLE, month_so_far=before, free=free, sms_country="ES").usd


# -- tiers and free tiers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("images", "by_hand"),
    [
        (1, "0.01"),
        (1000, "10"),
        (1001, "10.008"),  # 1000 x 0.01 + 1 x 0.008
        (5000, "42"),  # 10 + 4000 x 0.008
        (6000, "47"),  # 42 + 1000 x 0.005
    ],
)
def test_each_tier_prices_the_units_inside_it_and_no_others(images: int, by_hand: str) -> None:
    assert usd(images) == Decimal(by_hand)


def test_what_the_month_has_seen_decides_the_tier() -> None:
    assert usd(1000, so_far=4500) == Decimal("6.5")  # 500 x 0.008 + 500 x 0.005
    assert usd(1000, so_far=1_000_000) == Decimal(5)


def test_a_line_says_how_many_units_were_priced_at_what() -> None:
    (line,) = price(Usage({IMAGES: 1200}), TABLE, free=Free.FIRST_YEAR).lines
    assert (line.quantity, line.free) == (1200, 100)
    assert [(s.quantity, s.usd_each) for s in line.shares] == [(900, Decimal("0.01")), (200, Decimal("0.008"))]
    assert line.usd == Decimal("10.6")


@pytest.mark.parametrize(
    ("free", "images", "logs"), [(Free.NONE, 1, "3.42"), (Free.ALWAYS, 1, "0.57"), (Free.FIRST_YEAR, 0, "0.57")]
)
def test_which_free_tiers_count_is_asked_for(free: Free, images: int, logs: str) -> None:
    assert usd(100, IMAGES, free=free) == images
    assert usd(6, LOGS, free=free) == Decimal(logs)


def test_a_free_tier_is_used_up_once_a_month() -> None:
    assert usd(2, LOGS, so_far=4, free=Free.ALWAYS) == Decimal("0.57")
    assert usd(2, LOGS, so_far=5, free=Free.ALWAYS) == Decimal("1.14")


def test_a_text_has_its_countrys_price() -> None:
    two = Usage({TEXTS: 2})
    assert price(two, TABLE, sms_country="ES").usd == Decimal("0.17604")
    assert price(two, TABLE, sms_country="JP").usd == Decimal("0.14902")
    with pytest.raises(PriceMissing, match="no price for a text to IT, only for ES, JP; add it there under sms"):
        price(two, TABLE, sms_country="IT")
    with pytest.raises(PriceMissing, match="which country's price is asked for"):
        price(two, TABLE)


def test_what_has_no_price_is_named_and_never_taken_for_free() -> None:
    with pytest.raises(PriceMissing, match="made-up has no price for kms_keys; add it there under prices"):
        price(Usage({UsageKind.KMS_KEYS: 1}), TABLE)


def test_a_table_sums_by_service_and_tells_what_nobody_looked_up() -> None:
    table = price(Usage({IMAGES: 1000, LOGS: 1, SHARDS: 24, TEXTS: 3}), TABLE, sms_country="JP")
    assert table.by_service() == {
        Service.REKOGNITION: 10,
        Service.SMS: Decimal("0.22353"),
        Service.KINESIS: Decimal("0.408"),
        Service.CLOUDWATCH: 0,  # used, and free
    }
    assert table.usd == Decimal("10.63153")
    assert table.unchecked() == [TEXTS]
    as_json = json.loads(json.dumps(table.as_json()))
    assert (as_json["usd"], as_json["services"]["Kinesis"]) == ("10.63153", "0.408")


amounts = st.decimals(min_value=0, max_value=10_000, places=3)
tables = st.builds(
    lambda steps, last, free: a_price(
        tiers=[{"up_to": up_to, "usd": cents} for up_to, cents in sorted(steps.items())] + [{"usd": last}],
        **({"free": {"per_month": free}} if free else {}),
    ),
    st.dictionaries(st.integers(1, 9000), st.decimals(0, 10, places=4), max_size=4),
    st.decimals(0, 10, places=4),
    st.integers(0, 5000),
)


def of_month(of_kind: Price, so_far: Decimal, more: Decimal) -> Decimal:
    table = TABLE.model_copy(update={"prices": {IMAGES: of_kind}})
    return price(Usage({IMAGES: more}), table, month_so_far=Usage({IMAGES: so_far})).usd


@given(tables, st.lists(amounts, max_size=8))
def test_a_month_in_pieces_costs_what_it_costs_whole(of_kind: Price, pieces: list[Decimal]) -> None:
    so_far, paid = Decimal(0), Decimal(0)
    for piece in pieces:
        paid += of_month(of_kind, so_far, piece)
        so_far += piece
    assert paid == of_month(of_kind, Decimal(0), so_far)


@given(tables, amounts, amounts)
def test_more_never_costs_less(of_kind: Price, some: Decimal, more: Decimal) -> None:
    assert 0 <= of_month(of_kind, Decimal(0), some) <= of_month(of_kind, Decimal(0), some + more)


# -- amounts --------------------------------------------------------------------------------------------------------


def test_usages_add_up_exactly_and_hold_no_noughts() -> None:
    tenth = Usage({LOGS: 0.1, IMAGES: 0})
    assert tenth + tenth + tenth == Usage({LOGS: "0.3"})
    assert list(tenth) == [LOGS]
    assert (tenth * 30 - tenth).amount(LOGS) == Decimal("2.9")
    assert tenth / 2 == Usage({LOGS: "0.05"})
    assert len(Usage({IMAGES: 0})) == 0


@given(st.dictionaries(st.sampled_from(UsageKind), amounts))
def test_a_usage_survives_json(found: dict[UsageKind, Decimal]) -> None:
    usage = Usage(found)
    assert Usage.from_json(json.loads(json.dumps(usage.as_json()))) == usage


def test_a_kind_that_a_later_build_counts_is_left_out() -> None:
    assert Usage.from_json({"log_gb": "1", "moon_rocks": "7"}) == Usage({LOGS: 1})


@pytest.mark.parametrize("wrong", [-1, "NaN", "Infinity"])
def test_what_nobody_can_use_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"log_gb: .* is no amount"):
        Usage({LOGS: wrong})


def test_every_kind_belongs_to_a_service() -> None:
    assert {kind.service for kind in UsageKind} == set(Service)
