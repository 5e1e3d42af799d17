"""API Gateway (HTTP API, payload version 2) -> what the dashboard shows, as JSON. Nothing here changes anything."""

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial

from aws_lambda_powertools.utilities.typing import LambdaContext

from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.budget_table import DynamoBudgetTable
from framewatch.adapters.aws.clients import STORE_OF_A_PAGE, AwsClients
from framewatch.adapters.aws.count_table import DynamoCountTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.frame_pages import DynamoFramePages
from framewatch.adapters.aws.function import SystemClock, UseLog, metered, start_ledger, start_logging
from framewatch.adapters.aws.heartbeat_table import DynamoHeartbeatTable
from framewatch.adapters.aws.http_api import (
    Answers,
    Event,
    Response,
    dispatch,
    guarded,
    json_response,
    json_text,
    query_pairs,
    to_response,
)
from framewatch.adapters.aws.image_store import S3ImageStore
from framewatch.adapters.aws.limit_table import DynamoLimitTable
from framewatch.adapters.aws.seen_table import DynamoSeenTable
from framewatch.adapters.aws.site_source import S3SiteSource
from framewatch.adapters.aws.trouble_table import DynamoTroubleTable
from framewatch.adapters.aws.use_table import DynamoUseTable
from framewatch.adapters.aws.visit_table import DynamoVisitTable
from framewatch.domain.access import Caller
from framewatch.domain.errors import InvalidQuery
from framewatch.domain.standing_use import hourly_use
from framewatch.services.budget_source import TableBudget
from framewatch.services.callers_site import CallersSite
from framewatch.services.fetch_costs import CostDeps, fetch_costs
from framewatch.services.fetch_frames import FetchDeps, fetch_frames, fetch_site
from framewatch.services.fetch_health import fetch_health
from framewatch.services.fetch_latency import fetch_latency
from framewatch.services.fetch_stats import StatsDeps, fetch_stats
from framewatch.services.frames_around import FramesUp, frames_around
from framewatch.services.list_alerts import ListDeps, list_alerts, list_withheld
from framewatch.services.list_cameras import CameraDeps, list_cameras
from framewatch.services.list_snoozes import list_snoozes
from framewatch.services.list_visits import list_visits
from framewatch.services.mark_seen import fetch_me
from framewatch.services.meter_use import LedgerSite, UseLedger
from framewatch.services.ports import SeenTable
from framewatch.services.set_budget import SetBudgetDeps
from framewatch.services.set_limits import show_limits
from framewatch.services.show_budget import show_budget
from framewatch.services.spend import Books, SpendDeps
from framewatch.wire.api import parse_around_query, parse_frames_query
from framewatch.wire.api_alerts import parse_alerts_query, parse_latency_query, parse_withheld_query
from framewatch.wire.api_costs import parse_costs_query
from framewatch.wire.api_routes import READER, roles_of
from framewatch.wire.api_stats import parse_stats_query
from framewatch.wire.api_visits import parse_visits_query
from framewatch.wire.price_file import prices_near
from lambdas.frame_fetcher.openapi import document_json
from lambdas.frame_fetcher.settings import Settings

SERVICE = "frame_fetcher"
# Cameras are read side by side; more at once would only wait for the two CPUs' worth of a small function.
READERS = 8
# Lambda answers with 6 MB at most, of which names in other scripts and quotes take their part.
MAX_ANSWER_CHARS = 2_500_000

_log = logging.getLogger("framewatch.frame_fetcher")


def lambda_handler(event: Event, context: LambdaContext) -> Response:  # noqa: ARG001  Lambda hands it over
    return metered(use(), lambda: guarded(lambda: answer(event), _log))


def answer(event: Event) -> Response:
    settings()  # begins the log
    return dispatch(event, ROLES, _ANSWERS, _log)


def get_frames(event: Event, caller: Caller) -> Response:
    return to_response(fetch_frames(parse_frames_query(query_pairs(event)), deps_for(caller).frames))


