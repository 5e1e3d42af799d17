"""API Gateway (HTTP API, payload version 2) -> the page behind the short link of a text.

`GET /a/<token>` shows the alert, `POST /a/<token>` answers it and leads back to the page. Nobody signs in: the token
is the right, so it stands in no log, and in no page but the address bar.
"""

import base64
import binascii
import logging
import os
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from aws_lambda_powertools.utilities.typing import LambdaContext

from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.clients import STORE_OF_A_PAGE, AwsClients
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.function import SystemClock, metered, start_ledger, start_logging
from framewatch.adapters.aws.image_store import S3ImageStore
from framewatch.adapters.aws.site_source import S3SiteSource
from framewatch.adapters.aws.use_table import DynamoUseTable
from framewatch.adapters.aws.visit_table import DynamoVisitTable
from framewatch.domain.alerts import AnswerKind
from framewatch.domain.errors import (
    InvalidQuery,
    LinkExpired,
    LinkRefused,
    LinkUsedUp,
    RetryableError,
    SiteFileError,
)
from framewatch.services.answer_alerts import LinkDeps, answer_link, open_link
from framewatch.services.meter_use import LedgerSite, UseLedger
from lambdas.alert_link import words
from lambdas.alert_link.page import Html, alert_page, refusal_page
from lambdas.alert_link.settings import Settings

Event = dict[str, Any]
Response = dict[str, Any]

SERVICE = "alert_link"
PREFIX = "/a/"
RETRY_AFTER_S = 2

# The page holds a picture of people, and its address is a secret: nothing keeps it, lists it or passes it on.
_PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}

_log = logging.getLogger("framewatch.alert_link")


def lambda_handler(event: Event, context: LambdaContext) -> Response:  # noqa: ARG001  Lambda hands it over
    return metered(use(), lambda: guarded(event))


def guarded(event: Event) -> Response:
    """Whatever happens, a page of ours."""
    try:
        settings()  # begins the log
        return answer(event)
    except LinkRefused as error:
        return refuse(error)
    except InvalidQuery:
        return _page(400, refusal_page(400, link=words.BACK))
    except (RetryableError, SiteFileError) as error:
        return ask_later(error)
    except Exception as error:  # noqa: BLE001  the edge: a page of ours, and the trace in the log
        return admit(error)


def answer(event: Event) -> Response:
    method, token = event["requestContext"]["http"]["method"], event["rawPath"].removeprefix(PREFIX)
    if method == "POST":
        kind = read_answer(event)
        stands = answer_link(token, kind, deps())
        _log.info("answered: %s, by %s since %s", kind, stands.by, stands.at.isoformat())
        # A reload of the page that follows asks again, and answers nothing again.
        return _respond(303, "", {"Location": PREFIX + token})
    if method in {"GET", "HEAD"}:
        return _page(200, alert_page(open_link(token, deps())))
    return _page(405, refusal_page(405), {"Allow": "GET, HEAD, POST"})


def read_answer(event: Event) -> AnswerKind:
    """The form's one field. Raises InvalidQuery."""
    body = event.get("body") or ""
    try:
        if event.get("isBase64Encoded"):
            body = base64.b64decode(body, validate=True).decode("ascii")
        ((name, value),) = parse_qsl(body, keep_blank_values=True, strict_parsing=True, max_num_fields=1)
        if name == "answer":
            return AnswerKind(value)
    except (binascii.Error, ValueError):
        pass
    raise InvalidQuery(f"the body must be answer= and one of {', '.join(AnswerKind)}")


@cache
def use() -> UseLedger:
    return start_ledger(SERVICE)


@cache
def settings() -> Settings:
    """Read once a process, by its first request, which also begins the log. Raises SettingsError."""
    found = Settings.read(os.environ)
    start_logging(SERVICE, found)
    return found


@cache
def deps() -> LinkDeps:
    """Built once a process, by its first request. Raises SettingsError."""
    told = settings()
    aws = AwsClients(workers=1, use=use(), store=STORE_OF_A_PAGE)
    clock = SystemClock()
    s3 = aws.s3()
    table = DynamoTable(aws.dynamodb(), told.table)
    use().keep_in(DynamoUseTable(table))
    return LinkDeps(
        site=LedgerSite(S3SiteSource(s3, told.config_bucket, told.site_key, clock), use()),
        alerts=DynamoAlertTable(table),
        visits=DynamoVisitTable(table),
        images=S3ImageStore(s3, told.frames_bucket),
        clock=clock,
        image_url_ttl=told.image_url_ttl,
    )


def refuse(error: LinkRefused) -> Response:
    if isinstance(error, LinkUsedUp):
        return _page(429, refusal_page(429, str(error), link=words.BACK))
    status = 410 if isinstance(error, LinkExpired) else 404
    return _page(status, refusal_page(status, str(error)))


def ask_later(error: RetryableError | SiteFileError) -> Response:
    """What failed stands in the log: bucket and table names are nobody else's business."""
    _log.error("not answered: %s", error)
    return _page(503, refusal_page(503, link=words.TRY_AGAIN), {"Retry-After": str(RETRY_AFTER_S)})


def admit(error: Exception) -> Response:
    _log.error("failed", exc_info=error)
    return _page(500, refusal_page(500, link=words.TRY_AGAIN))


def _page(status: int, html: Html, headers: dict[str, str] | None = None) -> Response:
    return _respond(status, html, {"Content-Type": "text/html; charset=utf-8", **(headers or {})})


def _respond(status: int, body: str, headers: dict[str, str]) -> Response:
    return {"statusCode": status, "headers": {**_PRIVATE, **headers}, "body": body, "isBase64Encoded": False}
