"""What every Lambda function begins with: its settings, its clock, its log, and the ledger of what it uses."""

import json
import logging
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Self

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging import utils
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from framewatch.domain.usage import UsageKind
from framewatch.domain.use import ProcessUse
from framewatch.services.meter_use import UseLedger, gigabytes

_METERED_BYTES = 512 * 1024


class SettingsError(ValueError):
    """The function's environment is incomplete or wrong; the message names each variable."""


class FunctionSettings(BaseModel):
    """What the environment tells every function. One that needs more derives its own."""

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True)

    table: str = Field(alias="FW_TABLE", min_length=1)
    frames_bucket: str = Field(alias="FW_FRAMES_BUCKET", min_length=1)
    config_bucket: str = Field(alias="FW_CONFIG_BUCKET", min_length=1)
    site_key: str = Field(alias="FW_SITE_KEY", default="site.yaml", min_length=1)
    stage: str = Field(alias="FW_STAGE", min_length=1)
    log_level: str = Field(alias="FW_LOG_LEVEL", default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Raises SettingsError with every problem at once. Variables that are set to nothing count as not set."""
        given = {name: value for name, value in environ.items() if name.startswith("FW_") and value.strip()}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(str(part) for part in e['loc'])}: {'is not set' if e['type'] == 'missing' else e['msg']}"
                for e in error.errors(include_url=False, include_input=False)
            )
            raise SettingsError(f"the function's environment is wrong: {problems}") from None


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def start_ledger(service: str) -> UseLedger:
    """Of what this process uses; nobody reads it before it is told where to keep it."""
    return UseLedger(service, SystemClock(), memory_mb=int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE") or 0))


class UseLog:
    """UseNotes of a function that may write nothing: a line in its log, where the day's sum does not find it."""

    def __init__(self, log: logging.Logger):
        self._log = log

    def put_process(self, use: ProcessUse, expires_at: datetime) -> None:  # noqa: ARG002
        self._log.info(
            "used since %s began: %s", use.day, json.dumps(use.shared.as_json()), extra={"use": use.process_id}
        )


def start_logging(service: str, settings: FunctionSettings) -> Logger:
    """JSON lines, also for our own modules, which write to the standard library's loggers."""
    logger = Logger(service=service, level=settings.log_level)
    logger.append_keys(stage=settings.stage)
    logging.getLogger("framewatch")  # only loggers that exist are given the format
    utils.copy_config_to_registered_loggers(logger, include={"framewatch"}, ignore_log_level=False)
    return logger


def metered(use: UseLedger, answer: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A request that API Gateway and CloudFront have passed on, and are paid for; bodies by each 512 KB begun."""
    with use.invocation():
        response = answer()
        size = len(response["body"].encode())
        use.count(UsageKind.API_REQUESTS, max(1, -(-size // _METERED_BYTES)))
        use.count(UsageKind.CLOUDFRONT_REQUESTS)
        use.count(UsageKind.CLOUDFRONT_GB, gigabytes(size))
    return response
