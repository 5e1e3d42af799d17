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

# Each with the least that its caller must be.
ROUTES = {"/v1/frames": Role.VIEWER, "/v1/site": Role.VIEWER, "/v1/openapi.json": Role.VIEWER}
_REF = "#/components/schemas/{model}"


def document() -> dict[str, Any]:
    """OpenAPI 3.1."""
    _, schemas = models_json_schema(
        [(model, "serialization") for model in (FramesPage, SiteView, ErrorBody)], ref_template=_REF
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Framewatch", "version": "1", "description": "What the dashboard reads."},
        "paths": {
            "/v1/frames": {
                "get": {
                    "operationId": "getFrames",
                    "summary": "Frames, newest first, page by page",
                    "parameters": _parameters(),
                    "responses": {
                        "200": _answer("A page of frames", FramesPage),
                        "400": _REFUSED,
                        **_CLOSED,
                        **_FAILURES,
                    },
                }
            },
            "/v1/site": {
                "get": {
                    "operationId": "getSite",
                    "summary": "The site's name, time zone, cameras and watch list",
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


def _parameters() -> list[dict[str, Any]]:
    parameters = []
    for name, schema in FramesQuery.model_json_schema(by_alias=True)["properties"].items():
        about = schema.pop("description")
        given, *_ = schema.pop("anyOf", [schema])  # a parameter is absent, never null
        given = {key: value for key, value in {**schema, **given}.items() if key != "title" and value is not None}
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