def get_around(event: Event, caller: Caller) -> Response:
    found = deps_for(caller)
    return to_response(frames_around(parse_around_query(query_pairs(event)), found.frames, found.pages))


def get_alerts(event: Event, caller: Caller) -> Response:
    return to_response(list_alerts(parse_alerts_query(query_pairs(event)), deps_for(caller).alerts, caller))


def get_withheld(event: Event, caller: Caller) -> Response:
    return to_response(list_withheld(parse_withheld_query(query_pairs(event)), deps_for(caller).alerts))


def get_latency(event: Event, caller: Caller) -> Response:
    return to_response(fetch_latency(parse_latency_query(query_pairs(event)), deps_for(caller).alerts))


def get_snoozes(_: Event, caller: Caller) -> Response:
    found = deps_for(caller)
    return to_response(list_snoozes(caller, found.table, found.frames.site, found.frames.clock))


def get_visits(event: Event, caller: Caller) -> Response:
    return to_response(list_visits(parse_visits_query(query_pairs(event)), deps_for(caller).alerts))


def get_cameras(_: Event, caller: Caller) -> Response:
    return to_response(list_cameras(deps_for(caller).cameras))


def get_stats(event: Event, caller: Caller) -> Response:
    return _bounded(
        to_response(fetch_stats(parse_stats_query(query_pairs(event)), deps_for(caller).stats)),
        "give a shorter span, a longer step or fewer cameras",
    )


def get_costs(event: Event, caller: Caller) -> Response:
    return to_response(fetch_costs(parse_costs_query(query_pairs(event)), deps().costs, caller))


def get_budget(_: Event, caller: Caller) -> Response:
    return to_response(show_budget(deps_for(caller).budget, caller))


def get_health(_: Event, caller: Caller) -> Response:
    return to_response(fetch_health(deps_for(caller).cameras))


def get_limits(_: Event, caller: Caller) -> Response:
    found = deps()
    state, override = found.limits.both()
    return to_response(show_limits(found.frames.site.current(), state, override, found.frames.clock.now(), caller))


def post_rule_test(event: Event, caller: Caller) -> Response:
    # Imported late: what processes frames is much to load, and a page need not wait for it.
    from framewatch.adapters.memory import MemoryAlerts, MemoryStore, MemoryVisits  # noqa: PLC0415
    from framewatch.services.fetch_trial import TrialDeps, fetch_trial  # noqa: PLC0415
    from framewatch.services.try_rules import TrialTables  # noqa: PLC0415
    from framewatch.wire.api_rules import parse_rule_test  # noqa: PLC0415

    def new_tables() -> TrialTables:
        store = MemoryStore()
        return TrialTables(MemoryVisits(store), MemoryAlerts(store))

    frames = deps_for(caller).frames
    trial = TrialDeps(frames.site, frames.pages, frames.clock, new_tables)
    return _bounded(
        to_response(fetch_trial(parse_rule_test(json_text(event)), trial)),
        "give a shorter span, one camera or fewer rules",
    )


def _bounded(found: Response, advice: str) -> Response:
    if len(found["body"]) > MAX_ANSWER_CHARS:
        raise InvalidQuery(f"from: gives more than one answer holds; {advice}")
    return found


def get_site(_: Event, caller: Caller) -> Response:
    return to_response(fetch_site(deps_for(caller).frames))


def get_me(_: Event, caller: Caller) -> Response:
    return to_response(fetch_me(caller, deps().seen))


def get_openapi(_: Event, __: Caller) -> Response:
    return json_response(200, document_json())


