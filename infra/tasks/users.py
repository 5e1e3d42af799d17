"""Who may sign in to the dashboard, and as what."""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress

from framewatch.domain.access import GROUPS
from infra.tasks.problem import TaskProblem
from infra.tasks.session import Stage
from infra.tasks.stacks import outputs

# The highest first.
ROLES = tuple(reversed(GROUPS))
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")


def add_user(
    stage: Stage,
    email: str,
    role: str,
    read_password: Callable[[], str] | None = None,
    camera_groups: Sequence[str] = (),
) -> None:
    """One who is there already gets the role. read_password: None to send an invitation. camera_groups: groups of the
    user pool that limit them to cameras; before the role, so that nobody sees more in between. Raises TaskProblem."""
    _check_email(email)
    if role not in ROLES:
        raise TaskProblem(f"there is no role {role!r}; there are {', '.join(ROLES)}")
    pool = outputs(stage)["UserPoolId"]
    client = stage.session.client("cognito-idp")
    password = read_password() if read_password else None
    try:
        client.admin_create_user(
            UserPoolId=pool,
            Username=email,
            UserAttributes=[{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
            **({"MessageAction": "SUPPRESS"} if password else {"DesiredDeliveryMediums": ["EMAIL"]}),
        )
        said = f"{email} is a new user"
        said += "" if password else "; an e-mail with a first password is on its way, good for as long as it says"
    except client.exceptions.UsernameExistsException:
        said = f"{email} was a user already"
    if password:
        try:
            client.admin_set_user_password(UserPoolId=pool, Username=email, Password=password, Permanent=True)
        except client.exceptions.InvalidPasswordException as error:
            raise TaskProblem(
                f"{said}, and the password was refused: {error.response['Error']['Message']}"
            ) from error
        said += ", with the password you gave"
    for group in camera_groups:
        with suppress(client.exceptions.GroupExistsException):
            client.create_group(UserPoolId=pool, GroupName=group)
        client.admin_add_user_to_group(UserPoolId=pool, Username=email, GroupName=group)
    _move(stage, pool, email, role)
    print(f"{said}; role {role}")


def _move(stage: Stage, pool: str, email: str, role: str) -> None:
    """Into one group and out of the others: the new one first, so that nobody is without a role in between."""
    client = stage.session.client("cognito-idp")
    client.admin_add_user_to_group(UserPoolId=pool, Username=email, GroupName=role)
    for group in client.admin_list_groups_for_user(UserPoolId=pool, Username=email)["Groups"]:
        if group["GroupName"] != role and group["GroupName"] in ROLES:
            client.admin_remove_user_from_group(UserPoolId=pool, Username=email, GroupName=group["GroupName"])


def remove_user(stage: Stage, email: str) -> None:
    """Raises TaskProblem."""
    _check_email(email)
    pool = outputs(stage)["UserPoolId"]
    client = stage.session.client("cognito-idp")
    try:
        # Refresh tokens outlive the user otherwise.
        client.admin_user_global_sign_out(UserPoolId=pool, Username=email)
        client.admin_delete_user(UserPoolId=pool, Username=email)
    except client.exceptions.UserNotFoundException:
        raise TaskProblem(f"there is no user {email} in stage {stage.name}; `pynt status` counts them") from None
    print(f"{email} is removed; a page that is open now goes on for an hour at most")


def _check_email(email: str) -> None:
    if not _EMAIL.match(email):
        raise TaskProblem(f"{email!r} is not an e-mail address")
