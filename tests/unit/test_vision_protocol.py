import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_cloud.vision_server.protocol import (
    MAX_IMAGE_BYTES,
    ApiError,
    DetectLabelsRequest,
    LabelFilters,
    S3Object,
    parse_detect_labels,
)

IMAGE = {"Bytes": base64.b64encode(b"picture").decode()}


def parsed(**members) -> DetectLabelsRequest:
    return parse_detect_labels(json.dumps({"Image": IMAGE, **members}).encode())


def refused(**members) -> str:
    with pytest.raises(ApiError) as caught:
        parsed(**members)
    return caught.value.code


def test_defaults_are_the_documented_ones():
    request = parsed()
    assert request.image == b"picture"
    assert (request.max_labels, request.min_confidence, request.max_dominant_colors) == (1000, 55.0, 10)
    assert (request.general_labels, request.image_properties) == (True, False)
    assert request.filters == LabelFilters()


def test_null_members_and_unknown_ones_are_as_if_absent():
    assert parsed(MaxLabels=None, MinConfidence=None, Settings=None, Features=None, Colour="red") == parsed()


def test_an_s3_object_is_taken_with_its_version():
    image = {"S3Object": {"Bucket": "frames", "Name": "a/b.jpg", "Version": "v1"}}
    assert parsed(Image=image).image == S3Object("frames", "a/b.jpg", "v1")


@pytest.mark.parametrize(
    "image",
    [
        None,
        {},
        {"Bytes": ""},
        {**IMAGE, "S3Object": {"Bucket": "frames", "Name": "a.jpg"}},
        {"S3Object": {}},
        {"S3Object": {"Bucket": "fr", "Name": "a.jpg"}},
        {"S3Object": {"Bucket": "fra/mes", "Name": "a.jpg"}},
        {"S3Object": {"Bucket": "frames", "Name": ""}},
        {"S3Object": {"Bucket": "frames", "Name": "k" * 1025}},
        {"S3Object": {"Bucket": "frames", "Name": "\ud800"}},
        {"S3Object": {"Bucket": "frames", "Name": "a.jpg", "Version": ""}},
    ],
)
def test_an_image_that_breaks_a_constraint_is_an_invalid_parameter(image):
    assert refused(Image=image) == "InvalidParameterException"


@pytest.mark.parametrize(
    "members",
    [
        {"Image": "x"},
        {"Image": {"Bytes": 7}},
        {"Image": {"Bytes": "*not base64*"}},
        {"Image": {"Bytes": "pixel é"}},
        {"Image": {"Bytes": "YQ"}},
        {"Image": {"Bytes": "YWJj*"}},
        {"MaxLabels": "10"},
        {"MaxLabels": 1.5},
        {"MaxLabels": True},
        {"MinConfidence": "high"},
        {"Features": "GENERAL_LABELS"},
        {"Features": [1]},
        {"Settings": []},
        {"Settings": {"GeneralLabels": {"LabelInclusionFilters": "Car"}}},
        {"Settings": {"GeneralLabels": {"LabelInclusionFilters": [1]}}},
    ],
)
def test_a_wrong_type_is_a_serialization_error(members):
    assert refused(**members) == "SerializationException"


@pytest.mark.parametrize(
    "members",
    [
        {"MaxLabels": -1},
        {"MinConfidence": -0.1},
        {"MinConfidence": 100.1},
        {"Features": ["FACES"]},
        {"Features": ["GENERAL_LABELS"] * 3},
        {"Settings": {"GeneralLabels": {"LabelInclusionFilters": ["x"] * 101}}},
        {"Settings": {"GeneralLabels": {"LabelExclusionFilters": ["x" * 51]}}},
        {"Settings": {"GeneralLabels": {"LabelCategoryInclusionFilters": ["<script>", "~"]}}},
        {"Features": ["IMAGE_PROPERTIES"], "Settings": {"ImageProperties": {"MaxDominantColors": 21}}},
        {"Settings": {"ImageProperties": {"MaxDominantColors": 5}}},
        {"Features": ["IMAGE_PROPERTIES"], "MaxLabels": 5},
        {"Features": ["IMAGE_PROPERTIES"], "MinConfidence": 5},
        {"Features": ["IMAGE_PROPERTIES"], "Settings": {"GeneralLabels": {}}},
    ],
)
def test_a_broken_constraint_is_an_invalid_parameter(members):
    assert refused(**members) == "InvalidParameterException"


def test_more_labels_than_the_upper_limit_are_cut_to_it():
    assert parsed(MaxLabels=5000).max_labels == 1000


def test_image_bytes_over_five_megabytes_are_too_large_and_at_it_are_not():
    fits = base64.b64encode(bytes(MAX_IMAGE_BYTES)).decode()
    over = base64.b64encode(bytes(MAX_IMAGE_BYTES + 1)).decode()
    assert parsed(Image={"Bytes": fits}).image == bytes(MAX_IMAGE_BYTES)
    assert refused(Image={"Bytes": over}) == "ImageTooLargeException"


@pytest.mark.parametrize("body", [b"", b"nothing", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"MaxLabels": NaN}'])
def test_a_body_that_is_no_json_object_is_a_serialization_error(body):
    with pytest.raises(ApiError) as caught:
        parse_detect_labels(body)
    assert caught.value.code == "SerializationException"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
members = st.dictionaries(
    st.sampled_from(["Image", "MaxLabels", "MinConfidence", "Features", "Settings"]),
    json_values
    | st.just(IMAGE)
    | st.fixed_dictionaries({"S3Object": json_values})
    | st.fixed_dictionaries({"GeneralLabels": json_values, "ImageProperties": json_values}),
)


@given(members)
def test_any_json_is_a_request_or_a_client_error(request_members):
    try:
        request = parse_detect_labels(json.dumps(request_members).encode())
    except ApiError as error:
        assert error.status == 400
    else:
        assert 0 <= request.max_labels <= 1000
        assert 0.0 <= request.min_confidence <= 100.0
