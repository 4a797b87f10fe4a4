"""DynamoDB in memory, for what remembers answers, counts money or does both for bulk runs."""

from __future__ import annotations

import boto3
import pytest
from moto import mock_aws

TABLE = "items-by-id"


@pytest.fixture(scope="module")
def dynamodb():
    """A client of DynamoDB in memory, with a table; making one takes a second."""
    with mock_aws():
        client = boto3.client(
            "dynamodb", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
        )
        client.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


@pytest.fixture
def empty_table(dynamodb) -> str:
    """The table's name, once nothing of an earlier test is in it."""
    for item in dynamodb.scan(TableName=TABLE)["Items"]:
        dynamodb.delete_item(TableName=TABLE, Key={"id": item["id"]})
    return TABLE
