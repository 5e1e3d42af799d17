"""adduser, removeuser and logs."""

import json
import time
from typing import Any

import pytest

from infra.settings import PARTS
from infra.tasks.logs import readable, show
from infra.tasks.problem import TaskProblem
from infra.tasks.users import add_user, remove_user
from tests.infra.fake_aws import Account, Answers

ANA = "ana@example.org"
AT_MS = 1_773_489_785_000  # 2026-03-14 12:03:05 UTC


@pytest.fixture
def pool(account: Account) -> str:
    cognito = account.client("cognito-idp")
    policy = {"PasswordPolicy": {"MinimumLength": 12}}
    found = cognito.create_user_pool(PoolName="any", Policies=policy, UsernameAttributes=["email"])["UserPool"]["Id"]
    for role in ("admin", "operator", "viewer"):
        cognito.create_group(UserPoolId=found, GroupName=role)
    for part in PARTS:
        account.stacks.add(part)
    account.stacks.add("identity").outputs = {"UserPoolId": found}
    return str(found)


def _groups(account: Account, pool: str, email: str = ANA) -> list[str]:
    answer = account.client("cognito-idp").admin_list_groups_for_user(UserPoolId=pool, Username=email)
    return [group["GroupName"] for group in answer["Groups"]]


def _status(account: Account, pool: str, email: str = ANA) -> str:
    return str(account.client("cognito-idp").admin_get_user(UserPoolId=pool, Username=email)["UserStatus"])


def test_a_new_user_is_invited_and_has_the_role(
    account: Account, pool: str, capsys: pytest.CaptureFixture[str]
) -> None:
    add_user(account.stage(), ANA, "operator")
    assert _groups(account, pool) == ["operator"]
    assert _status(account, pool) == "FORCE_CHANGE_PASSWORD"
    assert "an e-mail with a first password is on its way" in capsys.readouterr().out


def test_one_who_is_there_already_moves_to_the_other_role(account: Account, pool: str) -> None:
    add_user(account.stage(), ANA, "admin")
    add_user(account.stage(), ANA, "viewer")
    assert _groups(account, pool) == ["viewer"]


def test_a_password_that_was_asked_for_lets_its_owner_in_at_once(
    account: Account, pool: str, capsys: pytest.CaptureFixture[str]
) -> None:
    add_user(account.stage(), ANA, "viewer", lambda: "Correct-Horse-1")
    assert _status(account, pool) == "CONFIRMED"
    assert "Correct-Horse-1" not in capsys.readouterr().out


def test_a_password_that_the_pool_refuses_is_told_with_its_rule(account: Account, pool: str) -> None:
    with pytest.raises(TaskProblem, match="is a new user, and the password was refused: "):
        add_user(account.stage(), ANA, "viewer", lambda: "short")


@pytest.mark.parametrize(
    ("email", "role", "said"),
    [
        (ANA, "boss", "there is no role 'boss'; there are admin, operator, viewer"),
        ("ana", "viewer", "'ana' is not an e-mail address"),
    ],
)
def test_a_role_or_an_address_that_is_none_is_refused(
    account: Account, pool: str, email: str, role: str, said: str
) -> None:
    with pytest.raises(TaskProblem, match=said):
        add_user(account.stage(), email, role)


def test_one_who_is_removed_is_gone(account: Account, pool: str) -> None:
    add_user(account.stage(), ANA, "viewer")
    remove_user(account.stage(), ANA)
    assert account.client("cognito-idp").list_users(UserPoolId=pool)["Users"] == []


def test_nobody_of_that_name_is_said(account: Account, pool: str) -> None:
    with pytest.raises(TaskProblem, match=r"there is no user bo@example\.org in stage dev"):
        remove_user(account.stage(), "bo@example.org")


