"""DetectLabels itself: fetch, check, decode, look, answer. Knows nothing of HTTP."""

from __future__ import annotations

import threading
from http import HTTPStatus
from typing import Any, Protocol

from framewatch.adapters.vision.base import Detection
from framewatch.adapters.vision.images import decode, read_header
from framewatch.adapters.vision.pool import DetectorPool
from framewatch.adapters.vision.properties import DominantColor, Quality, RegionProperties, image_properties
from framewatch.domain.errors import ImageRejected, VisionThrottled
from framewatch.domain.frames import MAX_SIDE_PX, MIN_SIDE_PX
from local_cloud.vision_server.labels import filtered, labels_of
from local_cloud.vision_server.protocol import (
    ApiError,
    DetectLabelsRequest,
    S3Object,
    parse_detect_labels,
)
from local_cloud.vision_server.stats import Stats

_WAIT_S = 30.0


class ImageSource(Protocol):
    def fetch(self, s3_object: S3Object) -> bytes:
        """The object's bytes. Raises ApiError."""
        ...


class NoS3:
    """Stands where no S3 endpoint was given."""

    def fetch(self, s3_object: S3Object) -> bytes:
        """Raises ApiError, always."""
        raise ApiError(
            "InvalidS3ObjectException",
            f"the bucket {s3_object.bucket} cannot be read: this server was started without an S3 endpoint",
        )


class DetectLabels:
    """Thread-safe. At most ``pool_size + 1`` decoded images are held at a time, so memory is bounded
    (an image of 10,000 px a side is 300 MB) and one image is decoded while the model looks at another."""

    def __init__(self, pool: DetectorPool, pool_size: int, source: ImageSource, stats: Stats) -> None:
        self._pool = pool
        self._source = source
        self._stats = stats
        self._decoded = threading.BoundedSemaphore(pool_size + 1)

    def __call__(self, body: bytes) -> dict[str, Any]:
        """The response for a request's JSON body. Raises ApiError."""
        request = parse_detect_labels(body)
        data = self._source.fetch(request.image) if isinstance(request.image, S3Object) else request.image
        if not self._decoded.acquire(timeout=_WAIT_S):
            raise _throttled()
        try:
            return self._answer(request, data)
        except ImageRejected as error:
            raise ApiError("InvalidImageFormatException", f"Request has invalid image format: {error}") from error
        except VisionThrottled as error:
            raise _throttled() from error
        finally:
            self._decoded.release()

    def _answer(self, request: DetectLabelsRequest, data: bytes) -> dict[str, Any]:
        header = read_header(data)
        width_px, height_px = header.width_px, header.height_px
        if max(width_px, height_px) > MAX_SIDE_PX:
            raise ApiError(
                "ImageTooLargeException",
                f"Input image dimensions {width_px} x {height_px} exceed maximum dimension size of "
                f"{MAX_SIDE_PX} pixels",
            )
        if min(width_px, height_px) < MIN_SIDE_PX:
            raise ApiError(
                "InvalidParameterException",
                f"Request has invalid parameters: the image is {width_px} x {height_px} pixels, "
                f"and each side must have at least {MIN_SIDE_PX}",
            )
        # Sharpness is in the fine detail, so only the model is content with a reduced picture.
        reduced_to = None if request.image_properties else self._pool.input_size_px
        image_bgr = decode(data, header, model_input_px=reduced_to)
        found, vision_ms = self._pool.timed_detect(image_bgr, request.min_confidence)
        self._stats.add_ms("vision", vision_ms)

        response: dict[str, Any] = {"Labels": [], "LabelModelVersion": self._pool.name}
        colors = None
        if request.image_properties:
            properties, colors = _properties(image_bgr, found, request.max_dominant_colors)
            response["ImageProperties"] = properties
        if request.general_labels:
            response["Labels"] = filtered(labels_of(found, colors), request.filters)[: request.max_labels]
        return response


def _throttled() -> ApiError:
    return ApiError(
        "ThrottlingException",
        "the local model has more images than it can look at: try again",
        HTTPStatus.INTERNAL_SERVER_ERROR,  # as documented for this error
    )


def _properties(
    image_bgr: Any, found: list[Detection], max_colors: int
) -> tuple[dict[str, Any], dict[int, list[dict[str, Any]]]]:
    """The ImageProperties member, and the dominant colours of each detection by its position.

    Foreground is what lies in the boxes of detected objects. Where an image has none (or nothing else) that member is
    left out, as the API allows, rather than filled with numbers that mean nothing.
    """
    properties = image_properties(image_bgr, [d.box_xyxy_rel for d in found], max_colors=max_colors)
    answer: dict[str, Any] = _region(properties.whole)
    for name, region in (("Foreground", properties.foreground), ("Background", properties.background)):
        if region is not None:
            answer[name] = _region(region)
    colors = {i: [_color(c) for c in colors] for i, colors in enumerate(properties.instance_colors)}
    return answer, colors


def _region(region: RegionProperties) -> dict[str, Any]:
    return {
        "Quality": _quality(region.quality),
        "DominantColors": [_color(color) for color in region.dominant_colors],
    }


def _quality(quality: Quality) -> dict[str, float]:
    return {
        "Brightness": quality.brightness,
        "Sharpness": quality.sharpness,
        "Contrast": quality.contrast,
    }


def _color(color: DominantColor) -> dict[str, Any]:
    red, green, blue = color.rgb
    return {
        "Red": red,
        "Green": green,
        "Blue": blue,
        "HexCode": f"#{red:02x}{green:02x}{blue:02x}",
        "CSSColor": color.css_color,
        "SimplifiedColor": color.simplified_color,
        "PixelPercent": color.pixel_percent,
    }
