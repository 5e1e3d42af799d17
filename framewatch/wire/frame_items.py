"""The bodies of frame items: what was seen in one, what is known of its picture. Keys: framewatch.wire.items."""

from collections.abc import Collection, Iterable
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from framewatch.domain.analysis import Analysis
from framewatch.domain.frames import BoxXYXYRel, FrameMeta, GateReason
from framewatch.domain.labels import Instance, Label
from framewatch.wire.items import StoredItem, frame_sort_key, image_key


class StoredInstance(BaseModel):
    model_config = ConfigDict(frozen=True)
    box_xyxy_rel: BoxXYXYRel
    confidence: float


class StoredLabel(BaseModel):
    model_config = ConfigDict(frozen=True)
    name: str
    confidence: float
    instances: tuple[StoredInstance, ...] = ()
    parents: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    watch_hit: bool = False

    @classmethod
    def of(cls, label: Label, watch_hit: bool) -> "StoredLabel":
        return cls(
            name=label.name,
            confidence=label.confidence,
            instances=tuple(
                StoredInstance(box_xyxy_rel=i.box_xyxy_rel, confidence=i.confidence) for i in label.instances
            ),
            parents=label.parents,
            aliases=label.aliases,
            categories=label.categories,
            watch_hit=watch_hit,
        )

    def to_domain(self) -> Label:
        return Label(
            name=self.name,
            confidence=self.confidence,
            instances=tuple(Instance(i.box_xyxy_rel, i.confidence) for i in self.instances),
            parents=self.parents,
            aliases=self.aliases,
            categories=self.categories,
        )


def _is_nothing(size_bytes: int) -> bool:
    return size_bytes == 0


def _is_analysed(analysis: Analysis) -> bool:
    return analysis is Analysis.ANALYSED


class StoredFrame(StoredItem):
    """The body of a frame item. `watch_hit` is what the watch list said when the frame got its labels.

    What is written in its every index item is as short as it can be: a frame that says nothing of its analysis was
    analysed, as every frame was before they said so. One that has no labels for itself (`analysis`) shows nothing by
    having none. jpeg_bytes: 0 where it was stored before sizes were.
    """

    frame_id: str
    camera_id: str
    boot_id: str
    seq: int
    captured_at: AwareDatetime
    stored_at: AwareDatetime
    width: int
    height: int
    gate_reason: GateReason
    image_key: str
    labels: tuple[StoredLabel, ...]
    watch_hit: bool
    analysis: Analysis = Field(default=Analysis.ANALYSED, exclude_if=_is_analysed)
    jpeg_bytes: int = Field(default=0, exclude_if=_is_nothing)

    @classmethod
    def of(
        cls,
        meta: FrameMeta,
        labels: Iterable[Label],
        watched_names: Collection[str],
        stored_at: datetime,
        *,
        analysis: Analysis = Analysis.ANALYSED,
        jpeg_bytes: int = 0,
    ) -> "StoredFrame":
        """watched_names: of those labels that the watch list means."""
        kept = tuple(StoredLabel.of(label, label.name in watched_names) for label in labels)
        return cls(
            item_version=cls.current_version,
            frame_id=meta.frame_id,
            camera_id=meta.camera_id,
            boot_id=meta.boot_id,
            seq=meta.seq,
            captured_at=meta.captured_at,
            stored_at=stored_at,
            width=meta.width,
            height=meta.height,
            gate_reason=meta.gate.reason,
            image_key=image_key(meta),
            labels=kept,
            watch_hit=any(label.watch_hit for label in kept),
            analysis=analysis,
            jpeg_bytes=jpeg_bytes,
        )

    @property
    def sort_key(self) -> str:
        return frame_sort_key(self.captured_at, self.frame_id)
