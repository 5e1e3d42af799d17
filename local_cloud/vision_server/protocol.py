"""DetectLabels on the wire: AWS JSON 1.1, its limits and its errors.

Sources: the Rekognition API reference (API_DetectLabels, API_GeneralLabelsSettings), and its guidelines and quotas
(docs.aws.amazon.com/rekognition/latest/dg/limits.html). Where the documentation leaves a choice, the stricter side is
taken: what passes here should pass there.
"""

from __future__ import annotations

import binascii
import json
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NoReturn

TARGET_PREFIX = "RekognitionService."
CONTENT_TYPE = "application/x-amz-json-1.1"

MAX_IMAGE_BYTES = 5 * 1024 * 1024
MAX_S3_IMAGE_BYTES = 15 * 1024 * 1024
DEFAULT_MIN_CONFIDENCE = 55.0
MAX_LABELS = 1000
DEFAULT_DOMINANT_COLORS = 10
MAX_DOMINANT_COLORS = 20
_MAX_FILTERS = 100
_MAX_FILTER_CHARS = 50
# As documented, where ' to _ is a range that holds most ASCII punctuation.
_FILTER_PATTERN = re.compile(r"[A-Za-z0-9àâèçñó'-_(). ]*")
_BUCKET_PATTERN = re.compile(r"[0-9A-Za-z.\-_]{3,255}")
_MAX_KEY_CHARS = 1024
_FEATURES = ("GENERAL_LABELS", "IMAGE_PROPERTIES")
_MAX_FEATURES = 2


