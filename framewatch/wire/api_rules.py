"""What the API takes and answers when rules are tried on stored frames."""

from typing import Annotated, Any

from pydantic import Field

from framewatch.domain.errors import InvalidQuery
from framewatch.wire.api_values import Answer, Query, Time, TimeParameter, Word, checked, json_object, refuse_unknown
from framewatch.wire.timeline import Timeline
from framewatch.wire.yaml_reading import MAX_BYTES

MAX_BODY_CHARS = 2 * MAX_BYTES  # a site file in JSON, its line ends and quotes escaped


class RuleTestRequest(Query):
    """The body of POST /v1/rules/test. Neither `site` nor `rules`: the deployed site file as it is."""

    site: Annotated[str, Field(max_length=MAX_BYTES)] | None = Field(default=None, description="a whole site file")
    rules: list[dict[str, Any]] | None = Field(
        default=None,
        max_length=50,
        description="in place of the deployed site's rules and its watch list, each as in a site file",
    )
    camera: Word | None = Field(default=None, description="one camera's id; absent: every camera")
    from_: TimeParameter | None = Field(
        default=None, alias="from", description="captured at this time or later; absent: 24 hours before the end"
    )
    to: TimeParameter | None = Field(default=None, description="captured before this time; absent: now")


_TEXTS = ("site", "camera", "from", "to")


def parse_rule_test(body: str) -> RuleTestRequest:
    """Raises InvalidQuery, naming what is wrong and what is allowed."""
    values = json_object(
        body, max_chars=MAX_BODY_CHARS, example='{"rules": [{"id": "people", "labels": ["Person"]}]}'
    )
    known = [field.alias or name for name, field in RuleTestRequest.model_fields.items()]
    for name, value in values.items():
        refuse_unknown(name, known)
        if name in _TEXTS and not isinstance(value, str | None):
            raise InvalidQuery(f"{name}: must be text")
    if values.get("site") is not None and values.get("rules") is not None:
        raise InvalidQuery("rules: cannot be given together with site; put them into the site file")
    return checked(RuleTestRequest, {name: value for name, value in values.items() if value is not None})


class RuleTestView(Answer):
    """Nothing was sent, and nothing was written."""

    from_: Time = Field(serialization_alias="from", description="captured at this time or later")
    to: Time
    stopped_at: Time | None = Field(
        description="there were more frames than one test reads: those before this time were not looked at. Ask"
        " again with it as `to`; a visit that goes on over it is then seen in two parts. null: all of the span"
    )
    timeline: Timeline
