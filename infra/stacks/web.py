"""One origin for the user: pages from the bucket, data from the API, behind one distribution."""

import aws_cdk as cdk
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from constructs import Construct

from infra.constructs.policy import acknowledge
from infra.settings import StageSettings
from infra.stacks.api import ApiStack
from infra.stacks.data import DataStack, private_bucket

HSTS_DAYS = 365


class WebStack(cdk.Stack):
    """The pages themselves are uploaded after the stack (`pynt deploy`), as the site file is."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        data: DataStack,
        api: ApiStack,
        **kwargs: object,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self.bucket = private_bucket(self, "WebBucket", cdk.RemovalPolicy.DESTROY)
        # boto3 signs for the regional name, in us-east-1 for the global one.
        pictures = [
            f"https://{data.frames.bucket_regional_domain_name}",
            f"https://{data.frames.bucket_domain_name}",
        ]
        headers = self._headers(pictures)
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
            additional_behaviors={
                "/v1/*": cloudfront.BehaviorOptions(
                    origin=origins.HttpOrigin(
                        api.domain_name,
                        protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
                        origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
                    ),
                    viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
                    allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
                    cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
                    # The API answers to its own host name only; all else of the request passes.
                    origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
                    response_headers_policy=headers,
                ),
            },
        )
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
        cdk.CfnOutput(self, "DashboardUrl", value=f"https://{self.distribution.distribution_domain_name}")

    def _headers(self, pictures: list[str]) -> cloudfront.ResponseHeadersPolicy:
        return cloudfront.ResponseHeadersPolicy(
            self,
            "Headers",
            comment="Only our own code runs, nobody frames the page, pictures come from one bucket",
            security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
                content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
                    content_security_policy=content_security_policy(pictures), override=True
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


def content_security_policy(picture_origins: list[str]) -> str:
    """picture_origins: where presigned links lead."""
    return "; ".join(
        [
            "default-src 'self'",
            f"img-src 'self' {' '.join(picture_origins)}",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )
