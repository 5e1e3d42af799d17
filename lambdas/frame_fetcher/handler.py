"""API Gateway (HTTP API, payload version 2) -> frames, alerts and what became of them, or the site, as JSON.

Routes are a few addresses that are looked up. Powertools' resolver is not used: it imports every kind of event and
API that it knows, an eighth of the cold start that somebody waits for before a page.
"""

import base64
import binascii
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.clients import AwsClients
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.frame_pages import DynamoFramePages
from framewatch.adapters.aws.function import SystemClock, start_logging
from framewatch.adapters.aws.image_store import S3ImageStore
from framewatch.adapters.aws.site_source import S3SiteSource
from framewatch.adapters.aws.visit_table import DynamoVisitTable
from framewatch.domain.access import refusal
from framewatch.domain.errors import InvalidQuery, RetryableError, SiteFileError
from framewatch.services.fetch_frames import FetchDeps, fetch_frames, fetch_site
from framewatch.services.fetch_latency import fetch_latency
from framewatch.services.list_alerts import ListDeps, list_alerts, list_withheld
from framewatch.wire.api import ErrorBody, ErrorDetail, parse_frames_query
from framewatch.wire.api_alerts import parse_alerts_query, parse_latency_query, parse_withheld_query
from framewatch.wire.caller import read_caller
from lambdas.frame_fetcher.openapi import ROUTES, document_json
from lambdas.frame_fetcher.settings import Settings

Event = dict[str, Any]
Response = dict[str, Any]

SERVICE = "frame_fetcher"
# Cameras are read side by side; more at once would only wait for the two CPUs' worth of a small function.
READERS = 8
RETRY_AFTER_S = 2
# Lambda answers with 6 MB at most, of which names in other scripts and quotes take their part.
MAX_ANSWER_CHARS = 2_500_000

_log = logging.getLogger("framewatch.frame_fetcher")


def lambda_handler(event: Event, context: LambdaContext) -> Response:  # noqa: ARG001  Lambda hands it over
    try:
        settings()  # begins the log
        return answer(event)
    except InvalidQuery as error:
        return refuse(error)
    except (RetryableError, SiteFileError) as error:
        return ask_later(error)
    except Exception as error:  # noqa: BLE001  the edge: an answer of ours, and the trace in the log
        return admit(error)


def answer(event: Event) -> Response:
    """What API Gateway's authorizer lets in is whoever is signed in; what they may ask is decided here.

    A request that no authorizer has looked at is refused too, so that a route that was deployed without one by
    mistake stays closed.
    """
    path = event["rawPath"]
    route = (event["requestContext"]["http"]["method"], path)
    needed = ROUTES.get(route)
    if needed is None:
        known = ", ".join(f"{method} {path}" for method, path in ROUTES)
        return _error(404, "not_found", f"no such address; there are {known}")
    caller = read_caller(event)
    if why := refusal(needed, caller):
        _log.warning("refused %s to %s: %s", path, caller.subject if caller else "nobody", why)
        return _error(403, "forbidden", why)
    return _ANSWERS[route](event)


def get_frames(event: Event) -> Response:
    return to_response(fetch_frames(parse_frames_query(query_pairs(event)), deps().frames))


def get_alerts(event: Event) -> Response:
    return to_response(list_alerts(parse_alerts_query(query_pairs(event)), deps().alerts))


def get_withheld(event: Event) -> Response:
    return to_response(list_withheld(parse_withheld_query(query_pairs(event)), deps().alerts))


def get_latency(event: Event) -> Response:
    return to_response(fetch_latency(parse_latency_query(query_pairs(event)), deps().alerts))


def post_rule_test(event: Event) -> Response:
    # Imported late: what processes frames is much to load, and a page need not wait for it.
    from framewatch.adapters.memory import MemoryAlerts, MemoryStore, MemoryVisits  # noqa: PLC0415
    from framewatch.services.fetch_trial import TrialDeps, fetch_trial  # noqa: PLC0415
    from framewatch.services.try_rules import TrialTables  # noqa: PLC0415
    from framewatch.wire.api_rules import parse_rule_test  # noqa: PLC0415

    def new_tables() -> TrialTables:
        store = MemoryStore()
        return TrialTables(MemoryVisits(store), MemoryAlerts(store))

    frames = deps().frames
    trial = TrialDeps(frames.site, frames.pages, frames.clock, new_tables)
    found = to_response(fetch_trial(parse_rule_test(body_text(event)), trial))
    if len(found["body"]) > MAX_ANSWER_CHARS:
        raise InvalidQuery("from: gives more than one answer holds; give a shorter span, one camera or fewer rules")
    return found


