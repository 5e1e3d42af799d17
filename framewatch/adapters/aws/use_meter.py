"""What botocore's clients use, told to the ledger as it happens; no request is added for it.

Attempts, not calls: botocore tries again by itself, and AWS bills what reached it.
"""

from collections.abc import Callable
from typing import Any, Protocol

from botocore.client import BaseClient
from botocore.exceptions import HTTPClientError

from framewatch.domain.usage import Number, UsageKind
from framewatch.wire.sms import parts_of

_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"})
_READS = frozenset({"GetItem", "BatchGetItem", "Query"})
# By S3's price list; to delete costs nothing, and every other request what a GET does.
_S3_PUTS = frozenset({"PutObject", "CopyObject", "ListObjectsV2", "ListBuckets"})
_S3_FREE = frozenset({"DeleteObject", "DeleteObjects"})
_USED = "framewatch_use"


class Counter(Protocol):
    def count(self, kind: UsageKind, amount: Number = 1) -> None:
        """Safe from several threads, and never fails."""
        ...


def meter(client: BaseClient, counter: Counter) -> None:
    """What the client does from now on is counted."""
    service = client.meta.service_model.service_id.hyphenize()
    for event, hook in _HOOKS[service](counter).items():
        client.meta.events.register(event, hook)


def may_be_billed(response_dict: dict[str, Any] | None, exception: Exception | None) -> bool:
    """Whether the service may have done the work: it answered so, failed inside, or its answer never came.

    An upper bound. What it refused (4xx: throttled, denied, no picture), or what never reached it, is not billed.
    """
    if response_dict is None:
        return isinstance(exception, HTTPClientError)
    return not 400 <= int(response_dict["status_code"]) < 500


Hooks = dict[str, Callable[..., None]]


def _dynamodb(counter: Counter) -> Hooks:
    def ask(params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        if model.name in _WRITES or model.name in _READS:
            params.setdefault("ReturnConsumedCapacity", "TOTAL")
        context[_USED] = len(params.get("TransactItems", ())) * 2 or 1

    def answered(parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        kind = UsageKind.DYNAMODB_WRITE_UNITS if model.name in _WRITES else UsageKind.DYNAMODB_READ_UNITS
        if (said := parsed.get("ConsumedCapacity")) is not None:
            of_tables = said if isinstance(said, list) else [said]
            counter.count(kind, sum(of_table.get("CapacityUnits", 0.0) for of_table in of_tables))
        elif parsed.get("Error", {}).get("Code") in (
            "ConditionalCheckFailedException",
            "TransactionCanceledException",
        ):
            # A condition that does not hold costs what the write would have; the answer does not say how much that
            # is: a unit for each item, two in a transaction.
            counter.count(kind, context.get(_USED, 1))

    return {"before-parameter-build.dynamodb": ask, "after-call.dynamodb": answered}


def _s3(counter: Counter) -> Hooks:
    def received(event_name: str, response_dict: dict[str, Any] | None, **_: Any) -> None:
        operation = event_name.rpartition(".")[2]
        if response_dict is not None and operation not in _S3_FREE:
            counter.count(UsageKind.S3_PUT_REQUESTS if operation in _S3_PUTS else UsageKind.S3_GET_REQUESTS)

    return {"response-received.s3": received}


def _rekognition(counter: Counter) -> Hooks:
    def received(response_dict: dict[str, Any] | None, exception: Exception | None, **_: Any) -> None:
        if may_be_billed(response_dict, exception):
            counter.count(UsageKind.IMAGES_ANALYSED)

    return {"response-received.rekognition.DetectLabels": received}


def _sns(counter: Counter) -> Hooks:
    def asked(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        if "PhoneNumber" in params:
            context[_USED] = (UsageKind.SMS_PARTS, parts_of(params["Message"]))
        else:
            context[_USED] = (UsageKind.TOPIC_PUBLISHES, 1)

    def received(
        response_dict: dict[str, Any] | None, exception: Exception | None, context: dict[str, Any], **_: Any
    ) -> None:
        if may_be_billed(response_dict, exception):
            counter.count(*context[_USED])

    return {"before-parameter-build.sns.Publish": asked, "response-received.sns.Publish": received}


def _sqs(counter: Counter) -> Hooks:
    def received(response_dict: dict[str, Any] | None, **_: Any) -> None:
        if response_dict is not None:
            counter.count(UsageKind.SQS_REQUESTS)

    return {"response-received.sqs": received}


_HOOKS: dict[str, Callable[[Counter], Hooks]] = {
    "dynamodb": _dynamodb,
    "s3": _s3,
    "rekognition": _rekognition,
    "sns": _sns,
    "sqs": _sqs,
}
