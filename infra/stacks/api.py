"""The API behind the dashboard."""

import json

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigw
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.function import PythonFunction
from infra.constructs.logs import expiring_log_group
from infra.constructs.policy import acknowledge, allow, wildcard_finding
from infra.settings import FRAMES_PREFIX, SITE_KEY, StageSettings
from infra.stacks.data import DataStack, read_site
from infra.stacks.identity import IdentityStack
from infra.stacks.web import WebStack

ROUTES = ("/v1/frames", "/v1/site", "/v1/openapi.json")
# A dashboard polls every few seconds; this is a hundred of them, and a bound on what a leaked token can cost.
RATE_PER_S = 50
BURST = 100


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
        self.fetcher = PythonFunction(
            self,
            "FrameFetcher",
            settings=settings,
            name="frame_fetcher",
            description="Answers the dashboard: frames and the site",
            memory_mb=512,
            # API Gateway gives up after 30 s; nobody looks at a page for ten.
            timeout_s=10,
            environment={
                "FW_TABLE": data.table.table_name,
                "FW_FRAMES_BUCKET": data.frames.bucket_name,
                "FW_CONFIG_BUCKET": data.config.bucket_name,
                "FW_SITE_KEY": SITE_KEY,
                "FW_IMAGE_URL_TTL_S": str(settings.image_url_ttl_s),
            },
            statements=_statements(data),
            wildcard_reasons={"LinkToFrames": "a link to any one frame, below the frames' own prefix"},
        )
        acknowledge(
            self.fetcher,
            {wildcard_finding(data, data.frames.bucket_arn, f"/{FRAMES_PREFIX}*"): "a link to any one frame"},
        )
        self._routes(web.http_api, identity)
        self._stage(web.http_api, settings)
        cdk.CfnOutput(self, "FrameFetcherName", value=self.fetcher.function.function_name)

    def _routes(self, api: apigw.HttpApi, identity: IdentityStack) -> None:
        """Nothing answers without a token of the user pool that was made for the dashboard."""
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
        integration = integrations.HttpLambdaIntegration("Fetcher", self.fetcher.function)
        for path in ROUTES:
            apigw.HttpRoute(
                self,
                f"GET{path}",
                http_api=api,
                route_key=apigw.HttpRouteKey.with_(path, apigw.HttpMethod.GET),
                integration=integration,
                authorizer=authorizer,
                # An id token is for the page and no key: it carries no scope, and is refused.
                authorization_scopes=["openid"],
            )

    def _stage(self, api: apigw.HttpApi, settings: StageSettings) -> None:
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


# No query string: it says which camera and which label somebody looked for.
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


def _statements(data: DataStack) -> list[iam.PolicyStatement]:
    return [
        allow("ReadFrames", ["dynamodb:Query"], data.table.table_arn),
        allow("LinkToFrames", ["s3:GetObject"], data.frames.arn_for_objects(f"{FRAMES_PREFIX}*")),
        *read_site(data),
    ]