def get_site(event: Event) -> Response:  # noqa: ARG001
    return to_response(fetch_site(deps().frames))


def get_openapi(event: Event) -> Response:  # noqa: ARG001
    return _json(200, document_json())


_ANSWERS: dict[tuple[str, str], Callable[[Event], Response]] = {
    ("GET", "/v1/frames"): get_frames,
    ("GET", "/v1/alerts"): get_alerts,
    ("GET", "/v1/withheld"): get_withheld,
    ("GET", "/v1/latency"): get_latency,
    ("POST", "/v1/rules/test"): post_rule_test,
    ("GET", "/v1/site"): get_site,
    ("GET", "/v1/openapi.json"): get_openapi,
}


@dataclass(frozen=True, slots=True)
class Deps:
    frames: FetchDeps
    alerts: ListDeps


@cache
def settings() -> Settings:
    """Read once a process, by its first request, which also begins the log. Raises SettingsError."""
    found = Settings.read(os.environ)
    start_logging(SERVICE, found)
    return found


@cache
def deps() -> Deps:
    """Built once a process, by its first request that is let in. Raises SettingsError."""
    told = settings()
    aws = AwsClients(workers=READERS)
    clock = SystemClock()
    s3, dynamodb = aws.s3(), aws.dynamodb()
    site = S3SiteSource(s3, told.config_bucket, told.site_key, clock)
    images = S3ImageStore(s3, told.frames_bucket)
    table = DynamoTable(dynamodb, told.table)
    executor = ThreadPoolExecutor(READERS, thread_name_prefix="read")
    return Deps(
        frames=FetchDeps(
            site=site,
            pages=DynamoFramePages(dynamodb, told.table, clock),
            images=images,
            clock=clock,
            image_url_ttl=told.image_url_ttl,
            executor=executor,
        ),
        alerts=ListDeps(
            site=site,
            alerts=DynamoAlertTable(table).newest_first,
            visits=DynamoVisitTable(table).newest_first,
            images=images,
            clock=clock,
            image_url_ttl=told.image_url_ttl,
            executor=executor,
        ),
    )


def query_pairs(event: Event) -> Sequence[tuple[str, str]]:
    """The query as it was sent: API Gateway's own reading joins a repeated parameter with commas."""
    raw = event.get("rawQueryString")
    if raw is None:
        return list((event.get("queryStringParameters") or {}).items())
    try:
        return parse_qsl(raw, keep_blank_values=True, max_num_fields=30)
    except ValueError:
        raise InvalidQuery("the query string holds too many parameters") from None


def body_text(event: Event) -> str:
    """Raises InvalidQuery."""
    body: str = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return body
    try:
        return base64.b64decode(body, validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidQuery("body: must be text in UTF-8") from None


def to_response(answer: BaseModel) -> Response:
    return _json(200, answer.model_dump_json(by_alias=True))


def refuse(error: InvalidQuery) -> Response:
    return _error(400, "invalid_parameter", str(error))


def ask_later(error: RetryableError | SiteFileError) -> Response:
    """What failed stands in the log: bucket and table names are nobody else's business."""
    _log.error("not answered: %s", error)
    if isinstance(error, SiteFileError):
        message = "the site file is missing or wrong; see the log of this function, or run `pynt configure`"
    else:
        message = "a store does not answer; try again"
    return _error(503, "unavailable", message, {"Retry-After": str(RETRY_AFTER_S)})


def admit(error: Exception) -> Response:
    _log.error("failed", exc_info=error)
    return _error(500, "internal", "something is wrong on our side; it is in the log of this function")


def _error(status: int, code: Any, message: str, headers: dict[str, str] | None = None) -> Response:
    return _json(status, ErrorBody(error=ErrorDetail(code=code, message=message)).model_dump_json(), headers)


def _json(status: int, body: str, headers: dict[str, str] | None = None) -> Response:
    # Answers hold links that expire and pictures of people: nothing in between may keep them.
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store", **(headers or {})}
    return {"statusCode": status, "headers": headers, "body": body, "isBase64Encoded": False}
