"""Who may ask, who may ring, and how they prove who they are."""

import json
from typing import Any

import pytest

from framewatch.domain.access import Role
from lambdas.frame_fetcher.openapi import ROUTES as FETCHED
from tests.infra.conftest import Assembly

pytestmark = pytest.mark.slow

PAGE: dict[str, Any] = {
    "Fn::Join": [
        "",
        [
            "https://",
            {"Fn::ImportValue": "framewatch-dev-web:ExportsOutputFnGetAttDashboardDomainName57CC0D6B"},
            "/",
        ],
    ]
}


def _text(joined: dict[str, Any]) -> str:
    return "".join(p if isinstance(p, str) else f"{{{p['Ref']}}}" for p in joined["Fn::Join"][1])


LINK_ROUTES = {"GET /a/{token}", "POST /a/{token}"}


def _routes(assembly: Assembly) -> dict[str, dict[str, Any]]:
    """By their keys."""
    found = [r["Properties"] for r in assembly.resources("AWS::ApiGatewayV2::Route").values()]
    return {r["RouteKey"]: r for r in found}


def test_every_route_but_the_links_asks_for_an_access_token_of_the_user_pool(assembly: Assembly) -> None:
    ((authorizer_id, authorizer),) = assembly.resources("AWS::ApiGatewayV2::Authorizer").items()
    guarded = {key: route for key, route in _routes(assembly).items() if key not in LINK_ROUTES}
    assert set(guarded) == {
        "GET /v1/frames",
        "GET /v1/frames/around",
        "GET /v1/site",
        "GET /v1/openapi.json",
        "GET /v1/alerts",
        "GET /v1/withheld",
        "GET /v1/latency",
        "GET /v1/me",
        "POST /v1/me/seen",
        "GET /v1/snoozes",
        "GET /v1/visits",
        "GET /v1/cameras",
        "GET /v1/health",
        "GET /v1/stats",
        "GET /v1/limits",
        "GET /v1/costs",
        "GET /v1/budget",
        "POST /v1/limits",
        "POST /v1/budget",
        "POST /v1/rules/test",
        "POST /v1/alerts/answer",
        "POST /v1/alerts/notes",
        "POST /v1/snoozes/end",
    }
    # The function asks once more who may, and knows the same addresses.
    assert set(guarded) == {f"{method} {path}" for method, path in FETCHED}
    for route in guarded.values():
        assert (route["AuthorizationType"], route["AuthorizerId"]) == ("JWT", {"Ref": authorizer_id})
        # Which an id token lacks.
        assert route["AuthorizationScopes"] == ["openid"]
    properties = authorizer["Properties"]
    assert (properties["AuthorizerType"], properties["IdentitySource"]) == ("JWT", ["$request.header.Authorization"])
    (audience,) = properties["JwtConfiguration"]["Audience"]
    assert audience["Fn::ImportValue"].startswith("framewatch-dev-identity:ExportsOutputRefDashboardClient")
    issuer = json.dumps(properties["JwtConfiguration"]["Issuer"])
    assert "https://cognito-idp." in issuer
    assert "framewatch-dev-identity:ExportsOutputRefUserPool" in issuer


def test_the_api_alone_answers_nothing(assembly: Assembly) -> None:
    """What `web` holds of it is a name: routes and stage come with what guards them."""
    kinds = {r["Type"] for r in assembly.templates["web"]["Resources"].values()}
    assert {kind for kind in kinds if "ApiGateway" in kind} == {"AWS::ApiGatewayV2::Api"}
    assert not {"Target", "RouteKey", "CorsConfiguration"} & set(assembly.only("AWS::ApiGatewayV2::Api"))


def test_a_link_is_opened_without_a_token_of_the_user_pool_by_a_function_of_its_own(assembly: Assembly) -> None:
    routes = _routes(assembly)
    links = {key: route for key, route in routes.items() if route["AuthorizationType"] == "NONE"}
    assert set(links) == LINK_ROUTES
    assert len({json.dumps(route["Target"]) for route in links.values()}) == 1
    assert not {json.dumps(r["Target"]) for r in links.values()} & {
        json.dumps(r["Target"]) for key, r in routes.items() if key not in links
    }


def test_what_changes_something_is_answered_by_the_function_that_may(assembly: Assembly) -> None:
    def function_of(route: dict[str, Any]) -> str:
        integration = route["Target"]["Fn::Join"][1][1]["Ref"]
        uri = assembly.resources("AWS::ApiGatewayV2::Integration")[integration]["Properties"]["IntegrationUri"]
        return str(uri["Fn::GetAtt"][0]).partition("Function")[0]

    found = {key: function_of(r) for key, r in _routes(assembly).items() if key not in LINK_ROUTES}
    actions = {key for key, function in found.items() if function == "OperatorActions"}
    assert actions == {
        "POST /v1/alerts/answer",
        "POST /v1/alerts/notes",
        "POST /v1/limits",
        "POST /v1/budget",
        "POST /v1/me/seen",
        "POST /v1/snoozes/end",
    }
    assert {function for key, function in found.items() if key not in actions} == {"FrameFetcher"}


