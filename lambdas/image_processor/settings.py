"""What the image processor is told by its environment."""

from pydantic import Field

from framewatch.adapters.aws.function import FunctionSettings


class Settings(FunctionSettings):
    failure_queue_url: str = Field(alias="FW_FAILURE_QUEUE_URL", pattern=r"^https?://")
    link_base_url: str = Field(alias="FW_LINK_BASE_URL", pattern=r"^https?://[^/]+$")
    alert_topic_arn: str = Field(alias="FW_ALERT_TOPIC_ARN", pattern=r"^arn:[^:]+:sns:")
    workers: int = Field(alias="FW_WORKERS", default=16, ge=1, le=64)
