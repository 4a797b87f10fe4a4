"""Where a bake-off's jobs run: with the role, the image, the buckets and the network of the deployed training stack."""

from __future__ import annotations

import json
from typing import Any

from bakeoff.jobs import Jobs, Site
from cli.shared.run_ids import new_run_id
from cli.shared.target import Target
from definitions.names import PROJECT
from definitions.networks import KINDS
from definitions.parameters import DATA_BUCKET, TRAINING_STATE_MACHINE
from stacks.settings import EnvironmentSettings
from stacks.shared.job_volume import job_volume

# Of CreateTrainingJob's request in the training state machine: what a bake-off's jobs have in common with its jobs.
SHARED = (
    "RoleArn",
    "OutputDataConfig",
    "VpcConfig",
    "EnableNetworkIsolation",
    "RetryStrategy",
    "ProfilerConfig",
)


def jobs_of(target: Target, settings: EnvironmentSettings) -> Jobs:
    """Runs candidates in a deployment: networks on its training instances, the others on its evaluation instances.

    Raises:
        CommandFailed: when the app is not deployed there.
    """
    machine = target.client("stepfunctions").describe_state_machine(
        stateMachineArn=target.parameter(TRAINING_STATE_MACHINE)
    )
    states = json.loads(machine["definition"])["States"]
    training = states["Train"]["Arguments"]
    request = {name: training[name] for name in SHARED if name in training}
    algorithm = training["AlgorithmSpecification"]
    # Their metrics are the candidates' own.
    request["AlgorithmSpecification"] = {
        name: value for name, value in algorithm.items() if name != "MetricDefinitions"
    }
    tags = {"project": PROJECT, "environment": settings.name, "kind": "bakeoff"}
    request["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
    key_arn = training["OutputDataConfig"]["KmsKeyId"]
    image: str = algorithm["TrainingImage"]
    network = host(settings.training.instance_type, settings, key_arn)
    traditional = host(settings.training.evaluation_instance_type, settings, key_arn)
    return Jobs(
        Site(
            target.client("sagemaker"),
            target.client("s3"),
            target.parameter(DATA_BUCKET),
            request,
            {**dict.fromkeys(KINDS, network), "traditional": traditional},
            {
                **dict.fromkeys(KINDS, image),
                # The others run where the evaluation does, which may have no GPU.
                "traditional": states["Evaluate"]["Arguments"]["AppSpecification"]["ImageUri"],
            },
        ),
        new_run_id(),
    )


def host(instance_type: str, settings: EnvironmentSettings, key_arn: str) -> dict[str, Any]:
    """ResourceConfig of one host."""
    return {
        "InstanceType": instance_type,
        "InstanceCount": 1,
        **job_volume(instance_type, settings.training.volume_gigabytes, key_arn),
    }