def test_guesses_and_previews_of_links_leave_the_dashboard_its_share(assembly: Assembly) -> None:
    ((_, stage),) = assembly.resources("AWS::ApiGatewayV2::Stage").items()
    slower = {"DetailedMetricsEnabled": True, "ThrottlingBurstLimit": 20, "ThrottlingRateLimit": 10}
    assert stage["Properties"]["RouteSettings"] == dict.fromkeys(LINK_ROUTES, slower)
    # Settings of a route that is not there yet are refused.
    resources = assembly.resources("AWS::ApiGatewayV2::Route")
    links = {name for name, r in resources.items() if r["Properties"]["RouteKey"] in LINK_ROUTES}
    assert links <= set(stage["DependsOn"])


def test_only_the_api_and_the_schedule_call_functions(assembly: Assembly) -> None:
    """And the stream, for which Lambda itself asks."""
    permissions = [p["Properties"] for p in assembly.resources("AWS::Lambda::Permission").values()]
    called = {
        (p["Principal"], json.dumps(p["FunctionName"]).partition("Function")[0].split('"')[-1]) for p in permissions
    }
    assert called == {
        ("apigateway.amazonaws.com", "FrameFetcher"),
        ("apigateway.amazonaws.com", "OperatorActions"),
        ("apigateway.amazonaws.com", "AlertLink"),
        ("events.amazonaws.com", "Watchdog"),
    }


def test_only_the_api_of_the_dashboard_may_call_the_fetcher_and_the_links_function(assembly: Assembly) -> None:
    permissions = [p["Properties"] for p in assembly.resources("AWS::Lambda::Permission", "api").values()]
    assert {p["Principal"] for p in permissions} == {"apigateway.amazonaws.com"}
    for permission in permissions:
        assert "framewatch-dev-web:ExportsOutputRefApi" in json.dumps(permission["SourceArn"])


def test_the_api_is_throttled_and_logs_who_asked_without_query_strings(assembly: Assembly) -> None:
    stage = assembly.only("AWS::ApiGatewayV2::Stage")
    assert stage["StageName"] == "$default"
    assert stage["DefaultRouteSettings"] == {
        "DetailedMetricsEnabled": True,
        "ThrottlingBurstLimit": 100,
        "ThrottlingRateLimit": 50,
    }
    assert stage["AccessLogSettings"]["DestinationArn"] == {"Fn::GetAtt": ["AccessLog", "Arn"]}
    logged = json.loads(stage["AccessLogSettings"]["Format"])
    assert logged["status"] == "$context.status"
    assert logged["user"] == "$context.authorizer.claims.sub"
    assert logged["route"] == "$context.routeKey"
    # A path may hold a token, and whoever reads logs could open its alert.
    assert not [v for v in logged.values() if "path" in v.lower() or "query" in v.lower()]


def test_nobody_lets_himself_in(assembly: Assembly) -> None:
    pool = assembly.only("AWS::Cognito::UserPool")
    assert pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True
    assert pool["AccountRecoverySetting"]["RecoveryMechanisms"] == [{"Name": "verified_email", "Priority": 1}]
    assert assembly.only("AWS::Cognito::UserPoolClient")["SupportedIdentityProviders"] == ["COGNITO"]


def test_an_invitation_says_where_the_dashboard_is_and_how_to_get_in(assembly: Assembly) -> None:
    mail = assembly.only("AWS::Cognito::UserPool")["AdminCreateUserConfig"]["InviteMessageTemplate"]
    text = json.dumps(mail["EmailMessage"])
    assert PAGE["Fn::Join"][1][1]["Fn::ImportValue"] in text
    assert "{username}" in text
    assert "{####}" in text


def test_passwords_are_long_and_a_one_time_code_is_offered(assembly: Assembly) -> None:
    pool = assembly.only("AWS::Cognito::UserPool")
    assert pool["Policies"]["PasswordPolicy"] == {
        "MinimumLength": 12,
        "RequireLowercase": True,
        "RequireNumbers": True,
        "RequireSymbols": True,
        "RequireUppercase": True,
        "TemporaryPasswordValidityDays": 3,
    }
    assert (pool["MfaConfiguration"], pool["EnabledMfas"]) == ("OPTIONAL", ["SOFTWARE_TOKEN_MFA"])


def test_a_new_address_counts_when_it_has_answered(assembly: Assembly) -> None:
    pool = assembly.only("AWS::Cognito::UserPool")
    assert pool["AutoVerifiedAttributes"] == ["email"]
    assert pool["UserAttributeUpdateSettings"] == {"AttributesRequireVerificationBeforeUpdate": ["email"]}


def test_the_page_is_a_public_client_that_knows_the_code_flow_only(assembly: Assembly) -> None:
    client = assembly.only("AWS::Cognito::UserPoolClient")
    assert client["GenerateSecret"] is False
    assert (client["AllowedOAuthFlowsUserPoolClient"], client["AllowedOAuthFlows"]) == (True, ["code"])
    # No password, however wrapped, goes past the sign-in pages.
    assert client["ExplicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"]
    # Not aws.cognito.signin.user.admin: a token of the page changes nobody's account.
    assert client["AllowedOAuthScopes"] == ["openid", "email"]
    assert client["PreventUserExistenceErrors"] == "ENABLED"


