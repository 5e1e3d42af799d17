"""What administrators have set about the budget, and what was given up for it and taken back."""

from framewatch.domain.access import Caller
from framewatch.services.set_budget import SetBudgetDeps
from framewatch.wire.api_budget import BudgetChangeView, BudgetPinView, BudgetView

MOST_CHANGES = 50


def show_budget(deps: SetBudgetDeps, caller: Caller) -> BudgetView:
    """Raises RetryableError."""
    now, cameras = deps.clock.now(), {camera.id for camera in deps.site.current().cameras}
    pins = [p for p in deps.budget.pins() if p.holds(now) and (p.camera_id is None or p.camera_id in cameras)]
    changes = [
        # A camera's own budget is its group's to know; the site's is not.
        BudgetChangeView.of(change, cameras, amounts=change.cause.is_cameras or not caller.camera_groups)
        for change in deps.budget.changes(MOST_CHANGES)
    ]
    return BudgetView(
        set=tuple(BudgetPinView.of(p, caller) for p in sorted(pins, key=lambda p: p.camera_id or "")),
        changes=tuple(change for change in changes if change.cameras),
    )
