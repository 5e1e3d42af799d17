"""`framewatch-local cost`: what a plan of cameras will cost, in a line first, and what each change to it would.

Nothing is started, and nobody is asked: the estimator, the price file, and, where one is named, the site file.
"""

import argparse
import os
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import phonenumbers
from pydantic import ValidationError

from framewatch.domain.cost import CostTable, Free, PriceMissing, PriceTable, price
from framewatch.domain.errors import SiteFileError
from framewatch.domain.estimate import Estimate, Plan, PlanProblem, estimate
from framewatch.domain.site import SiteConfig
from framewatch.wire.price_file import PRICES, PriceFileError, load_prices
from framewatch.wire.site_file import load_site_text
from local_cloud.cost_tables import as_csv, as_json, as_text
from local_cloud.problem import LocalProblem

DEFAULT_COUNTRY = "ES"
# What an alternative may change beside the plan itself.
_WHERE = ("region", "sms_country", "free_tier")
_FORMATS = {"text": as_text, "json": as_json, "csv": as_csv}


@dataclass(frozen=True, slots=True)
class Choice:
    """A plan, where it runs, and how it is priced. name: empty for the plan itself, else what it changes."""

    settings: Mapping[str, Any]
    region: str | None = None
    sms_country: str | None = None
    free: Free = Free.ALWAYS
    prices: Path = PRICES
    name: str = ""


@dataclass(frozen=True, slots=True)
class Priced:
    name: str
    estimate: Estimate
    cost: CostTable
    table: PriceTable
    free: Free


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """An option for each setting of the plan; what is left out is the site file's, or the plan's own default."""
    for name, field in Plan.model_fields.items():
        default = "one that grows" if field.default is None else f"{field.default:g}"
        parser.add_argument(_option(name), metavar="N", help=f"{field.description} (default {default})")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="a site file: cameras, retention, shards, who is told"
    )
    parser.add_argument("--region", metavar="REGION", help="whose prices (default eu-west-1)")
    parser.add_argument(
        "--sms-country", metavar="ES", help=f"where texts go, two letters (default {DEFAULT_COUNTRY})"
    )
    tiers = parser.add_mutually_exclusive_group()
    tiers.add_argument(
        "--free-tier",
        choices=[f.value for f in Free],
        default=Free.ALWAYS.value,
        help="which are taken off: those that never end (always), those of a first year, too, or none",
    )
    tiers.add_argument("--no-free-tier", action="store_const", const=Free.NONE.value, dest="free_tier")
    parser.add_argument("--prices", type=Path, default=PRICES, metavar="FILE", help="instead of config/prices.yaml")
    parser.add_argument("--format", choices=list(_FORMATS), default="text")
    parser.add_argument(
        "--compare",
        action="append",
        default=[],
        metavar="'fps=0.5 hours=8'",
        help="another plan beside this one: what it changes; give it several times for several",
    )


def run_cost(args: argparse.Namespace) -> int:
    """0. Raises LocalProblem."""
    given = {name: value for name in Plan.model_fields if (value := getattr(args, name)) is not None}
    settings, country = _of_site(args.config) if args.config is not None else ({}, None)
    choice = Choice(
        settings | given,
        args.region,
        args.sms_country or country or DEFAULT_COUNTRY,
        Free(args.free_tier),
        args.prices,
    )
    priced = [price_choice(choice), *(price_choice(changed(choice, text)) for text in args.compare)]
    try:
        print(_FORMATS[args.format](priced), flush=True)
    except BrokenPipeError:
        # Whoever reads has seen enough, as `| head` has; the rest goes nowhere, and nobody complains of it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def price_choice(choice: Choice) -> Priced:
    """Raises LocalProblem."""
    where = f"--compare {choice.name!r}: " if choice.name else ""
    try:
        table = load_prices(choice.region, choice.prices)
        plan = Plan.model_validate(dict(choice.settings))
        found = estimate(plan)
        cost = price(found.month, table, free=choice.free, sms_country=choice.sms_country)
    except ValidationError as error:
        first = error.errors()[0]
        name, said = str(first["loc"][0]), first["msg"].partition(",")[0]
        raise LocalProblem(
            f"{where}{_option(name)} {first['input']}: {said[:1].lower()}{said[1:]}; it is meant to say"
            f" {Plan.model_fields[name].description}."
        ) from None
    except PriceFileError as error:
        raise LocalProblem(f"{error}.") from None
    except (PriceMissing, PlanProblem) as error:
        said = str(error)
        raise LocalProblem(f"{where}{said[:1].upper()}{said[1:]}.") from None
    return Priced(choice.name, found, cost, table, choice.free)


def changed(choice: Choice, text: str) -> Choice:
    """text: `fps=0.5 hours=8`. Raises LocalProblem."""
    settings, where = dict(choice.settings), {}
    for part in re.split(r"[\s,]+", text.strip()):
        name, equals, value = part.partition("=")
        name = name.lstrip("-").replace("-", "_")
        if not equals or not value:
            raise LocalProblem(f"--compare {text!r}: write what changes as name=value, such as 'fps=0.5 hours=8'.")
        if name in Plan.model_fields:
            settings[name] = value
        elif name in _WHERE:
            where[name] = value
        else:
            known = ", ".join([*Plan.model_fields, *_WHERE])
            raise LocalProblem(f"--compare {text!r}: there is no {name!r} to change; there are {known}.")
    if where.get("free_tier", Free.NONE.value) not in {f.value for f in Free}:
        raise LocalProblem(f"--compare {text!r}: free_tier is one of {', '.join(f.value for f in Free)}.")
    return replace(
        choice,
        settings=settings,
        region=where.get("region", choice.region),
        sms_country=where.get("sms_country", choice.sms_country),
        free=Free(where.get("free_tier", choice.free.value)),
        name=text.strip(),
    )


def _of_site(path: Path) -> tuple[dict[str, Any], str | None]:
    """What a site file says of a plan, and where most of its texts go. Raises LocalProblem."""
    try:
        site = load_site_text(path.read_bytes(), path.name)
    except OSError as error:
        raise LocalProblem(f"{path} cannot be read: {error.strerror}.") from None
    except SiteFileError as error:
        raise LocalProblem(str(error)) from None
    settings: dict[str, Any] = {
        "cameras": len(site.cameras),
        "retention_days": site.retention.frames_days,
        "metadata_days": site.retention.metadata_days,
        "shards": site.deployment.shards,
        "window_s": site.deployment.window_s,
        "log_days": site.deployment.log_days,
    }
    if site.all_rules:
        told = [len(set(rule.notify) & site.texted_phones.keys()) for rule in site.all_rules]
        settings["texts_per_alert"] = sum(told) / len(told)
    return settings, _country_of(site)


def _country_of(site: SiteConfig) -> str | None:
    countries: Counter[str] = Counter()
    for phone in site.texted_phones.values():
        if country := phonenumbers.region_code_for_number(phonenumbers.parse(phone)):
            countries[country] += 1
    return countries.most_common(1)[0][0] if countries else None


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def options_of(keywords: Mapping[str, str]) -> Sequence[str]:
    """Those of a task, such as `cameras=6`, as this command takes them; `compare=a=1;b=2` are two alternatives."""
    options: list[str] = []
    for name, value in keywords.items():
        for each in value.split(";") if name == "compare" else [value]:
            options += [_option(name), each]
    return options
