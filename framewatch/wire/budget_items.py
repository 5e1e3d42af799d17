"""The bodies of what the budget remembers. Their keys stand in framewatch.wire.items."""

from collections.abc import Iterable
from typing import ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict

from framewatch.domain.budget import (
    BudgetCause,
    BudgetChange,
    BudgetPin,
    BudgetState,
    BudgetStep,
    CameraStep,
    ChangeKind,
    Untold,
)
from framewatch.wire.items import StoredItem


class StoredStep(BaseModel):
    """Cameras that gave the same up at the same moment stand together: mostly that is all of them."""

    model_config = ConfigDict(frozen=True)
    step: BudgetStep
    cause: BudgetCause
    since: AwareDatetime
    until: AwareDatetime
    camera_ids: tuple[str, ...]


class StoredNoticed(BaseModel):
    model_config = ConfigDict(frozen=True)
    cause: BudgetCause
    camera_id: str
    until: AwareDatetime


class StoredChange(BaseModel):
    model_config = ConfigDict(frozen=True)
    at: AwareDatetime
    kind: ChangeKind
    cause: BudgetCause
    camera_ids: tuple[str, ...]
    before: BudgetStep
    after: BudgetStep
    until: AwareDatetime
    budget_usd: float | None
    spent_usd: float | None
    set_aside_usd: float | None

    @classmethod
    def of(cls, change: BudgetChange) -> "StoredChange":
        return cls(
            at=change.at,
            kind=change.kind,
            cause=change.cause,
            camera_ids=change.camera_ids,
            before=change.before,
            after=change.after,
            until=change.until,
            budget_usd=change.budget_usd,
            spent_usd=change.spent_usd,
            set_aside_usd=change.set_aside_usd,
        )

    def to_domain(self) -> BudgetChange:
        return BudgetChange(
            at=self.at,
            kind=self.kind,
            cause=self.cause,
            camera_ids=self.camera_ids,
            before=self.before,
            after=self.after,
            until=self.until,
            budget_usd=self.budget_usd,
            spent_usd=self.spent_usd,
            set_aside_usd=self.set_aside_usd,
        )


class StoredUntold(BaseModel):
    model_config = ConfigDict(frozen=True)
    change: StoredChange
    owed: tuple[str, ...]


class StoredBudgetState(StoredItem):
    """Guarded by the attribute `version`, as a visit is."""

    written_back: ClassVar[bool] = True

    decided_at: AwareDatetime | None
    steps: tuple[StoredStep, ...]
    noticed: tuple[StoredNoticed, ...]
    untold: tuple[StoredUntold, ...]
    boxes: dict[str, str]

    @classmethod
    def of(cls, state: BudgetState) -> "StoredBudgetState":
        alike: dict[CameraStep, list[str]] = {}
        for camera_id, held in state.by_camera.items():
            alike.setdefault(held, []).append(camera_id)
        return cls(
            item_version=cls.current_version,
            decided_at=state.decided_at,
            steps=tuple(
                StoredStep(step=h.step, cause=h.cause, since=h.since, until=h.until, camera_ids=tuple(ids))
                for h, ids in alike.items()
            ),
            noticed=tuple(
                StoredNoticed(cause=cause, camera_id=camera_id, until=until)
                for cause, camera_id, until in sorted(state.noticed)
            ),
            untold=tuple(StoredUntold(change=StoredChange.of(u.change), owed=u.owed) for u in state.untold),
            boxes=dict(state.boxes),
        )

    def to_domain(self, version: int) -> BudgetState:
        return BudgetState(
            by_camera={
                camera_id: CameraStep(s.step, s.cause, s.since, s.until)
                for s in self.steps
                for camera_id in s.camera_ids
            },
            decided_at=self.decided_at,
            noticed=frozenset((n.cause, n.camera_id, n.until) for n in self.noticed),
            untold=tuple(Untold(u.change.to_domain(), u.owed) for u in self.untold),
            boxes=dict(self.boxes),
            version=version,
        )


class StoredBudgetPin(StoredItem):
    """Set whole, in place of the one before."""

    camera_id: str | None
    step: BudgetStep
    until: AwareDatetime
    by: str
    name: str | None
    at: AwareDatetime

    @classmethod
    def of(cls, pin: BudgetPin) -> "StoredBudgetPin":
        return cls(
            item_version=cls.current_version,
            camera_id=pin.camera_id,
            step=pin.step,
            until=pin.until,
            by=pin.by,
            name=pin.name,
            at=pin.at,
        )

    def to_domain(self) -> BudgetPin:
        return BudgetPin(self.camera_id, self.step, self.until, self.by, self.name, self.at)


class StoredBudgetChanges(StoredItem):
    """Of one decision, written once."""

    changes: tuple[StoredChange, ...]

    @classmethod
    def of(cls, changes: Iterable[BudgetChange]) -> "StoredBudgetChanges":
        return cls(item_version=cls.current_version, changes=tuple(StoredChange.of(c) for c in changes))

    def to_domain(self) -> list[BudgetChange]:
        return [change.to_domain() for change in self.changes]
