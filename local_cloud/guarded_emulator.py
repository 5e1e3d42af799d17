"""`python -m local_cloud.guarded_emulator`: ministack with Rekognition and policy variables in it.

ministack has no Rekognition, and what never passes through it, it can neither authenticate nor authorise. Here it
gets one: a request signed for Rekognition is checked like every other, and one that may pass goes on to the vision
server, which AWS_ENDPOINT_URL_REKOGNITION names. The functions are not told of that address.

And it takes `${aws:username}` in a policy's resource for those very characters, where IAM puts in who asks.
"""

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import httpx
from ministack import app
from ministack.core import iam_evaluator
from ministack.core.iam_actions import SERVICE_TO_IAM_NAMESPACE

from local_cloud.vision_server.protocol import CONTENT_TYPE

_ENDPOINT = "AWS_ENDPOINT_URL_REKOGNITION"
# The function gives up after ten seconds; a request that waits longer has nobody who waits for it.
_TIMEOUT_S = 15.0
_PASSED_ON = ("x-amz-target", "content-type")

_VARIABLE = re.compile(r"\$\{([^}]*)\}")

Answer = tuple[int, dict[str, str], bytes]
FirstMatch = Callable[[Any, Sequence[Any], str], Any]


class VisionRelay:
    """A service of ministack's: called with requests that IAM has let through."""

    def __init__(self, vision_url: str) -> None:
        self._http = httpx.AsyncClient(base_url=vision_url, timeout=_TIMEOUT_S, trust_env=False)

    async def __call__(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, _query: Mapping[str, list[str]]
    ) -> Answer:
        kept = {name: headers[name] for name in _PASSED_ON if name in headers}
        try:
            answer = await self._http.request(method, path, headers=kept, content=body)
        except httpx.HTTPError as error:
            sentence = f"The vision server does not answer ({type(error).__name__}): its log says why."
            failed = {"__type": "InternalServerError", "Message": sentence}
            return 500, {"Content-Type": CONTENT_TYPE}, json.dumps(failed).encode()
        return answer.status_code, {"Content-Type": answer.headers["Content-Type"]}, answer.content


def with_policy_variables(first_match: FirstMatch) -> FirstMatch:
    """first_match: (request, statements, effect) -> the first statement that fits; and so is what this returns."""

    def matching(request: Any, statements: Sequence[Any], effect: str) -> Any:
        return first_match(request, [_filled(s, request.principal_keys) for s in statements], effect)

    return matching


def _filled(statement: Any, keys: Mapping[str, Any]) -> Any:
    """keys: what is known of who asks, in lower case. A resource whose variable has no value fits nothing."""
    if not any("${" in resource for resource in statement.resources):
        return statement
    resources = [
        _VARIABLE.sub(lambda found: str(keys.get(found[1].lower(), found[0])), r) for r in statement.resources
    ]
    return replace(statement, resources=resources)


def main() -> None:
    iam_evaluator._first_match = with_policy_variables(iam_evaluator._first_match)
    vision_url = os.environ.pop(_ENDPOINT, None)
    if vision_url:
        SERVICE_TO_IAM_NAMESPACE["rekognition"] = "rekognition"
        app.SERVICE_HANDLERS["rekognition"] = VisionRelay(vision_url)
    app.main()


if __name__ == "__main__":
    main()
