"""What a plan will use: what each setting moves, and what it leaves alone."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framewatch.domain.cost import Free, Service, UsageKind, price
from framewatch.domain.estimate import Plan, PlanProblem, estimate
from framewatch.wire.price_file import load_prices

K = UsageKind


def month(**changes: object) -> dict[UsageKind, Decimal]:
    return dict(estimate(Plan.model_validate({"cameras": 6} | changes)).month)


def usd(**changes: object) -> Decimal:
    plan = Plan.model_validate({"cameras": 6} | changes)
    return price(estimate(plan).month, load_prices(), sms_country="ES").usd


def test_six_cameras_by_hand() -> None:
    found = estimate(Plan(cameras=6))
    # 6 cameras x 86,400 s, of which 30 % are sent
    assert (found.frames.taken, found.frames.sent) == (518_400, 155_520)
    assert found.month[K.IMAGES_ANALYSED] == 155_520 * 30
    assert found.month[K.S3_PUT_REQUESTS] == 155_520 * 30
    assert found.month[K.S3_GB_MONTHS] == Decimal("699.84")  # 155,520 x 150 KB, thirty days of them
    assert found.month[K.SMS_PARTS] == 150
    assert found.month[K.KINESIS_STREAM_HOURS] == 720
    # 70 % of the frames are 15 items of 3 KiB; 30 % are 32, and 10 units for the visit
    of_frames = 155_520 * 30 * (Decimal("0.7") * 45 + Decimal("0.3") * 106)
    assert found.month[K.DYNAMODB_WRITE_UNITS] == pytest.approx(of_frames, rel=Decimal("0.01"))
    assert found.day[K.IMAGES_ANALYSED] == 155_520


def test_the_bill_of_six_cameras_is_mostly_vision() -> None:
    cost = price(estimate(Plan(cameras=6)).month, load_prices(), sms_country="ES")
    # 1,000,000 x 0.001 + 3,665,600 x 0.0008
    assert cost.by_service()[Service.REKOGNITION] == Decimal("3932.48")
    assert max(cost.by_service().values()) == cost.by_service()[Service.REKOGNITION]


@pytest.mark.parametrize(
    ("changes", "moved"),
    [
        ({"analysed_share": 0.5}, {K.IMAGES_ANALYSED}),
        ({"retention_days": 60}, {K.S3_GB_MONTHS}),
        ({"metadata_days": 30}, {K.DYNAMODB_GB_MONTHS, K.DYNAMODB_BACKUP_GB_MONTHS}),
        ({"texts_per_alert": 2}, {K.SMS_PARTS}),
        ({"parts_per_text": 2}, {K.SMS_PARTS}),
        ({"log_days": 7}, {K.LOG_GB_MONTHS}),
        (
            {"shards": 8},
            {
                *(K.KINESIS_STREAM_HOURS, K.KINESIS_GB_IN, K.KINESIS_GB_OUT),
                *(K.KINESIS_SHARD_HOURS, K.KINESIS_PUT_UNITS),
                # Six cameras then lie on six shards, each with batches of its own.
                *(K.LAMBDA_REQUESTS, K.LAMBDA_GB_S, K.LOG_GB, K.LOG_GB_MONTHS),
                *(K.S3_GET_REQUESTS, K.DYNAMODB_WRITE_UNITS, K.DYNAMODB_READ_UNITS),
            },
        ),
        ({"window_s": 5}, {K.LAMBDA_REQUESTS, K.LAMBDA_GB_S, K.LOG_GB, K.LOG_GB_MONTHS}),
    ],
)
def test_a_setting_moves_what_it_is_about_and_nothing_else(changes: dict[str, object], moved: set[UsageKind]) -> None:
    before, after = month(), month(**changes)
    assert {kind for kind in K if before.get(kind) != after.get(kind)} == moved


@given(
    st.sampled_from(
        ["cameras", "hours", "fps", "frame_kb", "gate_share", "analysed_share", "alerts_per_day", "users"]
    ),
    st.integers(1, 10),
    st.integers(1, 10),
)
@settings(max_examples=60)
def test_more_of_anything_never_costs_less(name: str, one: int, other: int) -> None:
    scale = 0.1 if name.endswith("share") else 1
    less, more = sorted((one, other))
    assert usd(**{name: less * scale}) <= usd(**{name: more * scale})


def test_a_site_where_nothing_moves_still_pays_for_what_stands_there() -> None:
    quiet = price(
        estimate(Plan(cameras=1, gate_share=0, alerts_per_day=0, users=0)).month, load_prices(), free=Free.NONE
    )
    assert quiet.of(K.IMAGES_ANALYSED) == 0
    assert {Service.KINESIS, Service.LAMBDA, Service.CLOUDWATCH, Service.KMS} <= set(quiet.by_service())


def test_too_few_shards_are_told_with_the_number_that_would_do() -> None:
    with pytest.raises(PlanProblem, match=r"send 27\.0 MB/s, and a shard takes 1 MB/s; plan with 27 shards or more"):
        estimate(Plan(cameras=6, fps=30, gate_share=1, shards=2))


def test_an_hour_of_frames_a_day_is_a_day_of_heartbeats() -> None:
    whole, hour = month(), month(hours=1)
    assert hour[K.IMAGES_ANALYSED] * 24 == whole[K.IMAGES_ANALYSED]
    assert hour[K.DYNAMODB_WRITE_UNITS] > whole[K.DYNAMODB_WRITE_UNITS] / 24
    assert hour[K.LAMBDA_REQUESTS] > MINUTES_A_MONTH


MINUTES_A_MONTH = 30 * 24 * 60
