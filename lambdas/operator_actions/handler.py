"""API Gateway (HTTP API, payload version 2) -> what somebody who is signed in does about alerts, and has seen.

Of its own, so that the function that reads may write nothing. It reads no pictures, and texts nobody.
"""

import logging
import os
from dataclasses import dataclass, replace
from functools import cache

from aws_lambda_powertools.utilities.typing import LambdaContext

from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.budget_table import DynamoBudgetTable
from framewatch.adapters.aws.clients import STORE_OF_A_PAGE, AwsClients
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.function import FunctionSettings, SystemClock, metered, start_ledger, start_logging
from framewatch.adapters.aws.http_api import (
    Answers,
    Event,
    Response,
    dispatch,
    guarded,
    json_text,
    to_response,
)
from framewatch.adapters.aws.limit_table import DynamoLimitTable
from framewatch.adapters.aws.seen_table import DynamoSeenTable
from framewatch.adapters.aws.site_source import S3SiteSource
from framewatch.adapters.aws.use_table import DynamoUseTable
from framewatch.domain.access import Caller
from framewatch.services.act_on_alerts import ActDeps, answer_alert, end_snooze, note_alert
from framewatch.services.callers_site import CallersSite
from framewatch.services.mark_seen import SeenDeps, mark_seen
from framewatch.services.meter_use import LedgerSite, UseLedger
from framewatch.services.set_budget import SetBudgetDeps, set_budget
from framewatch.services.set_limits import LimitDeps, set_limits
from framewatch.wire.api_actions import parse_answer, parse_end_snooze, parse_note, parse_seen
from framewatch.wire.api_budget import parse_budget
from framewatch.wire.api_limits import parse_limits
from framewatch.wire.api_routes import ACTOR, roles_of

SERVICE = "operator_actions"

_log = logging.getLogger("framewatch.operator_actions")


def lambda_handler(event: Event, context: LambdaContext) -> Response:  # noqa: ARG001  Lambda hands it over
    return metered(use(), lambda: guarded(lambda: answer(event), _log))


def answer(event: Event) -> Response:
    settings()  # begins the log
    return dispatch(event, ROLES, _ANSWERS, _log)


def post_answer(event: Event, caller: Caller) -> Response:
    return to_response(answer_alert(parse_answer(json_text(event)), caller, deps_for(caller)))


def post_note(event: Event, caller: Caller) -> Response:
    return to_response(note_alert(parse_note(json_text(event)), caller, deps_for(caller)))


def post_snooze_end(event: Event, caller: Caller) -> Response:
    return to_response(end_snooze(parse_end_snooze(json_text(event)), caller, deps_for(caller)))


def post_seen(event: Event, caller: Caller) -> Response:
    return to_response(mark_seen(parse_seen(json_text(event)), caller, deps().seen))


def post_limits(event: Event, caller: Caller) -> Response:
    return to_response(set_limits(parse_limits(json_text(event)), caller, deps().limits))


def post_budget(event: Event, caller: Caller) -> Response:
    shared = deps().budget
    own = replace(shared, site=CallersSite(shared.site, caller))
    return to_response(set_budget(parse_budget(json_text(event)), caller, own))


ROLES = roles_of(ACTOR)
_ANSWERS: Answers = {
    ("POST", "/v1/alerts/answer"): post_answer,
    ("POST", "/v1/alerts/notes"): post_note,
    ("POST", "/v1/snoozes/end"): post_snooze_end,
    ("POST", "/v1/me/seen"): post_seen,
    ("POST", "/v1/limits"): post_limits,
    ("POST", "/v1/budget"): post_budget,
}


@dataclass(frozen=True, slots=True)
class Deps:
    acts: ActDeps
    seen: SeenDeps
    limits: LimitDeps
    budget: SetBudgetDeps


def deps_for(caller: Caller) -> ActDeps:
    """What may be used to do what they say: the whole site stays behind."""
    shared = deps().acts
    return replace(shared, site=CallersSite(shared.site, caller))


@cache
def use() -> UseLedger:
    return start_ledger(SERVICE)


@cache
def settings() -> FunctionSettings:
    """Read once a process, by its first request, which also begins the log. Raises SettingsError."""
    found = FunctionSettings.read(os.environ)
    start_logging(SERVICE, found)
    return found


@cache
def deps() -> Deps:
    """Built once a process, by its first request that is let in; with the whole site. Raises SettingsError."""
    told = settings()
    aws = AwsClients(workers=1, use=use(), store=STORE_OF_A_PAGE)
    clock = SystemClock()
    site = LedgerSite(S3SiteSource(aws.s3(), told.config_bucket, told.site_key, clock), use())
    table = DynamoTable(aws.dynamodb(), told.table)
    use().keep_in(DynamoUseTable(table))
    return Deps(
        acts=ActDeps(site=site, alerts=DynamoAlertTable(table), clock=clock),
        seen=SeenDeps(site=site, seen=DynamoSeenTable(table), clock=clock),
        limits=LimitDeps(site=site, overrides=DynamoLimitTable(table), clock=clock),
        budget=SetBudgetDeps(site=site, budget=DynamoBudgetTable(table), clock=clock),
    )
