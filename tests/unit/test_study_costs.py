"""The cost cases of the study that this project comes from: what it published, as it published it, beside what its
own inputs and prices come to here.

Where a published figure differs from ours, the formula that gives the published one stands beside it; where there is
none, `NOT_REPRODUCIBLE` says what was tried. No formula here was bent to fit: ours are quantities times prices of
`config/prices-study-2019.yaml`, priced by the same function as everything else. The working is in docs/cost.md.
"""

from decimal import Decimal

import pytest

from framewatch.domain.cost import CostTable, Free, Number, Usage, UsageKind, price
from framewatch.wire.price_file import STUDY_PRICES, load_prices

K = UsageKind
SECONDS_OF_8_H = 8 * 3600
DAYS = 30


def priced(amounts: dict[UsageKind, Number]) -> CostTable:
    return price(Usage(amounts), load_prices(path=STUDY_PRICES), free=Free.NONE, sms_country="ES")


def usd(amounts: dict[UsageKind, Number]) -> Decimal:
    return priced(amounts).usd


def cents(amount: Decimal, places: str = "0.01") -> Decimal:
    return amount.quantize(Decimal(places))


def gb_of(megabits_a_second: int, seconds: int, mb_a_gb: int) -> Decimal:
    """Of a video stream. mb_a_gb: 1000, as networks and prices count, or 1024, as the study does at times."""
    return Decimal(megabits_a_second * seconds) / 8 / mb_a_gb


# -- frames to Rekognition: 8 h a day, one frame a second, 1 MB a frame ---------------------------------------------


def frames_usage(frames: int, *, days: int, stored_frames: int, requests: int) -> dict[UsageKind, Number]:
    """requests: writes, reads and API calls, of each. One text a day; one shard for the 8 hours."""
    return {
        K.KINESIS_SHARD_HOURS: 8 * days,
        K.IMAGES_ANALYSED: frames,
        K.SMS_PARTS: days,
        K.S3_GB_MONTHS: Decimal(stored_frames) / 1000,
        K.DYNAMODB_WRITE_UNITS: requests,
        K.DYNAMODB_READ_UNITS: requests,
        K.API_REQUESTS: requests,
    }


def test_frames_a_day_of_the_corrected_inputs() -> None:
    published = Decimal("28.74")
    frames = SECONDS_OF_8_H
    assert frames == 28_800  # the study says 22,880
    ours = priced(frames_usage(frames, days=1, stored_frames=frames, requests=frames))
    assert {line.kind: line.usd for line in ours.lines} == {
        K.IMAGES_ANALYSED: Decimal("28.8"),  # 28,800 x 0.001
        K.SMS_PARTS: Decimal("0.08802"),
        K.KINESIS_SHARD_HOURS: Decimal("0.136"),  # 8 h x 0.017
        K.S3_GB_MONTHS: Decimal("0.6624"),  # 28.8 GB x 0.023
        K.DYNAMODB_WRITE_UNITS: Decimal("0.0407088"),  # 0.0288 million x 1.4135
        K.DYNAMODB_READ_UNITS: Decimal("0.0081504"),  # 0.0288 million x 0.283
        K.API_REQUESTS: Decimal("0.1008"),  # 0.0288 million x 3.5
    }
    assert cents(ours.usd) == Decimal("29.84") != published


def test_the_published_day_is_22880_frames_and_whole_millions_of_requests_without_the_text() -> None:
    published_total, sum_of_published_rows = Decimal("28.74"), Decimal("28.83")
    theirs = priced(frames_usage(22_880, days=1, stored_frames=22_880, requests=1_000_000))
    # 22.88 + 0.136 + 0.52624 + 1.4135 + 0.283 + 3.5 + 0.08802
    assert cents(theirs.usd) == sum_of_published_rows
    assert cents(theirs.usd - theirs.of(K.SMS_PARTS)) == published_total


def test_frames_a_month_of_the_corrected_inputs_with_storage_at_its_size_at_the_months_end() -> None:
    published = Decimal("862.4")
    frames = SECONDS_OF_8_H * DAYS
    ours = priced(frames_usage(frames, days=DAYS, stored_frames=frames, requests=frames))
    # 864 + 4.08 + 2.6406 + 19.872 + 1.221264 + 0.244512 + 3.024; 864,000 images are below the first tier's end
    assert cents(ours.usd) == Decimal("895.08") != published


NOT_REPRODUCIBLE = """862.4 a month follows from no rule that the study states. Nearest: 30 times the published day,
28.73874 unrounded, is 862.16; 28.74 is 862.20; with the text, 28.82676, is 864.80. A month that pays for
whole millions once instead of every day is 711.46, with the texts 714.10. Storage at its size at the month's end
changes nothing: a day's row already holds the day's frames for a month."""