def test_sign_in_and_sign_out_lead_back_to_the_dashboard_and_nowhere_else(assembly: Assembly) -> None:
    client = assembly.only("AWS::Cognito::UserPoolClient")
    assert client["CallbackURLs"] == client["LogoutURLs"] == [PAGE]


def test_tokens_last_an_hour_a_sign_in_a_week_and_both_can_be_revoked(assembly: Assembly) -> None:
    client = assembly.only("AWS::Cognito::UserPoolClient")
    assert set(client["TokenValidityUnits"].values()) == {"minutes"}
    assert (client["AccessTokenValidity"], client["IdTokenValidity"]) == (60, 60)
    assert client["RefreshTokenValidity"] == 7 * 24 * 60
    assert client["EnableTokenRevocation"] is True


def test_there_are_three_groups_the_mightiest_first(assembly: Assembly) -> None:
    groups = [g["Properties"] for g in assembly.resources("AWS::Cognito::UserPoolGroup").values()]
    ordered = [g["GroupName"] for g in sorted(groups, key=lambda g: g["Precedence"])]
    assert ordered == ["admin", "operator", "viewer"] == [role.group for role in sorted(Role, reverse=True)]
    # No group lends anybody a role in the account.
    assert not [g for g in groups if "RoleArn" in g]


def test_the_sign_in_pages_are_where_the_page_may_ask(assembly: Assembly, prod: Assembly) -> None:
    for app, prefix in ((assembly, "framewatch-dev-{AWS::AccountId}"), (prod, "example-street")):
        domain = app.only("AWS::Cognito::UserPoolDomain")["Domain"]
        assert (domain if isinstance(domain, str) else _text(domain)) == prefix
        url = f"https://{prefix}.auth.{{AWS::Region}}.amazoncognito.com"
        assert _text(app.templates["identity"]["Outputs"]["SignInUrl"]["Value"]) == url
        policy = app.only("AWS::CloudFront::ResponseHeadersPolicy")["ResponseHeadersPolicyConfig"]
        text = json.dumps(policy["SecurityHeadersConfig"]["ContentSecurityPolicy"])
        assert "connect-src 'self' https://" in text
        # The same name in both, though neither stack reads it from the other.
        assert prefix.partition("{")[0] in text


def _alarms_of_this_account(statement: dict[str, Any]) -> bool:
    condition = statement["Condition"]
    return (
        statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        and condition["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        and _text(condition["ArnLike"]["aws:SourceArn"])
        == "arn:{AWS::Partition}:cloudwatch:{AWS::Region}:{AWS::AccountId}:alarm:*"
    )


def test_only_alarms_of_this_account_ring(assembly: Assembly) -> None:
    statements = assembly.policies("AWS::SNS::TopicPolicy", "Topics")["AlarmTopic"]
    (allowing,) = [s for s in statements if s["Effect"] == "Allow"]
    assert allowing["Action"] == "sns:Publish"
    assert _alarms_of_this_account(allowing)


def test_alarms_can_use_the_topics_key_and_nobody_elses_can(assembly: Assembly) -> None:
    """`alias/aws/sns` would be refused to them, without a word to anybody."""
    ((key_id, key),) = assembly.resources("AWS::KMS::Key").items()
    topic = assembly.resources("AWS::SNS::Topic")["AlarmTopic"]["Properties"]
    assert topic["KmsMasterKeyId"] == {"Fn::GetAtt": [key_id, "Arn"]}
    assert key["Properties"]["EnableKeyRotation"] is True
    owner, alarms = key["Properties"]["KeyPolicy"]["Statement"]
    assert _text(owner["Principal"]["AWS"]) == "arn:{AWS::Partition}:iam::{AWS::AccountId}:root"
    assert set(alarms["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey*"}
    assert _alarms_of_this_account(alarms)


def test_alerts_are_encrypted_with_a_key_that_every_role_of_the_account_may_use_through_sns(
    assembly: Assembly,
) -> None:
    """So neither who publishes nor who subscribes needs a right to it."""
    topic = assembly.resources("AWS::SNS::Topic")["AlertTopic"]["Properties"]
    assert _text(topic["KmsMasterKeyId"]).endswith(":alias/aws/sns")


def test_the_account_alone_says_who_may_publish_alerts(assembly: Assembly) -> None:
    statements = assembly.policies("AWS::SNS::TopicPolicy", "Topics")["AlertTopic"]
    assert [s["Effect"] for s in statements] == ["Deny"]


def test_the_site_file_says_who_hears_alarms(assembly: Assembly, prod: Assembly) -> None:
    assert not assembly.resources("AWS::SNS::Subscription")
    heard = [s["Properties"] for s in prod.resources("AWS::SNS::Subscription").values()]
    assert {(s["Protocol"], s["Endpoint"]) for s in heard} == {
        ("email", "ana@example.com"),
        ("email", "bo@example.com"),
    }
    assert all(s["TopicArn"] == {"Ref": "AlarmTopic"} for s in heard)
