"""From detections to Rekognition's label array: instances gathered, ancestors added, filtered, cut."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from framewatch.adapters.vision.base import Detection
from local_cloud.vision_server.protocol import LabelFilters
from local_cloud.vision_server.taxonomy import LabelEntry, entry_for_class, entry_for_label

Label = dict[str, Any]


def labels_of(
    detections: Iterable[Detection], colors_by_detection: Mapping[int, list[dict[str, Any]]] | None = None
) -> list[Label]:
    """Every label of an image, best first, equal ones by name.

    Instances stand on the detected label; ancestors are labels without instances, as confident as their best child.
    ``colors_by_detection``: position of a detection -> its dominant colours, where they were asked for.
    """
    labels: dict[str, Label] = {}
    for position, detection in enumerate(detections):
        entry = entry_for_class(detection.class_name)
        instance = _instance(detection)
        if colors_by_detection is not None:
            instance["DominantColors"] = colors_by_detection.get(position, [])
        _raised(labels, entry, detection.confidence)["Instances"].append(instance)
        for parent in entry.parents:
            _raised(labels, entry_for_label(parent), detection.confidence)
    return sorted(labels.values(), key=lambda label: (-label["Confidence"], label["Name"]))


def filtered(labels: Iterable[Label], filters: LabelFilters) -> list[Label]:
    """With any inclusion filter, a label is kept when its name or a category of it is included; exclusion wins."""
    inclusive = bool(filters.include_labels or filters.include_categories)
    kept = []
    for label in labels:
        categories = {category["Name"] for category in label["Categories"]}
        if label["Name"] in filters.exclude_labels or categories & filters.exclude_categories:
            continue
        if not inclusive or label["Name"] in filters.include_labels or categories & filters.include_categories:
            kept.append(label)
    return kept


def _raised(labels: dict[str, Label], entry: LabelEntry, confidence: float) -> Label:
    label = labels.get(entry.name)
    if label is None:
        label = labels[entry.name] = {
            "Name": entry.name,
            "Confidence": confidence,
            "Instances": [],
            "Parents": [{"Name": name} for name in entry.parents],
            "Aliases": [{"Name": name} for name in entry.aliases],
            "Categories": [{"Name": name} for name in entry.categories],
        }
    label["Confidence"] = max(label["Confidence"], confidence)
    return label


def _instance(detection: Detection) -> dict[str, Any]:
    left, top, right, bottom = detection.box_xyxy_rel
    return {
        "BoundingBox": {"Width": right - left, "Height": bottom - top, "Left": left, "Top": top},
        "Confidence": detection.confidence,
    }