def test_the_published_month_is_not_reproducible_and_stays_so() -> None:
    published = Decimal("862.4")
    day = priced(frames_usage(22_880, days=1, stored_frames=22_880, requests=1_000_000))
    without_text = day.usd - day.of(K.SMS_PARTS)
    tried = {
        "30 days without the text": without_text * DAYS,
        "30 rounded days": Decimal("28.74") * DAYS,
        "30 days with the text": day.usd * DAYS,
        "30 rounded sums of rows": Decimal("28.83") * DAYS,
        "one million of each request a month": usd(
            frames_usage(22_880 * DAYS, days=DAYS, stored_frames=22_880 * DAYS, requests=1_000_000)
        ),
        "requests as they are": usd(
            frames_usage(22_880 * DAYS, days=DAYS, stored_frames=22_880 * DAYS, requests=22_880 * DAYS)
        ),
    }
    assert cents(tried["30 days without the text"]) == Decimal("862.16")
    assert cents(tried["30 days with the text"]) == Decimal("864.80")
    assert all(abs(amount - published) >= Decimal("0.05") for amount in tried.values()), NOT_REPRODUCIBLE


# -- face search on a video stream: 1 Mbps for 8 h ------------------------------------------------------------------


def face_search(days: int, mb_a_gb: int) -> Decimal:
    return usd(
        {
            K.VIDEO_STREAM_GB_IN: gb_of(1, SECONDS_OF_8_H, mb_a_gb) * days,
            K.STREAM_VIDEO_MINUTES: 8 * 60 * days,
        }
    )


def test_face_search_a_day_is_the_same_in_either_gb() -> None:
    published = Decimal("57.63")
    assert cents(face_search(1, 1000)) == published  # 3.6 GB x 0.00944 + 480 min x 0.12
    assert cents(face_search(1, 1024)) == published  # 3.515625 GB


def test_face_search_a_month_is_published_in_gb_of_1024() -> None:
    published = Decimal("1729.00")
    assert cents(face_search(DAYS, 1024)) == published  # 105.46875 GB x 0.00944 + 14,400 min x 0.12
    assert cents(face_search(DAYS, 1000)) == Decimal("1729.02")  # ours: 108 GB


# -- stored video ---------------------------------------------------------------------------------------------------


def test_stored_video_a_month() -> None:
    published = Decimal("392.80")
    ours = usd({K.VIDEO_MINUTES_ANALYSED: 3_800, K.S3_GB_MONTHS: "556.6"})
    assert cents(ours) == published  # 380 + 12.8018
    # 556.6 is itself in GB of 1024, should the video have 20 Mbps, which the study does not say: 570 GB of 1000.
    assert cents(gb_of(20, 3_800 * 60, 1024), "0.1") == Decimal("556.6")


# -- an own model on a SageMaker endpoint ---------------------------------------------------------------------------


def test_an_own_model_a_month() -> None:
    published_endpoint, published_video = Decimal("74.64"), Decimal("0.9956")
    published_month, published_first_month = Decimal("75.64"), Decimal("80.36")
    endpoint = usd({K.ENDPOINT_HOURS: 240})
    video = usd({K.VIDEO_STREAM_GB_IN: gb_of(1, SECONDS_OF_8_H, 1024) * DAYS})
    assert endpoint == published_endpoint  # 240 h x 0.311
    assert cents(video, "0.0001") == published_video  # 105.46875 GB of 1024 x 0.00944
    assert cents(endpoint + video) == published_month
    before = usd({K.NOTEBOOK_HOURS: 2, K.TRAINING_HOURS: 1})  # 0.1 + 4.627
    assert cents(endpoint + video + before) == published_first_month
    ours_in_gb_of_1000 = usd({K.VIDEO_STREAM_GB_IN: gb_of(1, SECONDS_OF_8_H, 1000) * DAYS})
    assert cents(endpoint + ours_in_gb_of_1000) == Decimal("75.66")


def own_model_for_two_hours(cameras: int) -> Decimal:
    ingested = gb_of(100, 2 * 3600, 1000) * cameras  # 90 GB a camera at 100 Mbps; GB of 1000 here
    return usd({K.ENDPOINT_HOURS: 2, K.VIDEO_STREAM_GB_IN: ingested})


def test_an_own_model_for_two_hours_of_two_cameras_is_published_with_one_cameras_ingest() -> None:
    published = Decimal("1.4716")
    assert own_model_for_two_hours(1) == published  # 2 h x 0.311 + 90 GB x 0.00944
    assert own_model_for_two_hours(2) == Decimal("2.3212")  # ours: two cameras send 180 GB


# -- GPU instance with two 100 Mbps streams for 2 h -----------------------------------------------------------------


def test_a_gpu_instance_for_two_hours() -> None:
    published = Decimal("8.3092")
    ours = usd({K.GPU_INSTANCE_HOURS: 2, K.VIDEO_STREAM_GB_IN: gb_of(100, 2 * 3600, 1000) * 2})
    assert ours == published  # 2 h x 3.305 + 180 GB x 0.00944
    # The hour's price is what the published sum leaves, 6.61 for 2 h. That makes this case no proof of it.
    assert (published - Decimal(180) * Decimal("0.00944")) / 2 == Decimal("3.305")


# -- two cameras to Rekognition images for 2 h ----------------------------------------------------------------------


@pytest.mark.parametrize(("frames_a_second", "published"), [(15, "216"), (6, "86.4")])
def test_two_cameras_frame_by_frame_for_two_hours(frames_a_second: int, published: str) -> None:
    assert usd({K.IMAGES_ANALYSED: 2 * frames_a_second * 2 * 3600}) == Decimal(published)