class ApiError(Exception):
    """An answer that is an error. ``code`` becomes ``__type``."""

    def __init__(self, code: str, message: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class S3Object:
    bucket: str
    name: str
    version: str | None


@dataclass(frozen=True, slots=True)
class LabelFilters:
    """Exact names, as documented: case counts, aliases do not."""

    include_labels: frozenset[str] = frozenset()
    exclude_labels: frozenset[str] = frozenset()
    include_categories: frozenset[str] = frozenset()
    exclude_categories: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DetectLabelsRequest:
    """Checked; ``image`` is the raw file or where it lies in S3. ``min_confidence`` in percent."""

    image: bytes | S3Object
    max_labels: int = MAX_LABELS
    min_confidence: float = DEFAULT_MIN_CONFIDENCE
    general_labels: bool = True
    image_properties: bool = False
    max_dominant_colors: int = DEFAULT_DOMINANT_COLORS
    filters: LabelFilters = field(default_factory=LabelFilters)


def parse_body(body: bytes) -> dict[str, Any]:
    """The JSON object of a request. Raises ApiError(SerializationException)."""
    try:
        parsed = json.loads(body, parse_constant=_refuse_constant)
    # A RecursionError is what deep nesting ends in.
    except (ValueError, RecursionError) as error:
        raise ApiError("SerializationException", "the request body is not valid JSON") from error
    if not isinstance(parsed, dict):
        raise ApiError("SerializationException", "the request body is not a JSON object")
    return parsed


def parse_detect_labels(body: bytes) -> DetectLabelsRequest:
    """Raises ApiError: SerializationException for a wrong type, InvalidParameterException for a broken constraint,
    ImageTooLargeException for more than 5 MB of image bytes."""
    request = parse_body(body)
    features = _features(request)
    general, properties = "GENERAL_LABELS" in features, "IMAGE_PROPERTIES" in features
    settings = _member(request, "Settings", dict) or {}
    general_settings = _member(settings, "GeneralLabels", dict, "Settings.")
    property_settings = _member(settings, "ImageProperties", dict, "Settings.")
    max_labels = _integer(request, "MaxLabels")
    min_confidence = _percent(request, "MinConfidence")
    if not general:
        for name, value in (
            ("MaxLabels", max_labels),
            ("MinConfidence", min_confidence),
            ("Settings.GeneralLabels", general_settings),
        ):
            if value is not None:
                _invalid(f"{name} is only valid when GENERAL_LABELS is among the Features")
    if property_settings is not None and not properties:
        _invalid("Settings.ImageProperties is only valid when IMAGE_PROPERTIES is among the Features")
    colors = _integer(property_settings or {}, "MaxDominantColors", "Settings.ImageProperties.")
    if colors is not None and colors > MAX_DOMINANT_COLORS:
        _invalid(f"Settings.ImageProperties.MaxDominantColors must be at most {MAX_DOMINANT_COLORS}")
    return DetectLabelsRequest(
        image=_image(request),
        max_labels=MAX_LABELS if max_labels is None else min(max_labels, MAX_LABELS),
        min_confidence=DEFAULT_MIN_CONFIDENCE if min_confidence is None else min_confidence,
        general_labels=general,
        image_properties=properties,
        max_dominant_colors=DEFAULT_DOMINANT_COLORS if colors is None else colors,
        filters=_filters(general_settings or {}),
    )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _invalid(message: str) -> NoReturn:
    raise ApiError("InvalidParameterException", message)


def _member(holder: dict[str, Any], name: str, kind: type, path: str = "") -> Any:
    """The member, or None when it is absent or null. Raises ApiError(SerializationException) for another type."""
    value = holder.get(name)
    if value is not None and not isinstance(value, kind):
        raise ApiError("SerializationException", f"{path}{name} has the wrong type")
    return value


def _integer(holder: dict[str, Any], name: str, path: str = "") -> int | None:
    value = holder.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise ApiError("SerializationException", f"{path}{name} is not an integer")
    if value < 0:
        _invalid(f"{path}{name} must be at least 0")
    return value


def _percent(holder: dict[str, Any], name: str) -> float | None:
    value = holder.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ApiError("SerializationException", f"{name} is not a number")
    if not 0 <= value <= 100:
        _invalid(f"{name} must be from 0 to 100")
    return float(value)


def _features(request: dict[str, Any]) -> frozenset[str]:
    names = _member(request, "Features", list) or ["GENERAL_LABELS"]
    if len(names) > _MAX_FEATURES:
        _invalid(f"Features holds more than {_MAX_FEATURES} items")
    for name in names:
        if not isinstance(name, str):
            raise ApiError("SerializationException", "Features holds something other than strings")
        if name not in _FEATURES:
            _invalid(f"Features may hold {' and '.join(_FEATURES)} only")
    return frozenset(names)


def _filters(settings: dict[str, Any]) -> LabelFilters:
    def names(member: str) -> frozenset[str]:
        values = _member(settings, member, list, "Settings.GeneralLabels.") or []
        if len(values) > _MAX_FILTERS:
            _invalid(f"Settings.GeneralLabels.{member} holds more than {_MAX_FILTERS} items")
        for value in values:
            if not isinstance(value, str):
                raise ApiError("SerializationException", f"Settings.GeneralLabels.{member} holds non-strings")
            if len(value) > _MAX_FILTER_CHARS or not _FILTER_PATTERN.fullmatch(value):
                _invalid(
                    f"Settings.GeneralLabels.{member} holds a value of more than {_MAX_FILTER_CHARS} characters "
                    f"or with a character that label names do not have"
                )
        return frozenset(values)

    return LabelFilters(
        include_labels=names("LabelInclusionFilters"),
        exclude_labels=names("LabelExclusionFilters"),
        include_categories=names("LabelCategoryInclusionFilters"),
        exclude_categories=names("LabelCategoryExclusionFilters"),
    )


def _image(request: dict[str, Any]) -> bytes | S3Object:
    image = _member(request, "Image", dict)
    if image is None:
        _invalid("Image is required")
    encoded = _member(image, "Bytes", str, "Image.")
    s3_object = _member(image, "S3Object", dict, "Image.")
    if (encoded is None) == (s3_object is None):
        _invalid("Image must hold either Bytes or S3Object")
    if encoded is not None:
        return _image_bytes(encoded)
    bucket = _member(s3_object, "Bucket", str, "Image.S3Object.")
    name = _member(s3_object, "Name", str, "Image.S3Object.")
    version = _member(s3_object, "Version", str, "Image.S3Object.")
    if bucket is None or not _BUCKET_PATTERN.fullmatch(bucket):
        _invalid("Image.S3Object.Bucket must be a bucket name of 3 to 255 characters")
    if not name or len(name) > _MAX_KEY_CHARS or not _is_utf8(name):
        _invalid(f"Image.S3Object.Name must be an object key of 1 to {_MAX_KEY_CHARS} characters")
    if version is not None and (not 1 <= len(version) <= _MAX_KEY_CHARS or not _is_utf8(version)):
        _invalid(f"Image.S3Object.Version must be of 1 to {_MAX_KEY_CHARS} characters")
    return S3Object(bucket, name, version)


def _is_utf8(text: str) -> bool:
    """JSON can carry half of a surrogate pair, which no S3 key can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _image_bytes(encoded: str) -> bytes:
    try:
        data = binascii.a2b_base64(encoded, strict_mode=True)
    except ValueError as error:  # also what non-ASCII text raises
        raise ApiError("SerializationException", "Image.Bytes is not valid base64") from error
    if not data:
        _invalid("Image.Bytes must hold at least 1 byte")
    if len(data) > MAX_IMAGE_BYTES:
        raise ApiError(
            "ImageTooLargeException",
            f"Image.Bytes holds {len(data)} bytes, more than {MAX_IMAGE_BYTES}: pass a larger image as an S3Object",
        )
    return data
