"""Every state machine of the templates: it ends, and an error that may pass ends none of its runs."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator

import pytest

from stacks.settings import load_settings
from stacks.shared.asl import SDK, SDK_ERRORS
from stacks.training.stack import longest_run

from .calls import machines_of
from .conftest import context
from .interpreter import BOTOCORE_NAME, shapes

# Step Functions' guide: what the optimised integrations of SageMaker and Lambda raise.
OPTIMISED = {
    "sagemaker": {
        "SageMaker.AmazonSageMakerException",
        "SageMaker.ResourceLimitExceededException",
        "SageMaker.SdkClientException",
    },
    "lambda": {
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.ServiceException",
        "Lambda.TooManyRequestsException",
    },
}
YEAR_SECONDS = 365 * 24 * 3600


def machines(templates: dict[str, dict]) -> Iterator[tuple[str, dict]]:
    """Every state machine's definition, with the part that it is in."""
    for part, template in templates.items():
        for definition, _ in machines_of(template):
            yield part, definition


def tasks(definition: dict) -> Iterator[tuple[str, dict]]:
    """The tasks of a machine, also those inside its maps."""
    for name, state in definition["States"].items():
        if state["Type"] == "Task":
            yield name, state
        elif state["Type"] == "Map":
            yield from tasks(state["ItemProcessor"])


def errors_of(service: str) -> set[str]:
    """The names of an SDK integration's errors, as the AWS SDK for Java 2 makes them of the service's model."""
    model = shapes(BOTOCORE_NAME.get(service, service)).model
    # Each word of the service's id begins alone with a capital: SFN is Sfn there.
    words = re.findall(r"[A-Z]+[0-9]*(?![a-z])|[A-Z][a-z]+", model.service_id)
    prefix = "".join(word.capitalize() for word in words)
    modelled = {shape.name for shape in model.error_shapes}
    names = {name.removesuffix("Exception") for name in modelled} | {prefix, "SdkClient"}
    return {f"{prefix}.{name}Exception" for name in names}


def test_every_task_is_tried_again_after_errors_that_aws_raises(templates):
    for part, definition in machines(templates):
        for name, state in tasks(definition):
            service = (
                state["Resource"].removeprefix(f"{SDK}:").removeprefix("arn:aws:states:::").partition(":")[0]
            )
            known = errors_of(service) if state["Resource"].startswith(SDK) else OPTIMISED[service]
            retried = {error for rule in state["Retry"] for error in rule["ErrorEquals"]}
            own = {"States.ALL", "QueueTooLong"} if service == "lambda" else set()
            assert retried, (part, name)
            assert retried <= known | own, (part, name, retried - known)


def test_throttling_is_among_them_or_what_follows_a_refusal(templates):
    """A refused stack update is no retrier's: the next state looks at the stack before it asks again."""
    for part, definition in machines(templates):
        for name, state in tasks(definition):
            if not state["Resource"].startswith(SDK):
                continue
            prefix = SDK_ERRORS[state["Resource"].removeprefix(f"{SDK}:").partition(":")[0]][0]
            retried = {error for rule in state["Retry"] for error in rule["ErrorEquals"]}
            refused = definition["States"].get(f"{name}Refused", {"Choices": []})["Choices"]
            looked_at = any("Throttling" in rule["Condition"] for rule in refused)
            assert f"{prefix}.{prefix}Exception" in retried or looked_at, (part, name)


def test_every_machine_has_its_timeout_in_its_definition(templates):
    for part, definition in machines(templates):
        assert 3600 <= definition["TimeoutSeconds"] <= YEAR_SECONDS, part


def test_a_release_may_take_longer_than_every_wait_of_its_update_and_of_going_back(templates):
    inference = load_settings("prod", context()["environments"]).inference
    (definition,) = (definition for part, definition in machines(templates) if part == "Release")
    assert definition["TimeoutSeconds"] > 2 * inference.release_seconds


@pytest.mark.parametrize(
    ("training", "job_seconds"),
    [
        ({"max_wait_seconds": 432_000}, 432_000),
        ({"use_spot": False, "max_runtime_seconds": 400_000}, 400_000),
        ({"fallback_instance_types": ["ml.g6.xlarge"], "max_wait_seconds": 432_000}, 2 * 432_000),
        (
            {"tuning": {"jobs": 7, "parallel_jobs": 2, "ranges": {"cnn": {"learning_rate": [0.01, 1.0]}}}},
            4 * 28_800,
        ),
    ],
)
def test_a_run_may_take_longer_than_all_its_jobs(training, job_seconds):
    environments = copy.deepcopy(context()["environments"])
    environments["dev"]["training"] |= training
    timeout = longest_run(load_settings("dev", environments).training).to_seconds()
    assert timeout == job_seconds + 24 * 3600


def test_no_run_is_given_more_than_step_functions_gives_it():
    environments = copy.deepcopy(context()["environments"])
    tuning = {"jobs": 100, "parallel_jobs": 1, "ranges": {"cnn": {"learning_rate": [0.01, 1.0]}}}
    environments["dev"]["training"] |= {"tuning": tuning, "max_wait_seconds": 432_000}
    assert longest_run(load_settings("dev", environments).training).to_seconds() == YEAR_SECONDS
