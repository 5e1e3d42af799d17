"""What the frame fetcher is told by its environment."""

from collections.abc import Mapping
from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class SettingsError(ValueError):
    """The function's environment is incomplete or wrong; the message names each variable."""


class Settings(BaseModel):
    model_config = ConfigDict(frozen=True, str_strip_whitespace=True)

    table: str = Field(alias="FW_TABLE", min_length=1)
    frames_bucket: str = Field(alias="FW_FRAMES_BUCKET", min_length=1)
    config_bucket: str = Field(alias="FW_CONFIG_BUCKET", min_length=1)
    site_key: str = Field(alias="FW_SITE_KEY", default="site.yaml", min_length=1)
    stage: str = Field(alias="FW_STAGE", default="", description="names the stage in the logs")
    # S3 refuses links that live longer than seven days.
    image_url_ttl_s: int = Field(alias="FW_IMAGE_URL_TTL_S", default=900, ge=60, le=604_800)
    log_level: str = Field(alias="FW_LOG_LEVEL", default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    @property
    def image_url_ttl(self) -> timedelta:
        return timedelta(seconds=self.image_url_ttl_s)


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Raises SettingsError with every problem at once. Variables that are set to nothing count as not set."""
    given = {name: value for name, value in environ.items() if name.startswith("FW_") and value.strip()}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in e['loc'])}: {'is not set' if e['type'] == 'missing' else e['msg']}"
            for e in error.errors(include_url=False, include_input=False)
        )
        raise SettingsError(f"the function's environment is wrong: {problems}") from None
