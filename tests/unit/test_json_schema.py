"""The checker that holds the API's answers to its description finds what is wrong with them."""

import pytest

from tests.json_schema import problems

DOCUMENT = {
    "components": {
        "schemas": {
            "Box": {
                "type": "object",
                "properties": {"at": {"type": "string", "format": "date-time"}, "kind": {"enum": ["a", "b"]}},
                "required": ["at"],
                "additionalProperties": False,
            }
        }
    }
}
BOX = {"$ref": "#/components/schemas/Box"}
AT = "2026-03-14T12:00:00.000000Z"


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (BOX, {"at": AT, "kind": "b"}),
        ({"anyOf": [BOX, {"type": "null"}]}, None),
        ({"type": "array", "items": BOX, "minItems": 1}, [{"at": AT}]),
        ({"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}, {"any": 0}),
        ({"type": "number", "maximum": 1}, 1),
        ({"prefixItems": [{"type": "number"}, {"type": "string"}]}, [1.5, "x"]),
    ],
)
def test_what_fits_has_no_problem(schema, value):
    assert list(problems(schema, value, DOCUMENT)) == []


@pytest.mark.parametrize(
    ("schema", "value", "where"),
    [
        (BOX, {}, "$: lacks ['at']"),
        (BOX, {"at": "today"}, "$.at: 'today' is no date-time"),
        (BOX, {"at": AT, "kind": "c"}, "$.kind: 'c' is none of"),
        (BOX, {"at": AT, "more": 1}, "$.more: is not described"),
        (BOX, [], "$: [] is no object"),
        ({"anyOf": [BOX, {"type": "null"}]}, {"at": 5}, "$: fits none of 2"),
        ({"type": "array", "items": BOX}, [{"at": AT}, {}], "$[1]: lacks"),
        ({"type": "array", "minItems": 1}, [], "$: [] is beyond 1"),
        ({"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}, {"any": -1}, "$.any: -1"),
        ({"type": "integer"}, True, "$: True is no integer"),
        ({"type": "string", "maxLength": 2}, "abc", "$: 'abc' is beyond 2"),
        ({"prefixItems": [{"type": "number"}, {"type": "string"}]}, [1.5, 2], "$[1]: 2 is no string"),
        ({"const": "x"}, "y", "$: 'y' is not 'x'"),
        ({"propertyNames": {"enum": ["a"]}}, {"b": 1}, "$ (name): 'b'"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(schema, value, where):
    (found,) = problems(schema, value, DOCUMENT)
    assert found.startswith(where)


def test_a_keyword_that_it_does_not_know_is_an_error():
    with pytest.raises(KeyError, match="oneOf"):
        list(problems({"oneOf": []}, 1, DOCUMENT))
