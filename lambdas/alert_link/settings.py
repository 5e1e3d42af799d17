"""What the alert link is told by its environment."""

from datetime import timedelta

from pydantic import Field

from framewatch.adapters.aws.function import FunctionSettings


class Settings(FunctionSettings):
    # S3 refuses links that live longer than seven days.
    image_url_ttl_s: int = Field(alias="FW_IMAGE_URL_TTL_S", default=900, ge=60, le=604_800)

    @property
    def image_url_ttl(self) -> timedelta:
        return timedelta(seconds=self.image_url_ttl_s)
