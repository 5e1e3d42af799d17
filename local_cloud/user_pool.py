"""Two answers of the sign-in that the emulator gives otherwise than Cognito; here the pool's own API gives them.

The emulator leaves the groups out of a token that is renewed at /oauth2/token, so after an hour nobody would have a
role any more; and it knows no /oauth2/revoke.
"""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from local_cloud.clients import ClientFactory

Answer = tuple[int, dict[str, Any]]


def renew(client: ClientFactory, fields: Mapping[str, str]) -> Answer:
    """The grant `refresh_token`. fields: of the posted form. Gives status and body, as OAuth has them."""
    try:
        tokens = client("cognito-idp").get_tokens_from_refresh_token(
            ClientId=fields.get("client_id", ""), RefreshToken=fields.get("refresh_token", "")
        )["AuthenticationResult"]
    except ClientError as error:
        return 400, {"error": "invalid_grant", "error_description": error.response["Error"]["Message"]}
    return 200, {
        "access_token": tokens["AccessToken"],
        "id_token": tokens["IdToken"],
        "token_type": tokens["TokenType"],
        "expires_in": tokens["ExpiresIn"],
    }


def revoke(client: ClientFactory, fields: Mapping[str, str]) -> Answer:
    """A refresh token and all that were made of it; one that is unknown is as good as revoked (RFC 7009)."""
    try:
        client("cognito-idp").revoke_token(ClientId=fields.get("client_id", ""), Token=fields.get("token", ""))
    except ClientError as error:
        return 400, {"error": "invalid_request", "error_description": error.response["Error"]["Message"]}
    return 200, {}
