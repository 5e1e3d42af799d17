"""The API behind the dashboard, and behind the links in texts."""

import json

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigw
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_iam as iam
from constructs import Construct

from framewatch.wire.api_routes import ACTOR, READER, ROUTES
from infra.constructs.function import PythonFunction
from infra.constructs.logs import expiring_log_group
from infra.constructs.policy import acknowledge, allow, wildcard_finding
from infra.settings import FRAMES_PREFIX, SITE_KEY, StageSettings
from infra.stacks.data import DataStack, read_site
from infra.stacks.identity import IdentityStack
from infra.stacks.web import WebStack

# For whoever holds the link: a look changes nothing, a form answers.
LINK_METHODS = ("GET", "POST")
LINK_PATH = "/a/{token}"
# A dashboard polls every few seconds; this is a hundred of them, and a bound on what a leaked token can cost.
RATE_PER_S = 50
BURST = 100
# Of their own: neither guesses nor the previews of a messenger leave the dashboard without its share.
LINK_RATE_PER_S = 10
LINK_BURST = 20
# Short of API Gateway's own 30 s: whoever asks gets a word from us, also where a store never answers.
_TIMEOUT_S = 25


class ApiStack(cdk.Stack):
    """Fills the HTTP API of `web`: who asks, what is asked, how often, and what is noted of it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        data: DataStack,
        web: WebStack,
        identity: IdentityStack,
        **kwargs: object,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        common = {
            "FW_TABLE": data.table.table_name,
            "FW_FRAMES_BUCKET": data.frames.bucket_name,
            "FW_CONFIG_BUCKET": data.config.bucket_name,
            "FW_SITE_KEY": SITE_KEY,
        }
        environment = common | {"FW_IMAGE_URL_TTL_S": str(settings.image_url_ttl_s)}
        self.fetcher = PythonFunction(
            self,
            "FrameFetcher",
            settings=settings,
            name="frame_fetcher",
            description="Answers the dashboard: frames, alerts and the site",
            memory_mb=512,
            timeout_s=_TIMEOUT_S,
            environment=environment,
            statements=[
                allow("ReadTable", ["dynamodb:Query"], data.table.table_arn),
                *_show_frames(data),
            ],
            wildcard_reasons=_LINK_REASONS,
        )
        self.actions = PythonFunction(
            self,
            "OperatorActions",
            settings=settings,
            name="operator_actions",
            description="Does what operators say about alerts: answers, notes, snoozes",
            memory_mb=512,
            timeout_s=_TIMEOUT_S,
            environment=common,
            statements=[
                # A transaction is allowed through the actions that stand in it.
                allow(
                    "ActOnAlerts",
                    ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
                    data.table.table_arn,
                ),
                *read_site(data),
            ],
            wildcard_reasons={},
        )
        self.link = PythonFunction(
            self,
            "AlertLink",
            settings=settings,
            name="alert_link",
            description="The page that the link in a text opens, and the answers given on it",
            memory_mb=512,
            timeout_s=_TIMEOUT_S,
            environment=environment,
            statements=[
                # A transaction is allowed through the actions that stand in it.
                allow(
                    "AnswerAlerts",
                    [
                        "dynamodb:DeleteItem",
                        "dynamodb:GetItem",
                        "dynamodb:PutItem",
                        "dynamodb:Query",
                        "dynamodb:UpdateItem",
                    ],
                    data.table.table_arn,
                ),
                *_show_frames(data),
            ],
            wildcard_reasons=_LINK_REASONS,
        )
        for function in (self.fetcher, self.link):
            acknowledge(
                function,
                {wildcard_finding(data, data.frames.bucket_arn, f"/{FRAMES_PREFIX}*"): "a link to any one frame"},
            )
        self._routes(web.http_api, identity)
        links = self._link_routes(web.http_api)
        self._stage(web.http_api, settings, links)
        cdk.CfnOutput(self, "FrameFetcherName", value=self.fetcher.function.function_name)
        cdk.CfnOutput(self, "OperatorActionsName", value=self.actions.function.function_name)
        cdk.CfnOutput(self, "AlertLinkName", value=self.link.function.function_name)

    def _routes(self, api: apigw.HttpApi, identity: IdentityStack) -> None:
        """None of them answers without a token of the user pool that was made for the dashboard."""
        # The class for user pools would put its authoriser beside the API, in the stack that everything here needs.
        sign_in = apigw.HttpAuthorizer(
            self,
            "SignIn",
            http_api=api,
            type=apigw.HttpAuthorizerType.JWT,
            identity_source=["$request.header.Authorization"],
            jwt_issuer=identity.issuer,
            jwt_audience=[identity.client.user_pool_client_id],
        )
        authorizer = apigw.HttpAuthorizer.from_http_authorizer_attributes(
            self, "SignInOfRoutes", authorizer_id=sign_in.authorizer_id, authorizer_type="JWT"
        )
        functions = {
            READER: integrations.HttpLambdaIntegration("Fetcher", self.fetcher.function),
            ACTOR: integrations.HttpLambdaIntegration("Actions", self.actions.function),
        }
        for (method, path), route in ROUTES.items():
            apigw.HttpRoute(
                self,
                f"{method}{path}",
                http_api=api,
                route_key=apigw.HttpRouteKey.with_(path, apigw.HttpMethod(method)),
                integration=functions[route.function],
                authorizer=authorizer,
                # An id token is for the page and no key: it carries no scope, and is refused.
                authorization_scopes=["openid"],
            )

    def _link_routes(self, api: apigw.HttpApi) -> dict[str, apigw.HttpRoute]:
        """By route key. Who holds the link may look and answer; somebody who was just woken signs in nowhere."""
        integration = integrations.HttpLambdaIntegration("Link", self.link.function)
        routes = {}
        for method in LINK_METHODS:
            route = apigw.HttpRoute(
                self,
                f"{method}{LINK_PATH}",
                http_api=api,
                route_key=apigw.HttpRouteKey.with_(LINK_PATH, apigw.HttpMethod(method)),
                integration=integration,
            )
            acknowledge(
                route,
                {
                    "AwsSolutions-APIG4": "the link is the key: 119 random bits that open one alert for some hours,"
                    " kept as a digest only, throttled, and in no log"
                },
            )
            routes[f"{method} {LINK_PATH}"] = route
        return routes

    def _stage(self, api: apigw.HttpApi, settings: StageSettings, links: dict[str, apigw.HttpRoute]) -> None:
        """links: routes with a throttle of their own, by route key."""
        access_log = expiring_log_group(self, "AccessLog", settings, logical_id="AccessLog")
        stage = apigw.HttpStage(
            self,
            "Stage",
            http_api=api,
            stage_name="$default",
            auto_deploy=True,
            detailed_metrics_enabled=True,
            throttle=apigw.ThrottleSettings(rate_limit=RATE_PER_S, burst_limit=BURST),
        )
        cfn_stage = stage.node.default_child
        assert isinstance(cfn_stage, apigw.CfnStage)  # noqa: S101  # what an L2 stage always holds
        cfn_stage.access_log_settings = apigw.CfnStage.AccessLogSettingsProperty(
            destination_arn=access_log.log_group_arn, format=json.dumps(_ACCESS_LOG)
        )
        cfn_stage.route_settings = {
            route_key: {
                "DetailedMetricsEnabled": True,
                "ThrottlingRateLimit": LINK_RATE_PER_S,
                "ThrottlingBurstLimit": LINK_BURST,
            }
            for route_key in links
        }
        # Settings of a route that is not there yet are refused.
        stage.node.add_dependency(*links.values())


# No path and no query string: a path may hold a token, and a query says which camera and label somebody looked for.
_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "at": "$context.requestTime",
    "ip": "$context.identity.sourceIp",
    "user": "$context.authorizer.claims.sub",
    "route": "$context.routeKey",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "latencyMs": "$context.responseLatency",
    "integrationLatencyMs": "$context.integrationLatency",
    "error": "$context.error.message",
}


_LINK_REASONS = {"LinkToFrames": "a link to any one frame, below the frames' own prefix"}


def _show_frames(data: DataStack) -> list[iam.PolicyStatement]:
    return [
        allow("LinkToFrames", ["s3:GetObject"], data.frames.arn_for_objects(f"{FRAMES_PREFIX}*")),
        *read_site(data),
    ]
