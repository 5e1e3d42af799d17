"""What the watchdog is told by its environment."""

from pydantic import Field

from framewatch.adapters.aws.function import FunctionSettings


class Settings(FunctionSettings):
    link_base_url: str = Field(alias="FW_LINK_BASE_URL", pattern=r"^https?://[^/]+$")
    alert_topic_arn: str = Field(alias="FW_ALERT_TOPIC_ARN", pattern=r"^arn:[^:]+:sns:")