ROLES = roles_of(READER)
_ANSWERS: Answers = {
    ("GET", "/v1/frames"): get_frames,
    ("GET", "/v1/frames/around"): get_around,
    ("GET", "/v1/alerts"): get_alerts,
    ("GET", "/v1/withheld"): get_withheld,
    ("GET", "/v1/latency"): get_latency,
    ("GET", "/v1/snoozes"): get_snoozes,
    ("GET", "/v1/visits"): get_visits,
    ("GET", "/v1/cameras"): get_cameras,
    ("GET", "/v1/health"): get_health,
    ("GET", "/v1/stats"): get_stats,
    ("GET", "/v1/limits"): get_limits,
    ("GET", "/v1/costs"): get_costs,
    ("GET", "/v1/budget"): get_budget,
    ("POST", "/v1/rules/test"): post_rule_test,
    ("GET", "/v1/site"): get_site,
    ("GET", "/v1/me"): get_me,
    ("GET", "/v1/openapi.json"): get_openapi,
}


@dataclass(frozen=True, slots=True)
class Deps:
    frames: FetchDeps
    pages: FramesUp
    alerts: ListDeps
    table: DynamoAlertTable
    seen: SeenTable
    cameras: CameraDeps
    stats: StatsDeps
    limits: DynamoLimitTable
    costs: CostDeps
    budget: SetBudgetDeps


def deps_for(caller: Caller) -> Deps:
    """What may be used to answer them: the whole site stays behind."""
    shared = deps()
    site = CallersSite(shared.frames.site, caller)
    return replace(
        shared,
        frames=replace(shared.frames, site=site),
        alerts=replace(shared.alerts, site=site),
        cameras=replace(shared.cameras, site=site),
        stats=replace(shared.stats, site=site),
        budget=replace(shared.budget, site=site),
    )


@cache
def use() -> UseLedger:
    found = start_ledger(SERVICE)
    found.keep_in(UseLog(_log))
    return found


@cache
def settings() -> Settings:
    """Read once a process, by its first request, which also begins the log. Raises SettingsError."""
    found = Settings.read(os.environ)
    start_logging(SERVICE, found)
    return found


@cache
def deps() -> Deps:
    """Built once a process, by its first request that is let in; with the whole site. Raises SettingsError."""
    told = settings()
    aws = AwsClients(workers=READERS, use=use(), store=STORE_OF_A_PAGE)
    clock = SystemClock()
    s3, dynamodb = aws.s3(), aws.dynamodb()
    site = LedgerSite(S3SiteSource(s3, told.config_bucket, told.site_key, clock), use())
    images = S3ImageStore(s3, told.frames_bucket)
    pages = DynamoFramePages(dynamodb, told.table, clock)
    table = DynamoTable(dynamodb, told.table)
    alerts = DynamoAlertTable(table)
    counts = DynamoCountTable(table)
    budget_table = DynamoBudgetTable(table)
    budget = TableBudget(budget_table, clock)
    prices = partial(prices_near, dynamodb.meta.region_name)
    executor = ThreadPoolExecutor(READERS, thread_name_prefix="read")
    return Deps(
        frames=FetchDeps(
            site=site,
            pages=pages,
            images=images,
            clock=clock,
            image_url_ttl=told.image_url_ttl,
            executor=executor,
        ),
        pages=pages,
        alerts=ListDeps(
            site=site,
            alerts=alerts.newest_first,
            visits=DynamoVisitTable(table).newest_first,
            images=images,
            clock=clock,
            image_url_ttl=told.image_url_ttl,
            executor=executor,
        ),
        table=alerts,
        seen=DynamoSeenTable(table),
        cameras=CameraDeps(
            site=site,
            heartbeats=DynamoHeartbeatTable(table),
            troubles=DynamoTroubleTable(table),
            frames=pages,
            images=images,
            clock=clock,
            image_url_ttl=told.image_url_ttl,
            budget=budget,
            executor=executor,
        ),
        stats=StatsDeps(site=site, counts=counts, clock=clock, executor=executor),
        limits=DynamoLimitTable(table),
        costs=CostDeps(
            site=site,
            books=Books(SpendDeps(DynamoUseTable(table), counts, prices, hourly_use, executor)),
            budget=budget,
            clock=clock,
        ),
        budget=SetBudgetDeps(site, budget_table, clock),
    )