# -- logs -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def group(account: Account) -> str:
    """The processor's log group, as its LoggingConfig names it."""
    for part in PARTS:
        account.stacks.add(part)
    account.stacks.add("processing").outputs = {"ImageProcessorName": "processor"}
    account.replaced["lambda"] = Answers(get_function_configuration={"LoggingConfig": {"LogGroup": "ours"}})
    account.client("logs").create_log_group(logGroupName="ours")
    for name in ("one", "two"):
        account.client("logs").create_log_stream(logGroupName="ours", logStreamName=name)
    return "ours"


def _write(account: Account, stream: str, message: str, seconds_ago: float) -> None:
    at_ms = int((time.time() - seconds_ago) * 1000)
    event = {"timestamp": at_ms, "message": message}
    account.client("logs").put_log_events(logGroupName="ours", logStreamName=stream, logEvents=[event])


def test_lines_of_all_instances_are_in_one_order_the_newest_last(
    account: Account, group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _write(account, "two", "second", 20)
    _write(account, "one", "first", 30)
    _write(account, "one", "long ago", 3600)
    show(account.stage(), "image_processor", minutes=30, follow=False)
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()] == ["first", "second"]


def test_a_silent_function_is_said_with_its_log_group(
    account: Account, group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show(account.stage(), "image_processor", minutes=30, follow=False)
    assert capsys.readouterr().out == "image_processor wrote nothing in the last 30 min (ours)\n"


def test_following_shows_each_line_once_until_it_is_interrupted(
    account: Account, group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _write(account, "one", "first", 5)
    rounds = iter(["second", "third"])

    def sleep(_: float) -> None:
        message = next(rounds, None)
        if message is None:
            raise KeyboardInterrupt
        _write(account, "one", message, 1)

    with pytest.raises(KeyboardInterrupt):
        show(account.stage(), "image_processor", minutes=30, follow=True, sleep=sleep)
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()] == ["first", "second", "third"]


def test_a_function_that_is_none_of_ours_is_refused(account: Account) -> None:
    with pytest.raises(TaskProblem, match="there is no function 'gate'; there are image_processor, watchdog, frame"):
        show(account.stage(), "gate", minutes=5, follow=False)


def test_a_log_group_that_is_not_there_is_said(account: Account, group: str) -> None:
    account.client("logs").delete_log_group(logGroupName="ours")
    with pytest.raises(TaskProblem, match="there is no log group ours in eu-west-1"):
        show(account.stage(), "image_processor", minutes=5, follow=False)


METRICS: dict[str, Any] = {
    "_aws": {"CloudWatchMetrics": [{"Metrics": [{"Name": "FramesStored"}, {"Name": "TookMs"}]}]},
    "FramesStored": [3.0],
    "TookMs": [12.5, 14.0],
}


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ({"level": "INFO", "message": "site read", "service": "x"}, "INFO site read"),
        (
            {
                "level": "ERROR",
                "message": "failed",
                "exception_name": "KeyError",
                "exception": "Traceback ...\n  File\nKeyError: 'pk'",
            },
            "ERROR failed | KeyError: 'pk'",
        ),
        ({"errorType": "ImportError", "errorMessage": "no numpy", "level": "ERROR"}, "| ImportError: no numpy"),
        (METRICS, "METRIC FramesStored 3, TookMs 12.5,14"),
        ("REPORT RequestId: 1 Duration: 3 ms", "REPORT RequestId: 1 Duration: 3 ms"),
        ('["a", "list"]', '["a", "list"]'),
    ],
)
def test_a_line_reads_as_time_level_message_and_error(message: object, line: str) -> None:
    text = message if isinstance(message, str) else json.dumps(message)
    said = readable(AT_MS, text + "\n")
    assert said.startswith("2026-03-14 12:03:05 ")
    assert said.endswith(line)


@pytest.mark.parametrize("message", ["", "START RequestId: 1", "END RequestId: 1", "INIT_START Runtime"])
def test_what_lambda_says_around_every_call_is_left_out(message: str) -> None:
    assert readable(AT_MS, message) == ""
