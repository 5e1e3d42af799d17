"""What a deployed distribution does with a request, and how its cloud origins read on this machine."""

import fnmatch
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local_cloud.clients import ClientFactory

PICTURES = "/pictures/"
_ALL = "*"
_BUCKET_HOST = re.compile(r"^(?P<name>[a-z0-9.-]+)\.s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com$")
_API_HOST = re.compile(r"^(?P<name>[a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com$")
_SIGN_IN_HOST = re.compile(r"^[a-z0-9-]+\.auth\.[a-z0-9-]+\.amazoncognito\.com$")


@dataclass(frozen=True, slots=True)
class Bucket:
    name: str


@dataclass(frozen=True, slots=True)
class Api:
    """An HTTP API. name: its id."""

    name: str


@dataclass(frozen=True, slots=True)
class Behaviour:
    """headers: what the response headers policy puts into every answer, in the cloud's words."""

    pattern: str
    origin: Bucket | Api
    methods: frozenset[str]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Distribution:
    """behaviours: in order of precedence; the default one, which takes every path, is the last."""

    id: str
    comment: str
    domain: str
    root_object: str
    behaviours: tuple[Behaviour, ...]

    def behaviour(self, path: str) -> Behaviour:
        return next(b for b in self.behaviours if fnmatch.fnmatchcase(path, b.pattern))

    @property
    def pages(self) -> Bucket | None:
        """Where whatever no other behaviour takes comes from."""
        origin = self.behaviours[-1].origin
        return origin if isinstance(origin, Bucket) else None


class NotADashboard(Exception):
    """The distribution has an origin that is neither a bucket nor an HTTP API."""


def find_distributions(client: ClientFactory) -> Iterator[Distribution]:
    """Every enabled distribution that leads to pages and an API, as it is deployed now."""
    cloudfront = client("cloudfront")
    listed = cloudfront.list_distributions()["DistributionList"].get("Items", [])
    for each in listed:
        if each["Enabled"]:
            try:
                yield read_distribution(cloudfront, each["Id"])
            except (NotADashboard, cloudfront.exceptions.NoSuchDistribution):
                continue


def read_distribution(cloudfront: Any, distribution_id: str) -> Distribution:
    """Raises NotADashboard."""
    described = cloudfront.get_distribution(Id=distribution_id)["Distribution"]
    config = described["DistributionConfig"]
    origins = {o["Id"]: _origin(o["DomainName"]) for o in config["Origins"]["Items"]}
    policies: dict[str, dict[str, str]] = {}

    def behaviour(found: dict[str, Any], pattern: str) -> Behaviour:
        policy_id = found.get("ResponseHeadersPolicyId", "")
        if policy_id and policy_id not in policies:
            policy = cloudfront.get_response_headers_policy(Id=policy_id)["ResponseHeadersPolicy"]
            policies[policy_id] = _policy_headers(policy["ResponseHeadersPolicyConfig"])
        methods = frozenset(found.get("AllowedMethods", {}).get("Items", ["GET", "HEAD"]))
        return Behaviour(pattern, origins[found["TargetOriginId"]], methods, policies.get(policy_id, {}))

    return Distribution(
        id=distribution_id,
        comment=config.get("Comment", ""),
        domain=described["DomainName"],
        root_object=config.get("DefaultRootObject", ""),
        behaviours=(
            *(behaviour(b, b["PathPattern"]) for b in config.get("CacheBehaviors", {}).get("Items", [])),
            behaviour(config["DefaultCacheBehavior"], _ALL),
        ),
    )


def _origin(host: str) -> Bucket | Api:
    if found := _BUCKET_HOST.match(host):
        return Bucket(found["name"])
    if found := _API_HOST.match(host):
        return Api(found["name"])
    raise NotADashboard(host)


def _policy_headers(config: dict[str, Any]) -> dict[str, str]:
    """Strict-Transport-Security is left out: browsers ignore it without TLS, and 127.0.0.1 has none."""
    security = config.get("SecurityHeadersConfig", {})
    headers = {}
    if "ContentSecurityPolicy" in security:
        headers["Content-Security-Policy"] = security["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    if "ContentTypeOptions" in security:
        headers["X-Content-Type-Options"] = "nosniff"
    if "FrameOptions" in security:
        headers["X-Frame-Options"] = security["FrameOptions"]["FrameOption"]
    if "ReferrerPolicy" in security:
        headers["Referrer-Policy"] = security["ReferrerPolicy"]["ReferrerPolicy"]
    for item in config.get("CustomHeadersConfig", {}).get("Items", []):
        headers[item["Header"]] = item["Value"]
    return headers


class Origins:
    """The origins of the cloud <-> the front's own, which stands for all of them.

    The dashboard's, the sign-in's and the picture buckets'. The last two are those that the page's own security
    policy names: what a page may not reach need not be translated.
    """

    def __init__(self, distribution: Distribution, emulator_url: str) -> None:
        """emulator_url: how the functions name S3 in the links that they sign."""
        hosts = set()
        for behaviour in distribution.behaviours:
            policy = behaviour.headers.get("Content-Security-Policy", "")
            hosts |= {source.removeprefix("https://").rstrip("/") for source in re.split(r"[;\s]+", policy)}
        self.dashboard = f"https://{distribution.domain}"
        self.sign_in = sorted(f"https://{host}" for host in hosts if _SIGN_IN_HOST.match(host))
        buckets = {host: found["name"] for host in hosts if (found := _BUCKET_HOST.match(host))}
        self.picture_buckets = frozenset(buckets.values())
        self._origins = {self.dashboard, *self.sign_in, *(f"https://{host}" for host in buckets)}
        self._picture_links = {f"{emulator_url}/{bucket}/": f"{PICTURES}{bucket}/" for bucket in buckets.values()}

    def to_front(self, text: str, front: str) -> str:
        """text: JSON, a page or a URL. front: the origin by which the browser knows the front."""
        for cloud in (self.dashboard, *self.sign_in):
            text = text.replace(cloud, front)
        for cloud, path in self._picture_links.items():
            text = text.replace(cloud, front + path)
        return text

    def to_cloud(self, url: str, front: str) -> str:
        """A page's own address, as it is registered for sign-in."""
        return self.dashboard + url.removeprefix(front) if _is_below(url, front) else url

    def headers(self, behaviour: Behaviour) -> dict[str, str]:
        """The behaviour's, with 'self' in the place of all that the front stands for."""
        headers = dict(behaviour.headers)
        if policy := headers.get("Content-Security-Policy"):
            headers["Content-Security-Policy"] = "; ".join(
                self._directive(directive.split()) for directive in policy.split(";") if directive.strip()
            )
        return headers

    def _directive(self, words: list[str]) -> str:
        translated = ["'self'" if word.rstrip("/") in self._origins else word for word in words]
        return " ".join(dict.fromkeys(translated))


def _is_below(url: str, origin: str) -> bool:
    return url == origin or url.startswith(f"{origin}/")
