"""The training state machine: well-formed, its requests as AWS wants them, its gate as the settings say."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import botocore.session
import jsonata
import pytest
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from stacks.pipeline import Places, definition
from stacks.settings import load_settings

from .conftest import context

PLACES = Places(
    model_bucket="models",
    key_arn="arn:aws:kms:us-east-1:111122223333:key/1234",
    role_arn="arn:aws:iam::111122223333:role/jobs",
    code_bucket="assets",
    code_key="abc.gz",
    training_image="763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:2.21-gpu-py312",
    inference_image="763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-inference:2.20-gpu-py312",
)
INPUT = {
    "kind": "cnn",
    "run_id": "r1",
    "train_s3_uri": "s3://data/train/",
    "validation_s3_uri": "s3://data/validation/",
    "test_s3_uri": "s3://data/test/",
    "hyperparameters": {"epochs": "3"},
}
VARIABLES = {
    "kind": "cnn",
    "run_id": "r1",
    "data": "s3://data/train/",
    "training_job_name": "cnn-r1",
    "artefact": "s3://models/training/cnn-r1/output/model.tar.gz",
    "evaluation_key": "evaluations/cnn-r1/evaluation.json",
    "metrics": {"accuracy": 0.6543},
}
TASKS = {
    "Train": ("sagemaker", "CreateTrainingJob"),
    "Evaluate": ("sagemaker", "CreateProcessingJob"),
    "Register": ("sagemaker", "CreateModelPackage"),
    "ReadEvaluation": ("s3", "GetObject"),
}


@pytest.fixture(scope="module")
def machine() -> dict[str, Any]:
    return definition(load_settings("dev", context()["environments"]), PLACES)


def evaluate(value: Any, *, states_input: Any = INPUT, result: Any = None, **changed: Any) -> Any:
    """A state's arguments with their JSONata worked out, as Step Functions would."""
    if isinstance(value, dict):
        return {k: evaluate(v, states_input=states_input, result=result, **changed) for k, v in value.items()}
    if isinstance(value, list):
        return [evaluate(v, states_input=states_input, result=result, **changed) for v in value]
    if not (isinstance(value, str) and value.startswith("{%")):
        return value
    expression = jsonata.Jsonata(value.removeprefix("{%").removesuffix("%}").strip())
    for name, variable in {**VARIABLES, **changed}.items():
        expression.assign(name, copy.deepcopy(variable))
    expression.assign("states", {"input": states_input, "result": result})
    expression.register_lambda("parse", json.loads)
    return expression.evaluate({})


@pytest.mark.parametrize("state", TASKS)
@pytest.mark.parametrize("kind", ["cnn", "rnn"])
def test_each_request_is_one_that_the_service_takes(machine, state, kind):
    service, operation = TASKS[state]
    data = (
        botocore.session.get_session().get_component("data_loader").load_service_model(service, "service-2")
    )
    shape = ServiceModel(data, service).operation_model(operation).input_shape
    request = evaluate(machine["States"][state]["Arguments"], states_input={**INPUT, "kind": kind}, kind=kind)
    report = ParamValidator().validate(request, shape)
    assert not report.has_errors(), report.generate_report()
    assert set(request) <= set(shape.members)


def test_the_callers_hyperparameters_reach_the_job_and_cannot_replace_its_code(machine):
    arguments = machine["States"]["Train"]["Arguments"]
    attack = {**INPUT, "hyperparameters": {"epochs": "3", "sagemaker_program": '"evil.py"', "kind": '"rnn"'}}
    found = evaluate(arguments["HyperParameters"], states_input=attack)
    assert found["epochs"] == "3"
    assert json.loads(found["sagemaker_program"]) == "train.py"
    assert json.loads(found["kind"]) == "cnn"
    assert json.loads(found["sagemaker_submit_directory"]) == "/opt/ml/input/data/code/abc.gz"


def test_spot_training_has_checkpoints_and_waits_at_least_as_long_as_it_runs(machine):
    request = evaluate(machine["States"]["Train"]["Arguments"])
    assert request["EnableManagedSpotTraining"] is True
    assert request["CheckpointConfig"]["S3Uri"] == "s3://models/checkpoints/cnn-r1"
    stopping = request["StoppingCondition"]
    assert stopping["MaxWaitTimeInSeconds"] >= stopping["MaxRuntimeInSeconds"]


