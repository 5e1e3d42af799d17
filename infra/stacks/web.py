"""One origin for the user: pages from the bucket, data from the API, behind one distribution."""

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigw
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from constructs import Construct

from infra.constructs.policy import acknowledge
from infra.constructs.removal import pin_logical_id
from infra.constructs.sign_in import sign_in_url
from infra.settings import StageSettings
from infra.stacks.data import DataStack, private_bucket

HSTS_DAYS = 365
# What the API answers: the dashboard's questions, and the short links of the texts.
API_PATHS = ("/v1/*", "/a/*")


class WebStack(cdk.Stack):
    """The pages themselves are uploaded after the stack (`pynt deploy`), as the site file is."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        data: DataStack,
        **kwargs: object,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self.bucket = private_bucket(self, "WebBucket", cdk.RemovalPolicy.DESTROY)
        # Empty, without routes or stage: it answers nothing until the `api` stack fills it. It stands here because
        # the distribution needs its name, sign-in the distribution's, and the routes what sign-in has.
        self.http_api = apigw.HttpApi(
            self,
            "Api",
            api_name=f"framewatch-{settings.stage}",
            description="What the dashboard reads",
            create_default_stage=False,
        )
        pin_logical_id(self.http_api, "Api")
        # boto3 signs for the regional name, in us-east-1 for the global one.
        pictures = [
            f"https://{data.frames.bucket_regional_domain_name}",
            f"https://{data.frames.bucket_domain_name}",
        ]
        headers = self._headers(pictures, sign_in_url(self, settings))
        self.distribution = cloudfront.Distribution(
            self,
            "Dashboard",
            comment=f"Framewatch {settings.stage}",
            default_root_object="index.html",
            minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            price_class=cloudfront.PriceClass.PRICE_CLASS_100,
            default_behavior=cloudfront.BehaviorOptions(
                origin=origins.S3BucketOrigin.with_origin_access_control(self.bucket),
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
                allowed_methods=cloudfront.AllowedMethods.ALLOW_GET_HEAD,
                cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
                response_headers_policy=headers,
            ),
            additional_behaviors=dict.fromkeys(API_PATHS, self._api_behavior(headers)),
        )
        # Its name is what people have bookmarked, what texts link to, and the only place that sign-in leads back to.
        pin_logical_id(self.distribution, "Dashboard")
        acknowledge(
            self.distribution,
            {
                "AwsSolutions-CFR1": "cameras and their owners are anywhere; who may look is settled by sign-in",
                "AwsSolutions-CFR2": "a firewall costs more a month than a small site; the API is throttled",
                "AwsSolutions-CFR3": "the API logs every access to data; the pages hold none, and legacy log delivery"
                " needs a bucket with access lists",
                "AwsSolutions-CFR4": "CloudFront's own certificate fixes the policy; a custom domain brings TLS 1.2",
            },
        )
        cdk.CfnOutput(self, "WebBucketName", value=self.bucket.bucket_name)
        cdk.CfnOutput(self, "DistributionId", value=self.distribution.distribution_id)
        cdk.CfnOutput(self, "ApiUrl", value=self.http_api.api_endpoint)
        cdk.CfnOutput(self, "DashboardUrl", value=self.url)

    @property
    def url(self) -> str:
        """Where the pages are, and where the links in texts lead."""
        return f"https://{self.distribution.distribution_domain_name}"

    def _api_behavior(self, headers: cloudfront.ResponseHeadersPolicy) -> cloudfront.BehaviorOptions:
        return cloudfront.BehaviorOptions(
            origin=origins.HttpOrigin(
                f"{self.http_api.api_id}.execute-api.{self.region}.{self.url_suffix}",
                protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
                origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
            ),
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
            allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
            cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
            # The API answers to its own host name only; all else of the request passes, the token among it.
            origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
            response_headers_policy=headers,
        )

    def _headers(self, pictures: list[str], sign_in: str) -> cloudfront.ResponseHeadersPolicy:
        return cloudfront.ResponseHeadersPolicy(
            self,
            "Headers",
            comment="Only our own code runs, nobody frames the page, pictures come from one bucket",
            security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
                content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
                    content_security_policy=content_security_policy(pictures, sign_in), override=True
                ),
                content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
                frame_options=cloudfront.ResponseHeadersFrameOptions(
                    frame_option=cloudfront.HeadersFrameOption.DENY, override=True
                ),
                referrer_policy=cloudfront.ResponseHeadersReferrerPolicy(
                    referrer_policy=cloudfront.HeadersReferrerPolicy.NO_REFERRER, override=True
                ),
                strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
                    access_control_max_age=cdk.Duration.days(HSTS_DAYS), include_subdomains=True, override=True
                ),
            ),
        )


def content_security_policy(picture_origins: list[str], sign_in_origin: str) -> str:
    """picture_origins: where presigned links lead. sign_in_origin: where a code is changed for tokens."""
    return "; ".join(
        [
            "default-src 'self'",
            f"connect-src 'self' {sign_in_origin}",
            f"img-src 'self' {' '.join(picture_origins)}",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )
