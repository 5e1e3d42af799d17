"""What the API's functions share: requests as API Gateway sends them (HTTP API, payload version 2), answers as JSON.

Routes are a few addresses that are looked up. Powertools' resolver is not used: it imports every kind of event and
API that it knows, an eighth of the cold start that somebody waits for before a page.
"""

import base64
import binascii
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from pydantic import BaseModel

from framewatch.domain.access import Caller, Role, refusal
from framewatch.domain.errors import (
    InvalidQuery,
    NotesFull,
    NotForThisCaller,
    PermanentError,
    RetryableError,
    SiteFileError,
    UnknownAlert,
    UnknownSnooze,
)
from framewatch.wire.api import ErrorBody, ErrorDetail
from framewatch.wire.api_routes import Address
from framewatch.wire.caller import read_caller

Event = dict[str, Any]
Response = dict[str, Any]
Answers = Mapping[Address, Callable[[Event, Caller], Response]]

RETRY_AFTER_S = 2
_JSON_TYPE = "application/json"


class NotJson(PermanentError):
    """The body of a request does not say that it is JSON."""


_REFUSALS: dict[type[Exception], tuple[int, str]] = {
    InvalidQuery: (400, "invalid_parameter"),
    NotForThisCaller: (403, "forbidden"),
    UnknownAlert: (404, "not_found"),
    UnknownSnooze: (404, "not_found"),
    NotesFull: (409, "full"),
    NotJson: (415, "unsupported_media_type"),
}


def guarded(answer: Callable[[], Response], log: logging.Logger) -> Response:
    """Whatever happens, an answer of ours."""
    try:
        return answer()
    except tuple(_REFUSALS) as error:
        return _error(*_REFUSALS[type(error)], str(error))
    except (RetryableError, SiteFileError) as error:
        return _ask_later(error, log)
    except Exception as error:  # the edge: an answer of ours, and the trace in the log
        log.error("failed", exc_info=error)
        return _error(500, "internal", "something is wrong on our side; it is in the log of this function")


def dispatch(event: Event, roles: Mapping[Address, Role], answers: Answers, log: logging.Logger) -> Response:
    """What API Gateway's authorizer lets in is whoever is signed in; what they may ask is decided here.

    A request that no authorizer has looked at is refused too, so that a route that was deployed without one by
    mistake stays closed.
    """
    path = event["rawPath"]
    route = (event["requestContext"]["http"]["method"], path)
    needed = roles.get(route)
    if needed is None:
        known = ", ".join(f"{method} {path}" for method, path in roles)
        return _error(404, "not_found", f"no such address; there are {known}")
    caller = read_caller(event)
    why = refusal(needed, caller)
    if why is not None or caller is None:
        log.warning("refused %s to %s: %s", path, caller.subject if caller else "nobody", why)
        return _error(403, "forbidden", why or "")
    return answers[route](event, caller)


def query_pairs(event: Event) -> Sequence[tuple[str, str]]:
    """The query as it was sent: API Gateway's own reading joins a repeated parameter with commas."""
    raw = event.get("rawQueryString")
    if raw is None:
        return list((event.get("queryStringParameters") or {}).items())
    try:
        return parse_qsl(raw, keep_blank_values=True, max_num_fields=30)
    except ValueError:
        raise InvalidQuery("the query string holds too many parameters") from None


def json_text(event: Event) -> str:
    """The body of a request that says that it is JSON: no form of another site's page can say so."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    if headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON_TYPE:
        raise NotJson(f"send the body as JSON, with Content-Type: {_JSON_TYPE}")
    body: str = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return body
    try:
        return base64.b64decode(body, validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidQuery("body: must be text in UTF-8") from None


def to_response(answer: BaseModel) -> Response:
    return json_response(200, answer.model_dump_json(by_alias=True))


def json_response(status: int, body: str, headers: dict[str, str] | None = None) -> Response:
    # Answers hold links that expire and pictures of people: nothing in between may keep them.
    headers = {"Content-Type": _JSON_TYPE, "Cache-Control": "no-store", **(headers or {})}
    return {"statusCode": status, "headers": headers, "body": body, "isBase64Encoded": False}


def _ask_later(error: RetryableError | SiteFileError, log: logging.Logger) -> Response:
    """What failed stands in the log: bucket and table names are nobody else's business."""
    log.error("not answered: %s", error)
    if isinstance(error, SiteFileError):
        message = "the site file is missing or wrong; see the log of this function, or run `pynt configure`"
    else:
        message = "a store does not answer; try again"
    return _error(503, "unavailable", message, {"Retry-After": str(RETRY_AFTER_S)})


def _error(status: int, code: Any, message: str, headers: dict[str, str] | None = None) -> Response:
    return json_response(status, ErrorBody(error=ErrorDetail(code=code, message=message)).model_dump_json(), headers)
