"""docs/cost.md says what the estimator and the study's tests say."""

import re
from decimal import Decimal

import pytest

from framewatch.domain.cost import UsageKind
from framewatch.domain.estimate import Plan
from local_cloud.cost_guide import CHANGES, GUIDE, made_anew
from tests.unit.test_study_costs import (
    DAYS,
    SECONDS_OF_8_H,
    cents,
    face_search,
    frames_usage,
    gb_of,
    own_model_for_two_hours,
    usd,
)

K = UsageKind
TEXT = GUIDE.read_text(encoding="utf-8")


def test_the_tables_are_those_that_the_estimator_makes_now() -> None:
    assert made_anew(TEXT) == TEXT, "run `python -m local_cloud.cost_guide`"


def test_every_setting_of_a_plan_is_moved_once() -> None:
    assert set(Plan.model_fields) <= set(re.findall(r"(\w+)=", " ".join(CHANGES)))


def test_a_guide_without_a_place_for_the_tables_is_told() -> None:
    with pytest.raises(ValueError, match=r"cost\.md has no marks"):
        made_anew("# What it costs\n")


def _ours() -> dict[str, Decimal]:
    frames = SECONDS_OF_8_H
    day = usd(frames_usage(frames, days=1, stored_frames=frames, requests=frames))
    month = usd(frames_usage(frames * DAYS, days=DAYS, stored_frames=frames * DAYS, requests=frames * DAYS))
    endpoint = usd({K.ENDPOINT_HOURS: 240})
    video = usd({K.VIDEO_STREAM_GB_IN: gb_of(1, SECONDS_OF_8_H, 1000) * DAYS})
    before = usd({K.NOTEBOOK_HOURS: 2, K.TRAINING_HOURS: 1})
    return {
        "frames to Rekognition, a day": day,
        "frames to Rekognition, sum of the day's rows": day,
        "frames to Rekognition, a month": month,
        "face search on a stream, a day": face_search(1, 1000),
        "face search on a stream, a month": face_search(DAYS, 1000),
        "stored video, a month": usd({K.VIDEO_MINUTES_ANALYSED: 3_800, K.S3_GB_MONTHS: "556.6"}),
        "own model, endpoint a month": endpoint,
        "own model, a month": endpoint + video,
        "own model, the first month": endpoint + video + before,
        "own model, 2 h of two cameras": own_model_for_two_hours(2),
        "GPU instance, 2 h of two streams": usd({K.GPU_INSTANCE_HOURS: 2, K.VIDEO_STREAM_GB_IN: 180}),
        "two cameras at 15 frames/s, 2 h": usd({K.IMAGES_ANALYSED: 216_000}),
        "two cameras at 6 frames/s, 2 h": usd({K.IMAGES_ANALYSED: 86_400}),
    }


def test_our_figures_of_the_studys_cases_are_those_of_its_tests() -> None:
    section = TEXT.partition("## The study's cases")[2].partition("How ours come about")[0]
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("| ")
    ]
    written = {case: Decimal(ours.replace(",", "")) for case, _, ours, _ in rows[1:]}
    assert written == {case: cents(amount, str(written[case])) for case, amount in _ours().items()}
