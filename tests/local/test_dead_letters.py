"""An event whose target is gone lies in the target's dead-letter queue."""

from __future__ import annotations

import json
import uuid

import pytest

from .conftest import ROLE

GONE = "arn:aws:states:us-east-1:000000000000:stateMachine:gone"
TOPIC_GONE = "arn:aws:sns:us-east-1:000000000000:gone"


@pytest.fixture
def queue(client) -> tuple[str, str]:
    """The URL and the ARN of a queue."""
    url = client("sqs").create_queue(QueueName=f"lost-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    attributes = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return url, attributes["QueueArn"]


def lost_in(client, url: str) -> dict:
    """The one message that lies in the queue, or comes within a minute."""
    for _ in range(3):
        answer = client("sqs").receive_message(
            QueueUrl=url, MessageAttributeNames=["All"], WaitTimeSeconds=20, MaxNumberOfMessages=10
        )
        if messages := answer.get("Messages"):
            (message,) = messages
            return message
    raise AssertionError("Nothing came into the queue.")


@pytest.mark.parametrize("target", [GONE, TOPIC_GONE])
def test_the_event_of_a_rule_that_reaches_no_target_is_kept(client, queue, target):
    url, arn = queue
    name = f"lost-{uuid.uuid4().hex[:8]}"
    events = client("events")
    rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    events.put_targets(
        Rule=name, Targets=[{"Id": "1", "Arn": target, "RoleArn": ROLE, "DeadLetterConfig": {"Arn": arn}}]
    )
    events.put_events(Entries=[{"Source": name, "DetailType": "Lost", "Detail": '{"number": 7}'}])
    message = lost_in(client, url)
    assert json.loads(message["Body"])["detail"] == {"number": 7}
    said = {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}
    assert said == {
        "ERROR_CODE": "NO_RESOURCE",
        "ERROR_MESSAGE": f"{target} does not exist.",
        "RULE_ARN": rule,
        "TARGET_ARN": target,
    }


def test_the_event_of_a_rule_that_may_not_reach_its_target_is_kept(client, queue):
    url, arn = queue
    name = f"lost-{uuid.uuid4().hex[:8]}"
    closed = client("sns").create_topic(Name=name)["TopicArn"]
    events = client("events")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": closed, "DeadLetterConfig": {"Arn": arn}}])
    events.put_events(Entries=[{"Source": name, "DetailType": "Lost", "Detail": '{"number": 8}'}])
    message = lost_in(client, url)
    assert json.loads(message["Body"])["detail"] == {"number": 8}
    attributes = message["MessageAttributes"]
    assert attributes["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert attributes["TARGET_ARN"]["StringValue"] == closed


def test_what_a_schedule_cannot_start_is_kept(client, queue):
    url, arn = queue
    client("scheduler").create_schedule(
        Name=f"lost-{uuid.uuid4().hex[:8]}",
        ScheduleExpression="at(2026-01-01T00:00:00)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": GONE, "RoleArn": ROLE, "DeadLetterConfig": {"Arn": arn}},
    )
    message = lost_in(client, url)
    assert message["MessageAttributes"]["TARGET_ARN"]["StringValue"] == GONE
