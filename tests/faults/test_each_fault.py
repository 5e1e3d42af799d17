"""Each fault at each operation, one by one: what a storm's seeds meet seldom, such as the one read of a site file."""

from collections.abc import Iterator

import pytest

from tests.faults.plan import RATES, Plan
from tests.faults.sky import Sky, sky
from tests.faults.storm import RecordedSource, Storm
from tests.faults.weather import fits

OPERATIONS = (
    ("dynamodb", "BatchGetItem"),
    ("dynamodb", "BatchWriteItem"),
    ("dynamodb", "DeleteItem"),
    ("dynamodb", "GetItem"),
    ("dynamodb", "PutItem"),
    ("dynamodb", "Query"),
    ("dynamodb", "TransactWriteItems"),
    ("dynamodb", "UpdateItem"),
    ("kinesis", "GetRecords"),
    ("kinesis", "GetShardIterator"),
    ("kinesis", "ListShards"),
    ("kinesis", "PutRecords"),
    ("rekognition", "DetectLabels"),
    ("s3", "GET"),
    ("s3", "PUT"),
    ("sns", "CheckIfPhoneNumberIsOptedOut"),
    ("sns", "Publish"),
)


@pytest.fixture(scope="module")
def above() -> Iterator[Sky]:
    with sky() as above:
        yield above


CASES = [
    pytest.param(service, operation, fault, id=f"{service}-{operation}-{fault}")
    for service, operation in OPERATIONS
    for fault in RATES[service]
    if fits(fault, operation)
]


@pytest.mark.long
@pytest.mark.parametrize(("service", "operation", "fault"), CASES)
def test_one_fault_at_one_operation_breaks_no_promise(above, service, operation, fault):
    storm = Storm(above, Plan.of_one_fault(service, operation, fault))
    outcome = storm.run(RecordedSource(storm))
    assert outcome.faults[f"{service} {fault}"]
    assert storm.schedule.operations <= set(OPERATIONS), "there are operations that nobody attacks"
