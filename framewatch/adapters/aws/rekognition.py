"""LabelDetector over Amazon Rekognition's DetectLabels, or anything that answers like it."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.parsers import ResponseParserError

from framewatch.adapters.aws.errors import describe, error_code
from framewatch.domain.errors import FramewatchError, ImageRejected, VisionDenied, VisionThrottled, VisionUnavailable
from framewatch.domain.frames import BoxXYXYRel
from framewatch.domain.labels import Instance, Label

if TYPE_CHECKING:
    from mypy_boto3_rekognition.client import RekognitionClient

# InvalidParameterException: what DetectLabels answers to a picture under 80 pixels; the other parameters are
# bounded by the site file's models.
_BAD_IMAGE = {
    "InvalidImageFormatException",
    "ImageTooLargeException",
    "InvalidParameterException",
    "InvalidImageException",
}
_THROTTLED = {
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "LimitExceededException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "Throttling",
}
_DENIED = {
    "AccessDeniedException",
    "AccessDenied",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "ExpiredTokenException",
    "ExpiredToken",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "SubscriptionRequiredException",
}
# What an answer that is cut short, or no answer of DetectLabels at all, ends in: here or inside botocore.
_UNREADABLE = (ResponseParserError, AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError)
# Names become keys of the table; Rekognition's own have at most some 40 characters.
_MAX_NAME_CHARS = 100


class RekognitionDetector:
    def __init__(self, client: "RekognitionClient"):
        self._client = client

    def detect(self, jpeg: bytes, *, min_confidence: float, max_labels: int) -> list[Label]:
        try:
            answer = self._client.detect_labels(
                Image={"Bytes": jpeg}, MinConfidence=min_confidence, MaxLabels=max_labels
            )
            labels = [to_label(raw) for raw in answer["Labels"]]
        except ParamValidationError:
            raise
        except ClientError as error:
            raise _translated(error) from error
        except BotoCoreError as error:
            raise VisionUnavailable(f"DetectLabels did not answer: {describe(error)}") from error
        except _UNREADABLE as error:
            what = f"DetectLabels answered something else than labels ({type(error).__name__}); ask again"
            raise VisionUnavailable(what) from error
        return sorted(labels, key=lambda label: -label.confidence)


def _translated(error: ClientError) -> FramewatchError:
    code = error_code(error)
    if code in _BAD_IMAGE:
        return ImageRejected(f"DetectLabels refused the picture: {describe(error)}")
    if code in _THROTTLED:
        return VisionThrottled(f"DetectLabels is throttled, ask for a higher quota or send less: {describe(error)}")
    if code in _DENIED:
        return VisionDenied(f"DetectLabels refused our credentials: {describe(error)}")
    return VisionUnavailable(f"DetectLabels failed: {describe(error)}")


def to_label(raw: Mapping[str, Any]) -> Label:
    """raw: one of DetectLabels' answer. Raises one of _UNREADABLE for what is none."""
    return Label(
        name=_name(raw["Name"]),
        confidence=_percent(raw.get("Confidence", 0.0)),
        instances=tuple(
            Instance(_to_xyxy(i["BoundingBox"]), _percent(i.get("Confidence", raw.get("Confidence", 0.0))))
            for i in raw.get("Instances", ())
            if i.get("BoundingBox")
        ),
        parents=_names(raw.get("Parents", ())),
        aliases=_names(raw.get("Aliases", ())),
        categories=_names(raw.get("Categories", ())),
    )


def _names(raw: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(_name(r["Name"]) for r in raw if r.get("Name"))


def _name(text: Any) -> str:
    """Raises ValueError for what no table could hold: half of a surrogate pair, nothing, or far too much."""
    if not isinstance(text, str) or not 0 < len(text) <= _MAX_NAME_CHARS:
        raise ValueError(f"a name has 1 to {_MAX_NAME_CHARS} characters")
    text.encode()
    return text


def _percent(value: float) -> float:
    return min(100.0, max(0.0, float(value)))


def _to_xyxy(box: Mapping[str, float]) -> BoxXYXYRel:
    """Clipped to the picture: Rekognition answers boxes that reach over its edge, with a negative Left or Top."""
    left, top = box["Left"], box["Top"]
    edges = (left, top, left + box["Width"], top + box["Height"])
    x1, y1, x2, y2 = (min(1.0, max(0.0, float(edge))) for edge in edges)
    return (x1, y1, max(x1, x2), max(y1, y2))
