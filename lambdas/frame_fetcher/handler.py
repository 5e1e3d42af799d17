"""API Gateway (HTTP API, payload version 2) -> one page of frames, or the site, as JSON.

Powertools routes. Its own validation is not used: it answers 422 in a form of its own, where the API's models already
say which parameter is wrong and what is allowed.
"""

import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from framewatch.adapters.aws.clients import AwsClients
from framewatch.adapters.aws.frame_pages import DynamoFramePages
from framewatch.adapters.aws.function import SystemClock, start_logging
from framewatch.adapters.aws.image_store import S3ImageStore
from framewatch.adapters.aws.site_source import S3SiteSource
from framewatch.domain.access import Role, refusal
from framewatch.domain.errors import InvalidQuery, RetryableError, SiteFileError
from framewatch.services.fetch_frames import FetchDeps, fetch_frames, fetch_site
from framewatch.wire.api import ErrorBody, ErrorDetail, parse_frames_query
from framewatch.wire.caller import read_caller
from lambdas.frame_fetcher.openapi import ROUTES, document_json
from lambdas.frame_fetcher.settings import Settings

SERVICE = "frame_fetcher"
# Cameras are read side by side; more at once would only wait for the two CPUs' worth of a small function.
READERS = 8
RETRY_AFTER_S = 2

_log = logging.getLogger("framewatch.frame_fetcher")


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return app().resolve(event, context)


def get_frames() -> Response[str]:
    return to_response(fetch_frames(parse_frames_query(query_pairs(app().current_event.raw_event)), deps()))


def get_site() -> Response[str]:
    return to_response(fetch_site(deps()))


def get_openapi() -> Response[str]:
    return _json(200, document_json())


@cache
def app() -> APIGatewayHttpResolver:
    resolver = APIGatewayHttpResolver()
    handlers = {"/v1/frames": get_frames, "/v1/site": get_site, "/v1/openapi.json": get_openapi}
    for route, needed in ROUTES.items():
        resolver.get(route, middlewares=[only(needed)])(handlers[route])
    resolver.exception_handler(InvalidQuery)(refuse)
    resolver.exception_handler([RetryableError, SiteFileError])(ask_later)
    resolver.exception_handler(Exception)(admit)
    resolver.not_found(say_not_found)
    return resolver


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


def only(needed: Role) -> Callable[[APIGatewayHttpResolver, NextMiddleware], Response[str]]:
    """A route's middleware. API Gateway's authorizer lets in whoever is signed in; what they may do is decided here.

    A request that no authorizer has looked at is refused too, so that a route that was deployed without one by
    mistake stays closed.
    """

    def check(this: APIGatewayHttpResolver, go_on: NextMiddleware) -> Response[str]:
        settings()  # begins the log, which a refusal is written to
        caller = read_caller(this.current_event.raw_event)
        if why := refusal(needed, caller):
            _log.warning("refused %s to %s: %s", this.current_event.path, caller.subject if caller else "nobody", why)
            return _error(403, "forbidden", why)
        return go_on(this)

    return check


def query_pairs(event: dict[str, Any]) -> Sequence[tuple[str, str]]:
    """The query as it was sent: API Gateway's own reading joins a repeated parameter with commas."""
    raw = event.get("rawQueryString")
    if raw is None:
        return list((event.get("queryStringParameters") or {}).items())
    try:
        return parse_qsl(raw, keep_blank_values=True, max_num_fields=30)
    except ValueError:
        raise InvalidQuery("the query string holds too many parameters") from None


def to_response(answer: BaseModel) -> Response[str]:
    return _json(200, answer.model_dump_json())


def refuse(error: InvalidQuery) -> Response[str]:
    return _error(400, "invalid_parameter", str(error))


def say_not_found(error: NotFoundError) -> Response[str]:  # noqa: ARG001  Powertools hands it over
    return _error(404, "not_found", f"no such address; GET answers {', '.join(ROUTES)}")


def ask_later(error: RetryableError | SiteFileError) -> Response[str]:
    """What failed stands in the log: bucket and table names are nobody else's business."""
    _log.error("not answered: %s", error)
    if isinstance(error, SiteFileError):
        message = "the site file is missing or wrong; see the log of this function, or run `pynt configure`"
    else:
        message = "a store does not answer; try again"
    return _error(503, "unavailable", message, {"Retry-After": str(RETRY_AFTER_S)})


def admit(error: Exception) -> Response[str]:
    _log.error("failed", exc_info=error)
    return _error(500, "internal", "something is wrong on our side; it is in the log of this function")


def _error(status: int, code: Any, message: str, headers: dict[str, str] | None = None) -> Response[str]:
    return _json(status, ErrorBody(error=ErrorDetail(code=code, message=message)).model_dump_json(), headers)


def _json(status: int, body: str, headers: dict[str, str] | None = None) -> Response[str]:
    # Answers hold links that expire and pictures of people: nothing in between may keep them.
    return Response(status, "application/json", body, headers={"Cache-Control": "no-store", **(headers or {})})
