"""Who may do what. A role is the name of a group of the user pool; an administrator puts people into groups."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Role(IntEnum):
    """Each may do what the ones below it may."""

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3

    @property
    def group(self) -> str:
        return self.name.lower()


USER_PREFIX = "user:"
"""Contacts' ids hold no colon."""

GROUPS = tuple(role.group for role in Role)


def role_of(groups: Iterable[str]) -> Role | None:
    """The highest role of these groups; None when none of them is a role. Case counts, as in the user pool."""
    given = set(groups)
    return max((role for role in Role if role.group in given), default=None)


CAMERAS_PREFIX = "cameras-"
"""Begins the names of groups of the user pool that limit their members to the cameras of a group of the site file."""


def camera_groups_of(groups: Iterable[str]) -> frozenset[str]:
    """The camera groups that these groups of the user pool let somebody see."""
    return frozenset(g.removeprefix(CAMERAS_PREFIX) for g in groups if g.startswith(CAMERAS_PREFIX))


@dataclass(frozen=True, slots=True)
class Caller:
    """subject: the user's id in the pool: it names nobody, so that it may stand in a log.

    username: as the token says it; None where it says none. camera_groups: of the site file, the only ones whose
    cameras they may see; empty: all cameras.
    """

    subject: str
    role: Role | None
    username: str | None = None
    camera_groups: frozenset[str] = frozenset()

    @property
    def by(self) -> str:
        """Who acts, as it is stored of an answer or a note."""
        return f"{USER_PREFIX}{self.subject}"

    @property
    def name(self) -> str:
        """What others are shown of them, who never see the subject.

        Where people sign in with their e-mail address, Cognito makes the username up, of the subject: then a short
        digest of it, which tells people apart and says nothing else.
        """
        if self.username is not None and self.username != self.subject:
            return self.username
        return f"user-{hashlib.sha256(self.subject.encode()).hexdigest()[:6]}"


def refusal(needed: Role, caller: Caller | None) -> str | None:
    """Why the caller may not do what needs this role, and who can help; None when they may.

    caller: None when nobody has checked who it is.
    """
    if caller is None:
        return "nobody has checked who you are; sign in, and if you have, tell whoever deployed this site"
    if caller.role is None:
        groups = ", ".join(GROUPS)
        return (
            f"you are signed in, but in none of the groups {groups}; ask this site's administrator to add you to one"
        )
    if caller.role < needed:
        return f"this needs the group {needed.group} or above; ask this site's administrator to add you to it"
    return None
