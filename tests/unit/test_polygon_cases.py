"""The cases that the dashboard's editor of zones is run against as well, by web_ui/src/state/polygon.test.ts."""

import json
from pathlib import Path
from typing import Any

import pytest

from framewatch.domain.alert_settings import Rule
from framewatch.domain.geometry import area_share, checked_polygon
from framewatch.domain.labels import Instance, Label
from framewatch.domain.rules import Observation, instances_of, judge_frame
from framewatch.domain.visits import VisitSighting
from tests.frames import NOON

CASES: dict[str, Any] = json.loads((Path(__file__).parents[1] / "polygon_cases.json").read_text())
POLYGONS = {case["name"]: tuple((x, y) for x, y in case["points"]) for case in CASES["polygons"]}
SAYS = {
    "few": "needs at least 3 points",
    "no-area": "encloses no area",
    "outside": "points are shares of the picture",
}
IN_ZONE = Rule(id="r", labels=("Person",), min_confidence=0, zones=("z",))


def cases(section: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", CASES[section], ids=[case["name"] for case in CASES[section]])


def stands_in(polygon: str, *objects: Instance) -> bool:
    """As a rule that names the zone sees it."""
    reason, _ = judge_frame(
        IN_ZONE, [POLYGONS[polygon]], Observation(VisitSighting("f", NOON, 90, None), objects, {}), ()
    )
    return reason is None


@cases("polygons")
def test_a_polygon_is_taken_or_refused(case: dict[str, Any]) -> None:
    points = POLYGONS[case["name"]]
    assert area_share(points) == pytest.approx(case["area_share"])
    if case["refused"] is None:
        assert checked_polygon(points) == points
    else:
        with pytest.raises(ValueError, match=SAYS[case["refused"]]):
            checked_polygon(points)


@cases("boxes")
def test_an_object_stands_in_a_zone_or_beside_it(case: dict[str, Any]) -> None:
    assert stands_in(case["polygon"], Instance(tuple(case["box_xyxy_rel"]), 90)) is case["inside"]


@cases("objects")
def test_the_objects_of_a_word(case: dict[str, Any]) -> None:
    labels = [
        Label(
            found["name"],
            found["confidence"],
            tuple(Instance(tuple(box), confidence) for box, confidence in found["boxes"]),
            tuple(found["parents"]),
            tuple(found["aliases"]),
        )
        for found in case["labels"]
    ]
    objects = instances_of(labels, case["word"])
    assert [each.confidence for each in objects] == case["confidences"]
    assert [stands_in(case["polygon"], each) for each in objects] == case["inside"]