def test_jobs_see_no_network_and_speak_encrypted(machine):
    training = evaluate(machine["States"]["Train"]["Arguments"])
    assert training["EnableNetworkIsolation"] is training["EnableInterContainerTrafficEncryption"] is True
    network = evaluate(machine["States"]["Evaluate"]["Arguments"])["NetworkConfig"]
    assert network == {"EnableNetworkIsolation": True, "EnableInterContainerTrafficEncryption": True}


@pytest.mark.parametrize(("accuracy", "passes"), [(0.6999, False), (0.7, True), (0.95, True)])
def test_the_gate_lets_through_what_reaches_the_threshold(machine, accuracy, passes):
    (choice,) = machine["States"]["Gate"]["Choices"]
    assert evaluate(choice["Condition"], metrics={"accuracy": accuracy}) is passes
    assert choice["Next"] == "Register"
    assert machine["States"]["Gate"]["Default"] == "BelowGate"


def test_a_model_below_the_gate_hears_which_metric_fell_short_and_by_how_much(machine):
    cause = evaluate(machine["States"]["BelowGate"]["Cause"], metrics={"accuracy": 0.6543})
    assert cause == (
        "The accuracy of the cnn is 0.6543, which is 0.0457 below the gate of 0.7000. Nothing was registered."
    )


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        (json.dumps({"TrainingJobName": "j", "FailureReason": "the disk is full"}), "the disk is full"),
        ("The quota is used up.", "The quota is used up."),
    ],
)
def test_a_failed_job_ends_the_machine_with_its_reason(machine, cause, sentence):
    assert evaluate(machine["States"]["JobFailed"]["Cause"], states_input={"Cause": cause}) == sentence


def test_every_task_goes_to_the_failure_when_it_fails(machine):
    for name, state in machine["States"].items():
        if state["Type"] == "Task":
            assert state["Catch"][0]["Next"] == "JobFailed", name


def test_every_state_can_be_reached_and_leads_somewhere(machine):
    states = machine["States"]
    reached, waiting = set(), [machine["StartAt"]]
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        waiting += re.findall(r'"(?:Next|Default)": "(\w+)"', json.dumps(states[name]))
        assert (
            states[name]["Type"] == "Fail"
            or states[name].get("End")
            or {"Next", "Default"} & set(states[name])
        )
    assert reached == set(states)


def test_the_roles_allow_exactly_the_calls_that_the_machine_makes(dev, of_type, machine):
    statements = json.loads(machine_policy(dev, of_type))["PolicyDocument"]["Statement"]
    actions = [
        a for s in statements for a in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])
    ]
    allowed = {action for action in actions if action.startswith(("sagemaker:", "s3:", "events:", "iam:"))}
    waiting = {
        *(
            f"sagemaker:{verb}{kind}Job"
            for verb in ("Describe", "Stop")
            for kind in ("Training", "Processing")
        ),
        *(f"events:{verb}" for verb in ("PutTargets", "PutRule", "DescribeRule")),
        "iam:PassRole",
    }
    calls = {f"{service}:{operation}" for service, operation in TASKS.values()}
    made = {state["Resource"] for state in machine["States"].values() if state["Type"] == "Task"}
    assert len(made) == len(calls)
    assert allowed == calls | waiting


def machine_policy(dev: dict, of_type) -> str:
    """The policy of the state machine's role as text."""
    policies = of_type(dev["Training"], "AWS::IAM::Policy")
    (found,) = [
        json.dumps(policy) for policy in policies if "sagemaker:CreateTrainingJob" in json.dumps(policy)
    ]
    return found


def test_no_statement_allows_every_action_of_a_service(templates, of_type):
    for template in templates.values():
        for policy in of_type(template, "AWS::IAM::Policy"):
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = statement["Action"]
                assert not [
                    a for a in ([actions] if isinstance(actions, str) else actions) if a.endswith("*")
                ]
