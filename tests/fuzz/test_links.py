"""What a browser can send to the address in a text, and what a caller can hand in as its answer."""

from hypothesis import given
from hypothesis import strategies as st

from framewatch.domain.errors import InvalidQuery
from lambdas.alert_link import handler
from tests.fuzz import TOKEN, assert_no_secret, cases, read
from tests.fuzz.mutations import broken
from tests.unit.test_answer_alerts import ANA, World

_TOKENS = (
    broken([ANA.encode()]).map(lambda token: token.decode("latin-1"))
    | st.text(max_size=30)
    | st.sampled_from(
        [TOKEN, ANA + "\n", ANA + "/", "../" + ANA, ANA[:-1] + "\u0430", "%61" * 20, ANA * 2, "A" * 20, ""]
    )
)
_BODIES = broken([b"answer=taken", b"answer=snoozed", b"answer=false-alarm&x=1", b"YW5zd2VyPXRha2Vu"]).map(
    lambda body: body.decode("latin-1")
)


@cases(50)
@given(_TOKENS, st.sampled_from(["GET", "HEAD", "POST", "PUT", "", "get"]), _BODIES, st.booleans())
def test_any_link_gets_one_of_our_pages_and_only_its_own_token_the_alert(token, method, body, is_base64):
    world = World()
    event = {
        "rawPath": f"/a/{token}",
        "requestContext": {"http": {"method": method}},
        "body": body,
        "isBase64Encoded": is_base64,
    }
    before, handler.deps = handler.deps, world.deps
    known, handler.settings = handler.settings, lambda: None
    try:
        answer = read(handler.guarded, event, refuses=())
    finally:
        handler.deps, handler.settings = before, known
    assert answer["statusCode"] in ({200, 303} if token == ANA else {404}) | {400, 405}
    assert_no_secret(str(answer["body"]))
    if token != ANA:
        assert "Front door" not in answer["body"] and not world.store.alerts[next(iter(world.store.alerts))].answers


@cases(20)
@given(_BODIES | st.text(max_size=40), st.booleans())
def test_any_form_is_one_answer_or_refused(body, is_base64):
    read(handler.read_answer, {"body": body, "isBase64Encoded": is_base64}, refuses=InvalidQuery)
