"""Every route of the API: the least that its caller must be, and the function that answers it.

What changes something is answered by a function of its own: the one that reads may write nothing.
"""

from dataclasses import dataclass

from framewatch.domain.access import Role

READER = "frame_fetcher"
ACTOR = "operator_actions"

Address = tuple[str, str]
"""Method and path."""


@dataclass(frozen=True, slots=True)
class Route:
    """function: the package of it below lambdas/."""

    role: Role
    function: str


ROUTES: dict[Address, Route] = {
    ("GET", "/v1/frames"): Route(Role.VIEWER, READER),
    ("GET", "/v1/frames/around"): Route(Role.VIEWER, READER),
    ("GET", "/v1/site"): Route(Role.VIEWER, READER),
    ("GET", "/v1/me"): Route(Role.VIEWER, READER),
    ("GET", "/v1/openapi.json"): Route(Role.VIEWER, READER),
    ("GET", "/v1/alerts"): Route(Role.VIEWER, READER),
    ("GET", "/v1/withheld"): Route(Role.VIEWER, READER),
    ("GET", "/v1/latency"): Route(Role.VIEWER, READER),
    ("GET", "/v1/snoozes"): Route(Role.VIEWER, READER),
    ("GET", "/v1/visits"): Route(Role.VIEWER, READER),
    ("GET", "/v1/cameras"): Route(Role.VIEWER, READER),
    ("GET", "/v1/health"): Route(Role.VIEWER, READER),
    ("GET", "/v1/stats"): Route(Role.VIEWER, READER),
    ("GET", "/v1/limits"): Route(Role.VIEWER, READER),
    ("GET", "/v1/costs"): Route(Role.OPERATOR, READER),
    ("GET", "/v1/budget"): Route(Role.OPERATOR, READER),
    ("POST", "/v1/rules/test"): Route(Role.OPERATOR, READER),
    ("POST", "/v1/alerts/answer"): Route(Role.OPERATOR, ACTOR),
    ("POST", "/v1/alerts/notes"): Route(Role.OPERATOR, ACTOR),
    ("POST", "/v1/me/seen"): Route(Role.VIEWER, ACTOR),
    ("POST", "/v1/snoozes/end"): Route(Role.ADMIN, ACTOR),
    ("POST", "/v1/limits"): Route(Role.ADMIN, ACTOR),
    ("POST", "/v1/budget"): Route(Role.ADMIN, ACTOR),
}


def roles_of(function: str) -> dict[Address, Role]:
    """What a function answers, and whom."""
    return {address: route.role for address, route in ROUTES.items() if route.function == function}
