"""Who calls, as an HTTP API's JWT authorizer hands it to a function (payload version 2).

API Gateway has checked signature, issuer, audience and times by then. It passes a claim that is a list on as one
text in brackets: `"cognito:groups": "[admin viewer]"`. A list is read as well, for that is what the token holds.
Any other form names no group: splitting at commas, say, would make an admin of the member of a group `x,admin`,
which is a name that Cognito takes, where it takes none with a blank.
"""

from collections.abc import Mapping
from typing import Any

from framewatch.domain.access import Caller, camera_groups_of, role_of

GROUPS_CLAIM = "cognito:groups"
SUBJECT_CLAIM = "sub"
USERNAME_CLAIM = "username"
MAX_USERNAME_CHARS = 128  # Cognito's own limit


def read_caller(event: Mapping[str, Any]) -> Caller | None:
    """None when no authorizer has looked at the request."""
    claims: Any = event
    for name in ("requestContext", "authorizer", "jwt", "claims"):
        claims = claims.get(name) if isinstance(claims, Mapping) else None
    if not isinstance(claims, Mapping):
        return None
    subject = claims.get(SUBJECT_CLAIM)
    if not isinstance(subject, str) or not subject:
        return None
    username = claims.get(USERNAME_CLAIM)
    if not isinstance(username, str) or not 0 < len(username) <= MAX_USERNAME_CHARS:
        username = None
    groups = parse_groups(claims.get(GROUPS_CLAIM))
    return Caller(subject, role_of(groups), username, camera_groups_of(groups))


def parse_groups(claim: object) -> tuple[str, ...]:
    """The groups that the claim names; none when it is absent or in a form that API Gateway does not use."""
    if isinstance(claim, str) and claim.startswith("[") and claim.endswith("]"):
        return tuple(claim[1:-1].split())
    if isinstance(claim, list) and all(isinstance(group, str) for group in claim):
        return tuple(claim)
    return ()
