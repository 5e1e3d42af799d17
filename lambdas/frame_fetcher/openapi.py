"""The API's description, made from the models that check and answer it.

`python -m lambdas.frame_fetcher.openapi > docs/openapi.json`
"""

import json
import sys
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from framewatch.domain.access import GROUPS
from framewatch.domain.alerts import MAX_NOTES
from framewatch.wire.api import AroundQuery, ErrorBody, FramesAround, FramesPage, FramesQuery, SiteView
from framewatch.wire.api_actions import (
    AnsweredView,
    AnswerRequest,
    EndSnoozeRequest,
    NoteRequest,
    SeenRequest,
    SnoozeEndView,
    SnoozesView,
)
from framewatch.wire.api_alerts import (
    AlertsPage,
    AlertsQuery,
    AlertView,
    LatencyQuery,
    LatencyView,
    WithheldPage,
    WithheldQuery,
)
from framewatch.wire.api_budget import BudgetRequest, BudgetSetView, BudgetView
from framewatch.wire.api_cameras import CamerasView, HealthView
from framewatch.wire.api_costs import CostsQuery, CostsView
from framewatch.wire.api_limits import LimitsRequest, LimitsSetView, LimitsView
from framewatch.wire.api_people import MeView
from framewatch.wire.api_routes import ROUTES
from framewatch.wire.api_rules import RuleTestRequest, RuleTestView
from framewatch.wire.api_stats import StatsQuery, StatsView
from framewatch.wire.api_visits import VisitsPage, VisitsQuery

_ANSWERS: tuple[type[BaseModel], ...] = (
    BudgetSetView,
    BudgetView,
    LimitsView,
    LimitsSetView,
    StatsView,
    CostsView,
    FramesPage,
    FramesAround,
    AlertsPage,
    WithheldPage,
    LatencyView,
    RuleTestView,
    SiteView,
    MeView,
    VisitsPage,
    CamerasView,
    HealthView,
    SnoozesView,
    AnsweredView,
    AlertView,
    SnoozeEndView,
    ErrorBody,
)
_BODIES: tuple[type[BaseModel], ...] = (
    RuleTestRequest,
    AnswerRequest,
    NoteRequest,
    BudgetRequest,
    EndSnoozeRequest,
    LimitsRequest,
    SeenRequest,
)
_REF = "#/components/schemas/{model}"


