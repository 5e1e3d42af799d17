"""The bodies of what rules remember, and of how many texts went out. Their keys stand in framewatch.wire.items."""

from datetime import date
from typing import ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from framewatch.domain.limits import LimitOverride, LimitState
from framewatch.domain.rule_state import RecentAlert, RuleState
from framewatch.wire.alert_items import StoredAnswer, is_none
from framewatch.wire.items import StoredItem


class StoredRecent(BaseModel):
    model_config = ConfigDict(frozen=True)
    camera_id: str
    label: str
    visit_id: str
    captured_at: AwareDatetime
    incident_alert_id: str
    incident_camera_id: str
    incident_captured_at: AwareDatetime
    told: bool


class StoredRuleState(StoredItem):
    """Guarded by the attribute `version`, as a visit is."""

    written_back: ClassVar[bool] = True

    rule_id: str
    scope: str
    recent: tuple[StoredRecent, ...]
    snoozed_until: AwareDatetime | None
    snoozed_by: str | None
    snoozed_name: str | None = Field(default=None, exclude_if=is_none)
    snooze_ended: StoredAnswer | None = Field(default=None, exclude_if=is_none)

    @classmethod
    def of(cls, state: RuleState) -> "StoredRuleState":
        return cls(
            item_version=cls.current_version,
            rule_id=state.rule_id,
            scope=state.scope,
            recent=tuple(
                StoredRecent(
                    camera_id=a.camera_id,
                    label=a.label,
                    visit_id=a.visit_id,
                    captured_at=a.captured_at,
                    incident_alert_id=a.incident_alert_id,
                    incident_camera_id=a.incident_camera_id,
                    incident_captured_at=a.incident_captured_at,
                    told=a.told,
                )
                for a in state.recent
            ),
            snoozed_until=state.snoozed_until,
            snoozed_by=state.snoozed_by,
            snoozed_name=state.snoozed_name,
            snooze_ended=StoredAnswer.of(state.snooze_ended) if state.snooze_ended else None,
        )

    def to_domain(self, version: int) -> RuleState:
        return RuleState(
            self.rule_id,
            self.scope,
            tuple(
                RecentAlert(
                    camera_id=a.camera_id,
                    label=a.label,
                    visit_id=a.visit_id,
                    captured_at=a.captured_at,
                    incident_alert_id=a.incident_alert_id,
                    incident_camera_id=a.incident_camera_id,
                    incident_captured_at=a.incident_captured_at,
                    told=a.told,
                )
                for a in self.recent
            ),
            self.snoozed_until,
            self.snoozed_by,
            self.snoozed_name,
            self.snooze_ended.to_domain() if self.snooze_ended else None,
            version,
        )


class StoredLimitState(StoredItem):
    """Guarded by the attribute `version`, as a visit is."""

    written_back: ClassVar[bool] = True

    texted_at: dict[str, tuple[AwareDatetime, ...]]
    digest_at: dict[str, AwareDatetime]
    texts_by_day: dict[date, int]
    micro_usd_by_month: dict[date, int]

    @classmethod
    def of(cls, state: LimitState) -> "StoredLimitState":
        return cls(
            item_version=cls.current_version,
            texted_at=dict(state.texted_at),
            digest_at=dict(state.digest_at),
            texts_by_day=dict(state.texts_by_day),
            micro_usd_by_month=dict(state.micro_usd_by_month),
        )

    def to_domain(self, version: int) -> LimitState:
        return LimitState(
            dict(self.texted_at),
            dict(self.digest_at),
            dict(self.texts_by_day),
            dict(self.micro_usd_by_month),
            version,
        )


class StoredLimitOverride(StoredItem):
    """Set whole, in place of the one before."""

    until: AwareDatetime
    by: str
    name: str | None
    at: AwareDatetime
    per_contact_and_hour: int | None
    per_day: int | None
    monthly_budget_usd: float | None

    @classmethod
    def of(cls, override: LimitOverride) -> "StoredLimitOverride":
        return cls(
            item_version=cls.current_version,
            until=override.until,
            by=override.by,
            name=override.name,
            at=override.at,
            per_contact_and_hour=override.per_contact_and_hour,
            per_day=override.per_day,
            monthly_budget_usd=override.monthly_budget_usd,
        )

    def to_domain(self) -> LimitOverride:
        return LimitOverride(
            self.until,
            self.by,
            self.name,
            self.at,
            self.per_contact_and_hour,
            self.per_day,
            self.monthly_budget_usd,
        )
