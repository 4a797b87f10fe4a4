"""What a bake-off leaves in a deployment's data bucket: figures, and nothing that an example may say."""

from __future__ import annotations

import json

import boto3
import pytest
from botocore.stub import Stubber

from bakeoff.candidates import LOGISTIC
from bakeoff.contest import Contest
from bakeoff.results import Result
from bakeoff.statistics import Score
from bakeoff.verdict import Verdict
from cli.bakeoff.publish import figures, publish_figures
from cli.shared.target import Target
from definitions.names import BAKEOFF_KEY

SECRET = "what a customer wrote"
HELD = Contest(
    labels=(SECRET, "good"),
    modality="text",
    parts={"train": 10, "validation": 2, "test": 4},
    notes=(f"A note about {SECRET}.",),
    results=(
        Result(
            LOGISTIC,
            "finished",
            accuracy=Score(0.9, 0.8, 1.0),
            macro_f1=Score(0.8, 0.7, 0.9),
            notes=(SECRET,),
            confusion=((2, 0, 0), (0, 2, 0)),
        ),
        Result(LOGISTIC, "failed", f"could not convert string to float: '{SECRET}'"),
    ),
    absent=(),
    verdict=Verdict("logistic_regression", "", None, "", "", "", None, ("Logistic regression wins.",)),
    interrupted=False,
    seconds=3.0,
)


@pytest.fixture
def stubs():
    """Stubbed clients of a target, by service."""
    target = Target("dev")
    made = {}
    for service in ("ssm", "s3"):
        target.known_clients[service] = boto3.client(
            service, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
        )
        made[service] = Stubber(target.known_clients[service])
        made[service].activate()
    yield target, made["ssm"], made["s3"]
    for one in made.values():
        one.assert_no_pending_responses()


def test_the_figures_are_written_where_the_page_reads_them(stubs):
    target, parameters, s3 = stubs
    parameters.add_response(
        "get_parameter", {"Parameter": {"Value": "data"}}, {"Name": "/recognition/dev/data-bucket"}
    )
    content = json.dumps(figures(HELD, "reviews.csv")).encode()
    request = {"Bucket": "data", "Key": BAKEOFF_KEY, "Body": content, "ContentType": "application/json"}
    s3.add_response("put_object", {}, request)
    assert f"s3://data/{BAKEOFF_KEY}" in publish_figures(target, HELD, "reviews.csv")


def test_nothing_that_an_example_may_say_is_left():
    left = figures(HELD, "reviews.csv")
    assert SECRET not in json.dumps(left)
    finished, failed = left["results"]
    assert (finished["accuracy"]["value"], finished["status"]) == (0.9, "finished")
    assert (failed["accuracy"], failed["status"]) == (None, "failed")
    assert left["verdict"]["sentences"] == ("Logistic regression wins.",)


def test_where_they_cannot_be_left_a_sentence_says_why_and_nothing_fails(stubs):
    target, parameters, s3 = stubs
    parameters.add_client_error("get_parameter", "ParameterNotFound")
    assert "is not deployed in your AWS account" in publish_figures(target, HELD, "reviews.csv")
    parameters.add_response("get_parameter", {"Parameter": {"Value": "data"}})
    s3.add_client_error("put_object", "AccessDenied")
    assert "could not be published" in publish_figures(target, HELD, "reviews.csv")