def document() -> dict[str, Any]:
    """OpenAPI 3.1."""
    _, schemas = models_json_schema(
        [*((model, "serialization") for model in _ANSWERS), *((model, "validation") for model in _BODIES)],
        ref_template=_REF,
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Framewatch", "version": "1", "description": "What the dashboard reads and does."},
        "paths": _with_roles(_paths()),
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


def _paths() -> dict[str, Any]:
    return {
        "/v1/frames": _listing(
            "getFrames", "Frames, newest first, page by page", FramesQuery, "A page of frames", FramesPage
        ),
        "/v1/frames/around": _listing(
            "getFramesAround",
            "The frames of one camera just before and just after an instant",
            AroundQuery,
            "Frames on both sides",
            FramesAround,
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
        "/v1/rules/test": _action(
            "testRules",
            "What rules would have made of stored frames. Nothing is sent or written",
            "Only frames that show a word of the rules are read. What was not stored cannot be tried: labels below"
            " the deployed vision.min_confidence, or frames that the motion gate withheld.",
            body=RuleTestRequest,
            answer=_answer("Visits, alerts and what was withheld", RuleTestView),
        ),
        "/v1/stats": _listing(
            "getStats",
            "How many frames, labels and alerts there were, by camera and step of time, oldest first",
            StatsQuery,
            "Counts, and until when they are complete",
            StatsView,
        ),
        "/v1/costs": _listing(
            "getCosts",
            "What a month cost by the price table: today, to date and at its end, by day, service and camera",
            CostsQuery,
            "Amounts, what was not spent, and what the budget holds",
            CostsView,
        ),
        "/v1/visits": _listing(
            "getVisits",
            "Visits with what rules made of them, the one that began last first, page by page",
            VisitsQuery,
            "A page of visits",
            VisitsPage,
        ),
        "/v1/cameras": {
            "get": {
                "operationId": "getCameras",
                "summary": "How each camera of the site is, since when and why, and what it last saw",
                "responses": {"200": _answer("The cameras", CamerasView), **_CLOSED, **_FAILURES},
            }
        },
        "/v1/health": {
            "get": {
                "operationId": "getHealth",
                "summary": "Whether anything is wrong, and what: for a wall or a monitor",
                "description": "Where something is, 200 says `troubled`: no status but 200 speaks of cameras.",
                "responses": {"200": _answer("How the site is", HealthView), **_CLOSED, **_FAILURES},
            }
        },
        "/v1/snoozes": {
            "get": {
                "operationId": "getSnoozes",
                "summary": "Which rules are snoozed now, where, until when and by whom",
                "responses": {"200": _answer("The snoozes", SnoozesView), **_CLOSED, **_FAILURES},
            }
        },
        "/v1/limits": {
            "get": {
                "operationId": "getLimits",
                "summary": "How many texts may go out, and how many have",
                "responses": {
                    "200": _answer("The site file's limits, those that hold, and what is used", LimitsView),
                    **_CLOSED,
                    **_FAILURES,
                },
            },
            **_action(
                "setLimits",
                "Sets other limits of texts until a time",
                "In place of what was set before. Everywhere within a minute.",
                body=LimitsRequest,
                answer=_answer("The limits that hold from now on", LimitsSetView),
            ),
        },
        "/v1/budget": {
            "get": {
                "operationId": "getBudget",
                "summary": "What administrators have set, and what was given up for the budget and taken back",
                "responses": {
                    "200": _answer("What is set, and the newest changes", BudgetView),
                    **_CLOSED,
                    **_FAILURES,
                },
            },
            **_action(
                "setBudget",
                "Sets what cameras give up for the budget, until a time",
                "In place of what was set before for the same camera, or for all; a camera's own stands before one"
                " for all. Everywhere within two minutes.",
                body=BudgetRequest,
                answer=_answer("What is set now", BudgetSetView),
            ),
        },
        "/v1/alerts/answer": _action(
            "answerAlert",
            "Answers an alert: nobody further is told of it",
            "The first answer of each kind stands; whoever comes second is told who was first. A snooze is counted"
            " from now, for the alert's rule on its cameras, and a longer one that is there stands.",
            body=AnswerRequest,
            answer=_answer("The answer that stands, and the alert as it stands", AnsweredView),
            more={"404": _answer("There is no such alert, or it has outlived its time", ErrorBody)},
        ),
        "/v1/alerts/notes": _action(
            "noteAlert",
            "Adds a note to an alert",
            "The same text by the same person stands once.",
            body=NoteRequest,
            answer=_answer("The alert as it stands, with all its notes", AlertView),
            more={
                "404": _answer("There is no such alert, or it has outlived its time", ErrorBody),
                "409": _answer(f"The alert has {MAX_NOTES} notes, which is as many as one may have", ErrorBody),
            },
        ),
        "/v1/snoozes/end": _action(
            "endSnooze",
            "Ends a snooze: the rule texts again",
            "One that is over already stays so; the answer says who ended it.",
            body=EndSnoozeRequest,
            answer=_answer("Since when it is over, and by whom", SnoozeEndView),
            more={"404": _answer("The rule was never snoozed on these cameras", ErrorBody)},
        ),
        "/v1/me/seen": _action(
            "markSeen",
            "Marks what happened until then as seen, for you alone",
            "The mark never moves back: of two pages the later one stands.",
            body=SeenRequest,
            answer=_answer("You, with the mark that stands", MeView),
        ),
        "/v1/me": {
            "get": {
                "operationId": "getMe",
                "summary": "Who you are to the API, and what you may do",
                "responses": {"200": _answer("You", MeView), **_CLOSED, **_FAILURES},
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
    }


def _with_roles(paths: dict[str, Any]) -> dict[str, Any]:
    """Each operation says the least that its caller must be."""
    for (method, path), route in ROUTES.items():
        told = paths[path][method.lower()]
        needs = f"Needs the group {route.role.group} or above."
        told["description"] = f"{told['description']} {needs}" if "description" in told else needs
    return paths


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


def _action(
    operation: str,
    summary: str,
    description: str,
    *,
    body: type[BaseModel],
    answer: dict[str, Any],
    more: dict[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "post": {
            "operationId": operation,
            "summary": summary,
            "description": description,
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"$ref": _REF.format(model=body.__name__)}}},
            },
            "responses": {
                "200": answer,
                "400": _REFUSED,
                **_CLOSED,
                **(more or {}),
                "415": _answer("The body does not say that it is application/json", ErrorBody),
                **_FAILURES,
            },
        }
    }


def _parameters(query: type[BaseModel]) -> list[dict[str, Any]]:
    parameters = []
    schema = query.model_json_schema(by_alias=True)
    needed = schema.get("required", ())
    for name, found in schema["properties"].items():
        about = found.pop("description")
        given, *_ = found.pop("anyOf", [found])  # a parameter is absent, never null
        given = {
            key: value for key, value in {**found, **given}.items() if key != "title" and value not in (None, [])
        }
        parameters.append(
            {"name": name, "in": "query", "required": name in needed, "description": about, "schema": given}
        )
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
