"""Bodies of the items about what is silent, and about how far the image processor has come. Keys: wire/items.py."""

from datetime import datetime
from typing import ClassVar

from pydantic import AwareDatetime

from framewatch.domain.silence import ShardHealth
from framewatch.domain.trouble_life import Stage, TroubleLife
from framewatch.domain.troubles import TroubleKind
from framewatch.wire.items import StoredItem


class StoredTrouble(StoredItem):
    written_back: ClassVar[bool] = True

    kind: TroubleKind
    name: str
    since: AwareDatetime
    stage: Stage
    opened_at: AwareDatetime | None
    cameras: tuple[str, ...]
    told: dict[str, AwareDatetime]
    owed: tuple[str, ...]
    over_at: AwareDatetime | None

    @classmethod
    def of(cls, life: TroubleLife) -> "StoredTrouble":
        return cls(
            item_version=cls.current_version,
            kind=life.kind,
            name=life.name,
            since=life.since,
            stage=life.stage,
            opened_at=life.opened_at,
            cameras=life.cameras,
            told=dict(life.told),
            owed=life.owed,
            over_at=life.over_at,
        )

    def to_domain(self) -> TroubleLife:
        told: dict[str, datetime] = dict(self.told)
        return TroubleLife(
            kind=self.kind,
            name=self.name,
            since=self.since,
            stage=self.stage,
            opened_at=self.opened_at,
            cameras=self.cameras,
            told=told,
            owed=self.owed,
            over_at=self.over_at,
        )


class StoredHealth(StoredItem):
    shard_id: str
    at: AwareDatetime
    behind_s: float
    vision_failing_since: AwareDatetime | None

    @classmethod
    def of(cls, health: ShardHealth) -> "StoredHealth":
        return cls(
            item_version=cls.current_version,
            shard_id=health.shard_id,
            at=health.at,
            behind_s=health.behind_s,
            vision_failing_since=health.vision_failing_since,
        )

    def to_domain(self) -> ShardHealth:
        return ShardHealth(self.shard_id, self.at, self.behind_s, self.vision_failing_since)
