"""The API's description, made from the models that check and answer it.

`python -m lambdas.frame_fetcher.openapi > docs/openapi.json`
"""

import json
import sys
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from framewatch.domain.access import GROUPS, Role
from framewatch.wire.api import ErrorBody, FramesPage, FramesQuery, SiteView
from framewatch.wire.api_alerts import AlertsPage, AlertsQuery, LatencyQuery, LatencyView, WithheldPage, WithheldQuery
from framewatch.wire.api_rules import RuleTestRequest, RuleTestView

# Each with the least that its caller must be.
ROUTES = {
    ("GET", "/v1/frames"): Role.VIEWER,
    ("GET", "/v1/alerts"): Role.VIEWER,
    ("GET", "/v1/withheld"): Role.VIEWER,
    ("GET", "/v1/latency"): Role.VIEWER,
    ("POST", "/v1/rules/test"): Role.OPERATOR,
    ("GET", "/v1/site"): Role.VIEWER,
    ("GET", "/v1/openapi.json"): Role.VIEWER,
}
_ANSWERS: tuple[type[BaseModel], ...] = (
    FramesPage,
    AlertsPage,
    WithheldPage,
    LatencyView,
    RuleTestView,
    SiteView,
    ErrorBody,
)
_REF = "#/components/schemas/{model}"


def document() -> dict[str, Any]:
    """OpenAPI 3.1."""
    _, schemas = models_json_schema(
        [*((model, "serialization") for model in _ANSWERS), (RuleTestRequest, "validation")], ref_template=_REF
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Framewatch", "version": "1", "description": "What the dashboard reads."},
        "paths": {
            "/v1/frames": _listing(
                "getFrames", "Frames, newest first, page by page", FramesQuery, "A page of frames", FramesPage
            ),
            "/v1/alerts": _listing(
                "getAlerts",
                "Alerts with all that became of them, newest first, page by page",
                AlertsQuery,
                "A page of alerts",
                AlertsPage,
            ),
            "/v1/withheld": _listing(
                "getWithheld",
                "Why rules gave no alert: one row a visit, rule and reason, newest visit first, page by page",
                WithheldQuery,
                "A page of rows",
                WithheldPage,
            ),
            "/v1/latency": _listing(
                "getLatency",
                "How long alerts took, stage by stage from the capture to the text",
                LatencyQuery,
                "Median and 95th percentile of each stage",
                LatencyView,
            ),
            "/v1/rules/test": {
                "post": {
                    "operationId": "testRules",
                    "summary": "What rules would have made of stored frames. Nothing is sent or written",
                    "description": "Only frames that show a word of the rules are read. What was not stored"
                    " cannot be tried: labels below the deployed vision.min_confidence, or frames that the motion"
                    " gate withheld.",
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": {"$ref": _REF.format(model="RuleTestRequest")}}},
                    },
                    "responses": {
                        "200": _answer("Visits, alerts and what was withheld", RuleTestView),
                        "400": _REFUSED,
                        **_CLOSED,
                        **_FAILURES,
                    },
                }
            },
            "/v1/site": {
                "get": {
                    "operationId": "getSite",
                    "summary": "The site's name, time zone, cameras and rules",
                    "responses": {"200": _answer("The site", SiteView), **_CLOSED, **_FAILURES},
                }
            },
            "/v1/openapi.json": {
                "get": {
                    "operationId": "getOpenapi",
                    "summary": "This document",
                    "responses": {
                        "200": {
                            "description": "OpenAPI 3.1",
                            "content": {"application/json": {"schema": {"type": "object"}}},
                        },
                        **_CLOSED,
                    },
                }
            },
        },
        "security": [{"signIn": []}],
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "signIn": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The access token of a user of the site's user pool. The user must be in one of"
                    f" the groups {', '.join(GROUPS)}.",
                }
            },
        },
    }


@cache
def document_json() -> str:
    return json.dumps(document(), ensure_ascii=False, separators=(",", ":"))


def _listing(
    operation: str, summary: str, query: type[BaseModel], what: str, model: type[BaseModel]
) -> dict[str, Any]:
    responses = {"200": _answer(what, model), "400": _REFUSED, **_CLOSED, **_FAILURES}
    return {
        "get": {
            "operationId": operation,
            "summary": summary,
            "parameters": _parameters(query),
            "responses": responses,
        }
    }


def _parameters(query: type[BaseModel]) -> list[dict[str, Any]]:
    parameters = []
    for name, found in query.model_json_schema(by_alias=True)["properties"].items():
        about = found.pop("description")
        given, *_ = found.pop("anyOf", [found])  # a parameter is absent, never null
        given = {key: value for key, value in {**found, **given}.items() if key != "title" and value is not None}
        parameters.append({"name": name, "in": "query", "required": False, "description": about, "schema": given})
    return parameters


def _answer(description: str, model: type[BaseModel]) -> dict[str, Any]:
    schema = {"$ref": _REF.format(model=model.__name__)}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


_REFUSED = _answer("A parameter is unknown or wrong; the message names it and says what is allowed", ErrorBody)
_CLOSED = {
    "401": {
        "description": "No token, or one that is not valid (any more): sign in again. API Gateway itself answers",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {"message": {"type": "string", "const": "Unauthorized"}},
                    "required": ["message"],
                }
            }
        },
    },
    "403": _answer(
        "Signed in, but in none of the groups that may ask this; the message says who can help", ErrorBody
    ),
}
_FAILURES = {
    "500": _answer("Something is wrong on the server's side", ErrorBody),
    "503": {
        **_answer("A store does not answer; try again after Retry-After", ErrorBody),
        "headers": {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}},
    },
}


if __name__ == "__main__":
    json.dump(document(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
