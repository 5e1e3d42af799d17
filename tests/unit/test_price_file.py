"""The price files: each figure with its source, and bad ones told where and how."""

from datetime import date
from decimal import Decimal

import pytest

from framewatch.domain.prices import PriceMissing
from framewatch.domain.usage import UsageKind
from framewatch.wire.price_file import (
    PRICES,
    STUDY_PRICES,
    PriceFileError,
    load_prices,
    read_price_file,
    read_price_text,
)

GOOD = """\
tables:
  - id: mine
    region: eu-west-1
    as_of: 2026-01-01
    prices:
      log_gb:
        unit: GB
        usd: 0.0000133334
        source: a page somewhere
        read_on: 2026-01-01
"""


def problems(text: str) -> list[str]:
    with pytest.raises(PriceFileError) as caught:
        read_price_text(text)
    return str(caught.value).splitlines()


def test_todays_prices_are_there_for_two_regions_and_every_kind_that_the_stack_uses() -> None:
    file = read_price_file(PRICES)
    assert [table.region for table in file.tables] == ["eu-west-1", "us-east-1"]
    # Of an own model, a table holds the endpoint only: the rest is the study's.
    elsewhere = {
        *(UsageKind.SMS_PARTS, UsageKind.NOTEBOOK_HOURS, UsageKind.TRAINING_HOURS),
        UsageKind.GPU_INSTANCE_HOURS,
    }
    for table in file.tables:
        assert set(table.prices) == set(UsageKind) - elsewhere, table.id
        assert {"ES", "GB", "US"} <= set(table.sms)


@pytest.mark.parametrize("path", [PRICES, STUDY_PRICES])
def test_every_price_says_where_it_was_read_and_when(path) -> None:
    for table in read_price_file(path).tables:
        prices = [*table.prices.values(), *table.sms.values()]
        assert all(price.read_on >= date(2019, 1, 1) for price in prices)
        # What stands on memory alone says so; what was looked up names a page, a repository or the study.
        for price in prices:
            assert price.checked == (price.source.startswith("https://") or price.source.startswith("the study this"))


def test_a_figure_is_kept_to_its_last_digit() -> None:
    of_kind = read_price_text(GOOD).table().prices[UsageKind.LOG_GB]
    assert of_kind.steps == ((None, Decimal("0.0000133334")),)
    assert load_prices("eu-west-1").prices[UsageKind.DYNAMODB_READ_UNITS].steps == ((None, Decimal("0.0000001415")),)


def test_a_region_without_prices_is_told_which_there_are() -> None:
    assert load_prices().region == "eu-west-1"
    with pytest.raises(PriceMissing, match="no prices for the region sa-east-1, only for eu-west-1, us-east-1"):
        load_prices("sa-east-1")


def test_a_file_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(PriceFileError, match=r"none\.yaml cannot be read \(No such file"):
        load_prices(path=tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            ("usd: 0.0000133334", "usd: -1"),
            "prices.yaml:8: tables[0].prices.log_gb.usd: input should be greater",
        ),
        (("        usd: 0.0000133334\n", ""), "prices.yaml:6: tables[0].prices.log_gb: has neither or both of usd"),
        (
            ("log_gb", "log_bg"),
            "tables[0].prices.log_bg.?: unknown key 'log_bg'; did you mean 'log_gb'?",
        ),
        (("unit: GB", "unit: GB\n        per_unit: 1"), "unknown key 'per_unit'; did you mean 'unit'?"),
        (("read_on: 2026-01-01", "read_on: today"), "prices.yaml:10: tables[0].prices.log_gb.read_on"),
        (("log_gb", "sms_parts"), "depends on the country; write it under sms"),
        (("region: eu-west-1", "region: Ireland"), "prices.yaml:3: tables[0].region"),
        (
            ("usd: 0.0000133334", "tiers: [{up_to: 5, usd: 1}]"),
            "prices.yaml:8: tables[0].prices.log_gb.tiers: each but the last needs up_to",
        ),
        (
            ("usd: 0.0000133334", "tiers: [{up_to: 5, usd: 1}, {up_to: 5, usd: 1}, {usd: 1}]"),
            "prices.yaml:8: tables[0].prices.log_gb.tiers: up_to does not rise",
        ),
    ],
)
def test_a_problem_is_told_with_its_line_and_the_fix(wrong: tuple[str, str], said: str) -> None:
    (problem,) = problems(GOOD.replace(*wrong))
    assert said in problem


def test_a_region_stands_once() -> None:
    (problem,) = problems(GOOD + GOOD.partition("tables:\n")[2])
    assert "prices.yaml:12: tables[1].region: eu-west-1 stands twice; remove one" in problem


def test_an_empty_file_names_one_to_start_from() -> None:
    assert problems("") == ["prices.yaml:1: file: the file is empty; start from config/prices.yaml"]
