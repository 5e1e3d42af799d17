"""What the API takes and answers where an administrator sets what cameras give up for the budget."""

from collections.abc import Collection
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from framewatch.domain.access import Caller
from framewatch.domain.budget import BudgetCause, BudgetChange, BudgetPin, BudgetStep, ChangeKind
from framewatch.domain.errors import InvalidQuery
from framewatch.wire.api_actions import At, Name, parse_body
from framewatch.wire.api_costs import StepName
from framewatch.wire.api_people import PersonView, who
from framewatch.wire.api_values import Answer, Query, Time

MAX_DAYS = 31


def _parse_step(value: Any) -> StepName:
    if not isinstance(value, str) or value not in tuple(StepName):
        raise ValueError(f"one of {', '.join(StepName)}")
    return StepName(value)


class BudgetRequest(Query):
    """The body of POST /v1/budget."""

    step: Annotated[StepName, BeforeValidator(_parse_step)] | None = Field(
        default=None,
        description="what is given up, whatever the budget says; full: nothing. null: the budget decides again",
    )
    until: At | None = Field(
        default=None, description=f"the budget decides again from then on: at most {MAX_DAYS} days ahead"
    )
    camera: Name | None = Field(
        default=None, description="id of one camera; null: all that have no step of their own"
    )

    @property
    def domain_step(self) -> BudgetStep:
        return BudgetStep.FULL if self.step is None else BudgetStep(tuple(StepName).index(self.step))


def parse_budget(body: str) -> BudgetRequest:
    """Raises InvalidQuery."""
    request = parse_body(BudgetRequest, body)
    if (request.step is None) != (request.until is None):
        raise InvalidQuery("until: goes with a step; give both, or neither to let the budget decide again")
    return request


class BudgetPinView(PersonView):
    """by: who set it."""

    camera: str | None = Field(description="null: all cameras that have no step of their own")
    step: StepName
    at: Time = Field(description="when it was set")
    until: Time

    @classmethod
    def of(cls, pin: BudgetPin, you: Caller) -> "BudgetPinView":
        return cls(
            camera=pin.camera_id,
            step=StepName.of(pin.step),
            at=pin.at,
            until=pin.until,
            **who(pin.by, pin.name, you),
        )


class BudgetChangeView(Answer):
    """What one decision did to some cameras at once."""

    at: Time
    kind: ChangeKind = Field(description="nears: nothing yet, but the budget is nearly used")
    cause: BudgetCause = Field(description="whose budget; set: what an administrator set began or ended")
    cameras: tuple[str, ...] = Field(description="ids, in the order of the site file")
    before: StepName
    after: StepName
    until: Time = Field(description="when the budget's period ends, or what was set")
    budget_usd: float | None = Field(description="null, as for the others, where no budget was asked")
    spent_usd: float | None
    set_aside_usd: float | None = Field(
        description="for what is paid until the period ends though nothing is analysed, and for critical cameras"
    )

    @classmethod
    def of(cls, change: BudgetChange, cameras: Collection[str], *, amounts: bool) -> "BudgetChangeView":
        """cameras: those that may be named."""
        return cls(
            at=change.at,
            kind=change.kind,
            cause=change.cause,
            cameras=tuple(i for i in change.camera_ids if i in cameras),
            before=StepName.of(change.before),
            after=StepName.of(change.after),
            until=change.until,
            budget_usd=change.budget_usd if amounts else None,
            spent_usd=change.spent_usd if amounts else None,
            set_aside_usd=change.set_aside_usd if amounts else None,
        )


class BudgetView(Answer):
    set: tuple[BudgetPinView, ...] = Field(description="what administrators have set and holds, one for all first")
    changes: tuple[BudgetChangeView, ...] = Field(description="what was given up and taken back, newest first")


class BudgetSetView(Answer):
    set: BudgetPinView | None = Field(
        description="what is set now, and holds everywhere within two minutes; null: the budget decides"
    )
