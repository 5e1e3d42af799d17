"""config.json: the page's contract with whoever deploys it."""

import json

from framewatch.wire.page_config import page_config


def test_the_page_is_told_where_the_api_and_the_sign_in_are():
    outputs = {
        "SignInUrl": "https://framewatch-dev-123456789012.auth.eu-west-1.amazoncognito.com",
        "Issuer": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab",
        "UserPoolClientId": "c1",
        "TableName": "t",
    }
    assert json.loads(page_config(outputs)) == {
        "api_base": "/v1",
        "sign_in": {
            "issuer": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab",
            "client_id": "c1",
            "authorize_url": "https://framewatch-dev-123456789012.auth.eu-west-1.amazoncognito.com/oauth2/authorize",
            "token_url": "https://framewatch-dev-123456789012.auth.eu-west-1.amazoncognito.com/oauth2/token",
            "logout_url": "https://framewatch-dev-123456789012.auth.eu-west-1.amazoncognito.com/logout",
        },
    }
