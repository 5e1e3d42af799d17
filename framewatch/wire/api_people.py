"""Who has done what, as the API shows it: by a name that tells people apart, never by their id in the pool."""

from datetime import datetime
from typing import TypedDict

from pydantic import Field

from framewatch.domain.access import USER_PREFIX, Caller
from framewatch.domain.alerts import Answer as GivenAnswer
from framewatch.domain.alerts import AnswerKind, Note
from framewatch.wire.api_values import Answer, Time


class _Who(TypedDict):
    by: str
    name: str | None
    is_you: bool


def who(by: str, name: str | None, you: Caller | None) -> _Who:
    """by, name: as stored of an answer. you: who asks."""
    if not by.startswith(USER_PREFIX):
        return _Who(by=by, name=None, is_you=False)
    shown = name or Caller(by.removeprefix(USER_PREFIX), None).name
    return _Who(by=f"{USER_PREFIX}{shown}", name=shown, is_you=you is not None and by == you.by)


class PersonView(Answer):
    by: str = Field(description="a contact's id, or `user:` and the name of somebody who signed in")
    name: str | None = Field(
        description="the user's name in the pool; where Cognito makes names up, six characters that tell people"
        " apart. null for a contact"
    )
    is_you: bool = Field(description="whether it was whoever asks")

    @classmethod
    def person(cls, answer: GivenAnswer, you: Caller | None) -> "PersonView":
        return cls(**who(answer.by, answer.name, you))


class AnswerView(PersonView):
    kind: AnswerKind
    at: Time

    @classmethod
    def given(cls, kind: AnswerKind, answer: GivenAnswer, you: Caller | None) -> "AnswerView":
        return cls(kind=kind, at=answer.at, **who(answer.by, answer.name, you))


class NoteView(PersonView):
    text: str = Field(description="text as it was written, line breaks too; never markup")
    at: Time

    @classmethod
    def of(cls, note: Note, you: Caller | None) -> "NoteView":
        return cls(text=note.text, at=note.at, **who(note.by, note.name, you))


class MeView(Answer):
    """Whoever asks, as the API knows them."""

    subject: str = Field(description="your id in the user pool; nobody else is shown it")
    username: str | None
    name: str = Field(description="what others are shown of you")
    role: str = Field(description="viewer, operator or admin: what the API lets you do")
    seen_until: Time | None = Field(description="what happened until then you have marked as seen; null: never")

    @classmethod
    def of(cls, caller: Caller, seen_until: datetime | None) -> "MeView":
        return cls(
            subject=caller.subject,
            username=caller.username,
            name=caller.name,
            role=caller.role.group if caller.role is not None else "",
            seen_until=seen_until,
        )
