"""Which frames vision is not asked about, by what the edge says of them and what the budget leaves."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framewatch.domain.alert_settings import Zone
from framewatch.domain.analysis import Analysis
from framewatch.domain.budget import BudgetStep
from framewatch.domain.frames import BoxXYXYRel, FrameMeta, FrameRef, Gate, GateReason, VisionHint
from framewatch.domain.site import Camera, SiteConfig
from framewatch.domain.sparing import SAME_WITHIN, choose_analysis, is_given_up, tells_somebody, trusted_reference
from tests.fakes import make_site
from tests.frames import BOOT, NOON, make_frame

STEPS = list(BudgetStep)
PORCH = Zone(id="porch", points=((0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (0.0, 1.0)))
IN_PORCH, ABOVE_IT, BESIDE_IT = (0.1, 0.2, 0.3, 0.7), (0.1, 0.1, 0.3, 0.4), (0.6, 0.2, 0.9, 0.7)


def meta_of(
    reason: GateReason = GateReason.MOTION, *boxes: BoxXYXYRel, camera_id: str = "front", **hint: Any
) -> FrameMeta:
    meta = make_frame(7, camera_id=camera_id).meta
    return replace(meta, gate=Gate(reason, boxes), hint=VisionHint(**hint))


def zoned_site(**sections: object) -> SiteConfig:
    return make_site(cameras=[Camera(id="front", zones=(PORCH,)), Camera(id="yard")], **sections)


def analysed_until(meta: FrameMeta, site: SiteConfig) -> BudgetStep:
    """The last step at which vision is still asked."""
    asked = [step for step in STEPS if not is_given_up(meta, step, site)]
    assert asked == STEPS[: len(asked)]  # each step is on top of those before it
    return asked[-1]


def test_a_site_that_is_not_near_its_budget_gives_up_nothing() -> None:
    for reason in GateReason:
        for step in (BudgetStep.FULL, BudgetStep.SLOWER):
            assert choose_analysis(meta_of(reason), None, step, zoned_site()) is Analysis.ANALYSED


@pytest.mark.parametrize("reason", [GateReason.KEEPALIVE, GateReason.FIRST, GateReason.FORCED])
def test_from_the_second_step_on_only_motion_is_analysed(reason: GateReason) -> None:
    assert analysed_until(meta_of(GateReason.MOTION), make_site()) is BudgetStep.WATCHED_ONLY
    assert analysed_until(meta_of(reason, IN_PORCH), make_site()) is BudgetStep.SLOWER
    assert choose_analysis(meta_of(reason), None, BudgetStep.ZONES_ONLY, make_site()) is Analysis.BUDGET


@pytest.mark.parametrize(
    ("boxes", "last"),
    [
        ((IN_PORCH,), BudgetStep.WATCHED_ONLY),
        ((ABOVE_IT, BESIDE_IT, IN_PORCH), BudgetStep.WATCHED_ONLY),
        ((ABOVE_IT, BESIDE_IT), BudgetStep.SLOWER),  # neither stands in it
        ((), BudgetStep.SLOWER),
    ],
)
def test_where_the_camera_has_zones_the_motion_must_stand_in_one(
    boxes: tuple[BoxXYXYRel, ...], last: BudgetStep
) -> None:
    assert analysed_until(meta_of(GateReason.MOTION, *boxes), zoned_site()) is last


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({}, {"front", "yard"}),
        ({"watch": {"labels": ["Person"]}}, set()),
        ({"watch": {"labels": ["Person"], "phone": "+34600123458"}}, {"front", "yard"}),
        ({"watch": {}, "rules": [{"id": "r", "labels": ["Car"], "cameras": ["yard"], "notify": ["ana"]}]}, {"yard"}),
        ({"watch": {}, "rules": [{"id": "r", "labels": ["Car"], "cameras": ["yard"]}]}, set()),
        ({"watch": {}, "rules": [{"id": "r", "labels": ["Car"], "zones": ["porch"], "notify": ["ana"]}]}, {"front"}),
        ({"watch": {}, "rules": [{"id": "r", "labels": ["Car"], "escalate_to": ["bo"]}]}, {"front", "yard"}),
    ],
)
def test_at_the_third_step_only_cameras_are_analysed_of_which_somebody_is_told(
    sections: dict[str, Any], told: set[str]
) -> None:
    site = zoned_site(**sections)
    assert {c.id for c in site.cameras if tells_somebody(c.id, site)} == told
    for camera in site.cameras:
        last = BudgetStep.WATCHED_ONLY if camera.id in told else BudgetStep.ZONES_ONLY
        assert analysed_until(meta_of(GateReason.MOTION, IN_PORCH, camera_id=camera.id), site) is last


@given(
    reason=st.sampled_from(GateReason),
    boxes=st.lists(st.sampled_from([IN_PORCH, ABOVE_IT, BESIDE_IT]), max_size=3),
    site=st.sampled_from([make_site(), zoned_site(), zoned_site(watch={"labels": ["Person"]})]),
)
def test_every_step_gives_up_what_the_one_before_it_did_and_the_last_gives_up_all(
    reason: GateReason, boxes: list[BoxXYXYRel], site: SiteConfig
) -> None:
    given_up = [is_given_up(meta_of(reason, *boxes), step, site) for step in STEPS]
    assert given_up == sorted(given_up)
    assert given_up[-1]


TRUSTING = {"vision": {"trust_screen": True}}


def test_what_the_edges_model_finds_empty_is_analysed_unless_the_site_trusts_it() -> None:
    empty = meta_of(screened_out=True)
    assert choose_analysis(empty, None, BudgetStep.FULL, make_site()) is Analysis.ANALYSED
    assert choose_analysis(empty, None, BudgetStep.FULL, make_site(**TRUSTING)) is Analysis.SCREENED
    assert choose_analysis(meta_of(), None, BudgetStep.FULL, make_site(**TRUSTING)) is Analysis.ANALYSED


@pytest.mark.parametrize("step", STEPS)
def test_the_budget_gives_up_only_what_would_have_been_paid_for(step: BudgetStep) -> None:
    hinted = meta_of(GateReason.KEEPALIVE, screened_out=True)
    assert choose_analysis(hinted, Analysis.ANALYSED, step, make_site(**TRUSTING)) is Analysis.INHERITED
    assert choose_analysis(hinted, None, step, make_site(**TRUSTING)) is Analysis.SCREENED


@pytest.mark.parametrize("referred", [None, *Analysis])
def test_labels_are_taken_only_from_a_frame_that_was_analysed_itself(referred: Analysis | None) -> None:
    chosen = choose_analysis(meta_of(), referred, BudgetStep.FULL, make_site())
    assert chosen is (Analysis.INHERITED if referred is Analysis.ANALYSED else Analysis.ANALYSED)


@pytest.mark.parametrize(
    ("before", "is_trusted"),
    [
        (timedelta(seconds=1), True),
        (SAME_WITHIN, True),
        (SAME_WITHIN + timedelta(microseconds=1), False),
        (timedelta(), False),
        (timedelta(seconds=-1), False),
    ],
)
def test_a_reference_is_to_an_earlier_frame_of_the_last_ten_minutes(before: timedelta, is_trusted: bool) -> None:
    ref = FrameRef(BOOT, 3, NOON - before)
    meta = meta_of(same_as=ref)
    assert trusted_reference(meta, make_site()) == (ref if is_trusted else None)
    assert trusted_reference(meta, make_site(vision={"reuse_near_duplicates": False})) is None
    assert trusted_reference(meta_of(), make_site()) is None
