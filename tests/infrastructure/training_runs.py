"""The training state machine, and walks of it in which the services answer as in a run where everything goes well."""

from __future__ import annotations

import copy
import json
from typing import Any

from stacks.settings import load_settings
from stacks.shared.job_context import JobContext
from stacks.training.kept_files import KEPT
from stacks.training.state_machine import definition

from .conftest import context
from .interpreter import Walk, walk

CONTEXT = JobContext(
    data_bucket="data.of.dev",
    model_bucket="models",
    key_arn="arn:aws:kms:us-east-1:111122223333:key/1234",
    role_arn="arn:aws:iam::111122223333:role/jobs",
    code_bucket="assets",
    code_key="abc.gz",
    training_image="763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:2.21-gpu-py312",
    processing_image="763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:2.21-cpu-py312",
    inference_image="763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-inference:2.20-gpu-py312",
    cpu_inference_image="763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-inference:2.20-cpu-py312",
    version_arns={
        kind: f"arn:aws:sagemaker:us-east-1:111122223333:model-package/recognition-dev-{kind}/"
        for kind in ("cnn", "rnn")
    },
    inference_stack="Recognition-dev-Inference",
)
INPUT = {
    "kind": "cnn",
    "run_id": "r1",
    "data_s3_uri": "s3://data.of.dev/cifar10",
    "hyperparameters": {"epochs": "3", "note": '"quoted"'},
}
FITTING = {
    "from_scratch": {"epochs": "7", "batch_size": "16"},
    "pretrained": {"pretrained": "true", "batch_size": "32"},
}
OBJECTS = [{"Key": "cifar10/train/part-0", "ETag": '"1"'}, {"Key": "cifar10/test/part-0", "ETag": '"2"'}]


def machine_with(**training: Any) -> dict[str, Any]:
    """The machine of dev with other settings of training."""
    environments = copy.deepcopy(context()["environments"])
    environments["dev"]["training"] |= training
    return definition(load_settings("dev", environments), CONTEXT)


def services(
    *,
    accuracy: float = 0.9,
    metric: str = "accuracy",
    group_gap: float | None = None,
    champion: dict | None = None,
    released: str = "",
    **changed,
) -> dict:
    """What the services answer in a run where everything goes well."""
    report = {
        "gate": {metric: accuracy},
        "metric": metric,
        "score": accuracy,
        "artefact_sha256": "0f",
        **({"champion": champion} if champion else {}),
        **({} if group_gap is None else {"group_gap": group_gap}),
    }
    parameters = [
        {"ParameterKey": f"{kind}ModelVersion", "ParameterValue": released} for kind in ("Cnn", "Rnn")
    ]

    def trained(request: dict, _: int) -> dict:
        name = request["TrainingJobName"]
        artefact = f"{request['OutputDataConfig']['S3OutputPath']}/{name}/output/model.tar.gz"
        return {
            "TrainingJobName": name,
            "TrainingJobArn": f"arn:job/{name}",
            "ModelArtifacts": {"S3ModelArtifacts": artefact},
        }

    always = {
        "DescribeData": lambda *_: {"Contents": OBJECTS},
        "FindSplits": lambda *_: {"Contents": OBJECTS[:1]},
        "Prepare": lambda request, _: {"ProcessingJobName": request["ProcessingJobName"]},
        "ReadFitting": lambda *_: {"Body": json.dumps(FITTING)},
        "Train": trained,
        "KeepArtefact": lambda *_: {"CopyObjectResult": {"ETag": '"abc"'}},
        "FindChampion": lambda *_: {"Stacks": [{"Parameters": parameters}]},
        "DescribeChampion": lambda *_: {
            "InferenceSpecification": {
                "Containers": [{"ModelDataUrl": "s3://models/training/old/model.tar.gz"}]
            }
        },
        "FindChampionArtefact": lambda *_: {},
        "TellOfChampion": lambda *_: {},
        "Evaluate": lambda request, _: {"ProcessingJobName": request["ProcessingJobName"]},
        **{state: lambda *_: {"CopyObjectResult": {"ETag": '"def"'}} for state in KEPT},
        "ReadEvaluation": lambda *_: {"Body": json.dumps(report)},
        "Register": lambda request, _: {"ModelPackageArn": f"arn:x/{request['ModelPackageGroupName']}/7"},
    }
    return always | changed


def run(machine: dict, given: dict = INPUT, **answers: Any) -> Walk:
    """One walk; every request on its way is checked against the service's model."""
    return walk(machine, given, services(**answers))


def against(low: float, high: float) -> dict:
    """A comparison's report."""
    difference = {"value": (low + high) / 2, "interval_95": [low, high]}
    return {"comparable": True, "score": 0.91, "difference": difference}
