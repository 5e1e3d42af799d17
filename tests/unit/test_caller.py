"""Who calls: the authorizer's claims, and what the groups allow."""

from hypothesis import given
from hypothesis import strategies as st

from framewatch.domain.access import GROUPS, Caller, Role, refusal, role_of
from framewatch.wire.caller import parse_groups, read_caller

# Cognito's own rule for a group's name: letters, marks, symbols, numbers, punctuation; so no blank.
GROUP_NAMES = st.text(st.characters(categories=["L", "M", "S", "N", "P"]), min_size=1, max_size=20)


def event(claims: object) -> dict:
    return {"version": "2.0", "requestContext": {"authorizer": {"jwt": {"claims": claims, "scopes": None}}}}


@given(st.lists(GROUP_NAMES))
def test_whatever_groups_api_gateway_writes_in_brackets_are_read_back(groups: list[str]) -> None:
    assert parse_groups(f"[{' '.join(groups)}]") == tuple(groups)
    assert parse_groups(groups) == tuple(groups)


@given(st.lists(GROUP_NAMES.filter(lambda name: name not in GROUPS)))
def test_no_name_that_a_group_can_have_makes_a_role_of_a_member_of_others(groups: list[str]) -> None:
    assert role_of(parse_groups(f"[{' '.join(groups)}]")) is None


@given(st.sampled_from(GROUPS), GROUP_NAMES)
def test_a_role_inside_another_groups_name_is_not_that_role(role: str, other: str) -> None:
    for claim in (f"[{other}{role}]", f"[{role}{other}]", f"[{other},{role}]", f"{other} {role}"):
        assert role_of(parse_groups(claim)) is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["sub", "cognito:groups", "jwt"]), inner),
)


@given(_JSON)
def test_no_claim_is_ever_an_error(junk: object) -> None:
    assert isinstance(parse_groups(junk), tuple)
    caller = read_caller(event({"sub": "s", "cognito:groups": junk}))
    assert caller is not None and caller.subject == "s"
    read_caller(event(junk))
    read_caller({"requestContext": junk})


def test_a_subject_is_needed() -> None:
    groups = {"cognito:groups": "[admin]"}
    assert read_caller(event({"sub": "s", **groups})) == Caller("s", Role.ADMIN)
    for without in (groups, {"sub": "", **groups}, {"sub": 5, **groups}):
        assert read_caller(event(without)) is None


def test_groups_of_cameras_add_up_and_are_no_roles() -> None:
    caller = read_caller(event({"sub": "s", "cognito:groups": "[cameras-doors cameras-admin viewer]"}))
    assert caller == Caller("s", Role.VIEWER, camera_groups=frozenset({"doors", "admin"}))


def test_the_highest_role_of_several_groups_counts() -> None:
    assert role_of(["viewer", "admin", "operator"]) is Role.ADMIN
    assert role_of([]) is None


def test_each_role_may_do_what_the_ones_below_may_and_no_more() -> None:
    may = {role: [n for n in Role if refusal(n, Caller("s", role)) is None] for role in Role}
    assert may == {
        Role.VIEWER: [Role.VIEWER],
        Role.OPERATOR: [Role.VIEWER, Role.OPERATOR],
        Role.ADMIN: [Role.VIEWER, Role.OPERATOR, Role.ADMIN],
    }


def test_a_refusal_names_the_group_that_is_missing() -> None:
    assert "needs the group operator or above" in (refusal(Role.OPERATOR, Caller("s", Role.VIEWER)) or "")


def test_a_caller_goes_by_the_username_of_the_token() -> None:
    caller = read_caller(event({"sub": "e2c5-1", "username": "maria", "cognito:groups": "[viewer]"}))
    assert caller == Caller("e2c5-1", Role.VIEWER, "maria")
    assert (caller.by, caller.name) == ("user:e2c5-1", "maria")


def test_a_caller_whose_username_is_made_of_the_subject_or_missing_is_told_apart_without_it() -> None:
    names = {
        read_caller(event({"sub": sub, **more})).name
        for sub in ("e2c5-1", "e2c5-2")
        for more in ({}, {"username": sub})
    }
    assert len(names) == 2
    assert all(name.startswith("user-") and "e2c5" not in name for name in names)


def test_a_username_that_the_pool_would_not_take_is_none() -> None:
    for username in ("", "x" * 129, 5, None, ["maria"]):
        caller = read_caller(event({"sub": "e2c5-1", "username": username}))
        assert caller is not None and caller.username is None
