"""Requests that Schemathesis makes of docs/openapi.json, right and wrong, for the functions behind API Gateway.

What is asked for is its own choice; test_api.py asks what we thought of.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance, unsupported_method

from framewatch.wire.api_routes import ROUTES
from tests.functional.test_api import CONTEXT, DOCUMENT, FUNCTIONS, alert  # noqa: F401
from tests.functional.test_frame_fetcher import claims, event

TOKEN = {"Authorization": "Bearer checked-by-api-gateway"}
# API Gateway answers a method that no route has with 404, as an address that is not there. No schema says that `from`
# comes before `to`, which cameras a site has, or what a cursor is.
LEFT_OUT = [unsupported_method, positive_data_acceptance]


def gateway(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """As the HTTP API stands before the functions: no token, no answer of theirs; no route, no function."""

    def answer(status: int, body: str) -> list[bytes]:
        start_response(f"{status} Answer", [("Content-Type", "application/json")])
        return [body.encode()]

    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    if path == "/openapi.json":
        return answer(200, json.dumps(DOCUMENT))
    route = ROUTES.get((method, path))
    if route is None:
        return answer(404, '{"message": "Not Found"}')
    if environ.get("HTTP_AUTHORIZATION") != TOKEN["Authorization"]:
        return answer(401, '{"message": "Unauthorized"}')
    sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    asked = event(path, environ.get("QUERY_STRING", ""), method, claims("[admin]"), sent.decode("utf-8", "replace"))
    asked["headers"] = {**asked.get("headers", {}), "content-type": environ.get("CONTENT_TYPE", "")}
    found = FUNCTIONS[route.function].lambda_handler(asked, CONTEXT)
    return answer(found["statusCode"], found["body"])


schema = schemathesis.openapi.from_wsgi("/openapi.json", gateway)


@schema.parametrize()
@settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_no_request_is_answered_but_as_it_is_described(case: schemathesis.Case, alert: Any) -> None:  # noqa: F811
    case.call_and_validate(headers=TOKEN, excluded_checks=LEFT_OUT)
