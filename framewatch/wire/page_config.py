"""config.json, which lies beside the pages: what differs between one deployment of these static files and another."""

import json
from collections.abc import Mapping

CONFIG_KEY = "config.json"


def page_config(outputs: Mapping[str, str]) -> bytes:
    """outputs: of the deployed stacks, by name. Raises KeyError without those of the sign-in."""
    sign_in = outputs["SignInUrl"]
    config = {
        "api_base": "/v1",
        "sign_in": {
            "issuer": outputs["Issuer"],
            "client_id": outputs["UserPoolClientId"],
            "authorize_url": f"{sign_in}/oauth2/authorize",
            "token_url": f"{sign_in}/oauth2/token",
            "logout_url": f"{sign_in}/logout",
        },
    }
    return json.dumps(config, indent=2).encode()
