"""What the synthesised web stack says about its front: which paths go to the API, and the security headers."""

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from local_cloud.assembly import Assembly


@dataclass(frozen=True, slots=True)
class FrontRules:
    """api_patterns: path patterns of CloudFront behaviours that lead to the API. headers: for every answer."""

    api_patterns: tuple[str, ...]
    headers: dict[str, str]

    def is_api(self, path: str) -> bool:
        return any(fnmatch.fnmatchcase(path, pattern) for pattern in self.api_patterns)


def front_rules(assembly: Assembly, picture_origin: str) -> FrontRules:
    """picture_origin: where presigned links lead here; it takes the place of the bucket in the page's policy."""
    patterns: list[str] = []
    headers: dict[str, str] = {}
    for resource in _resources(assembly, "AWS::CloudFront::Distribution"):
        config = resource["Properties"]["DistributionConfig"]
        api_origins = {o["Id"] for o in config["Origins"] if "CustomOriginConfig" in o}
        patterns += [b["PathPattern"] for b in config.get("CacheBehaviors", []) if b["TargetOriginId"] in api_origins]
    for resource in _resources(assembly, "AWS::CloudFront::ResponseHeadersPolicy"):
        headers |= _security_headers(resource["Properties"]["ResponseHeadersPolicyConfig"], picture_origin)
    return FrontRules(tuple(patterns), headers)


def _resources(assembly: Assembly, kind: str) -> Iterable[dict[str, Any]]:
    for stack in assembly.stacks:
        for resource in stack.resources.values():
            if resource["Type"] == kind:
                yield resource


def _security_headers(config: dict[str, Any], picture_origin: str) -> dict[str, str]:
    """Strict-Transport-Security is left out: browsers ignore it without TLS, and 127.0.0.1 has none."""
    security = config.get("SecurityHeadersConfig", {})
    headers = {}
    if "ContentSecurityPolicy" in security:
        written = _flat(security["ContentSecurityPolicy"]["ContentSecurityPolicy"])
        headers["Content-Security-Policy"] = _with_pictures_from(written, picture_origin)
    if "ContentTypeOptions" in security:
        headers["X-Content-Type-Options"] = "nosniff"
    if "FrameOptions" in security:
        headers["X-Frame-Options"] = security["FrameOptions"]["FrameOption"]
    if "ReferrerPolicy" in security:
        headers["Referrer-Policy"] = security["ReferrerPolicy"]["ReferrerPolicy"]
    for item in config.get("CustomHeadersConfig", {}).get("Items", []):
        headers[item["Header"]] = _flat(item["Value"])
    return headers


def _with_pictures_from(policy: str, origin: str) -> str:
    directives = [d.strip() for d in policy.split(";") if d.strip()]
    kept = [d for d in directives if not d.startswith("img-src")]
    return "; ".join([*kept, f"img-src 'self' {origin}"])


def _flat(value: Any) -> str:
    """The literal parts of a template value; what CloudFormation would fill in is left out."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return str(separator).join(_flat(part) for part in parts)
    return ""
