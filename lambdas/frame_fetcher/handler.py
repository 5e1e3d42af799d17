"""API Gateway (HTTP API, payload version 2) -> one page of frames, or the site, as JSON.

Routes are three addresses that are looked up. Powertools' resolver is not used: it imports every kind of event and
API that it knows, an eighth of the cold start that somebody waits for before a page.
"""

import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from framewatch.adapters.aws.clients import AwsClients
from framewatch.adapters.aws.frame_pages import DynamoFramePages
from framewatch.adapters.aws.function import SystemClock, start_logging
from framewatch.adapters.aws.image_store import S3ImageStore
from framewatch.adapters.aws.site_source import S3SiteSource
from framewatch.domain.access import refusal
from framewatch.domain.errors import InvalidQuery, RetryableError, SiteFileError
from framewatch.services.fetch_frames import FetchDeps, fetch_frames, fetch_site
from framewatch.wire.api import ErrorBody, ErrorDetail, parse_frames_query
from framewatch.wire.caller import read_caller
from lambdas.frame_fetcher.openapi import ROUTES, document_json
from lambdas.frame_fetcher.settings import Settings

Event = dict[str, Any]
Response = dict[str, Any]

SERVICE = "frame_fetcher"
# Cameras are read side by side; more at once would only wait for the two CPUs' worth of a small function.
READERS = 8
RETRY_AFTER_S = 2

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
    path, needed = event["rawPath"], ROUTES.get(event["rawPath"])
    if needed is None or event["requestContext"]["http"]["method"] != "GET":
        return _error(404, "not_found", f"no such address; GET answers {', '.join(ROUTES)}")
    caller = read_caller(event)
    if why := refusal(needed, caller):
        _log.warning("refused %s to %s: %s", path, caller.subject if caller else "nobody", why)
        return _error(403, "forbidden", why)
    return _GET[path](event)


def get_frames(event: Event) -> Response:
    return to_response(fetch_frames(parse_frames_query(query_pairs(event)), deps()))


def get_site(event: Event) -> Response:  # noqa: ARG001
    return to_response(fetch_site(deps()))


def get_openapi(event: Event) -> Response:  # noqa: ARG001
    return _json(200, document_json())


_GET: dict[str, Callable[[Event], Response]] = {
    "/v1/frames": get_frames,
    "/v1/site": get_site,
    "/v1/openapi.json": get_openapi,
}


@cache
def settings() -> Settings:
    """Read once a process, by its first request, which also begins the log. Raises SettingsError."""
    found = Settings.read(os.environ)
    start_logging(SERVICE, found)
    return found


@cache
def deps() -> FetchDeps:
    """Built once a process, by its first request that is let in. Raises SettingsError."""
    told = settings()
    aws = AwsClients(workers=READERS)
    clock = SystemClock()
    s3 = aws.s3()
    return FetchDeps(
        site=S3SiteSource(s3, told.config_bucket, told.site_key, clock),
        pages=DynamoFramePages(aws.dynamodb(), told.table, clock),
        images=S3ImageStore(s3, told.frames_bucket),
        clock=clock,
        image_url_ttl=told.image_url_ttl,
        executor=ThreadPoolExecutor(READERS, thread_name_prefix="read"),
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


def to_response(answer: BaseModel) -> Response:
    return _json(200, answer.model_dump_json())


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
