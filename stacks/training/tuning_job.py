"""The tuning state: a hyperparameter tuning job in the training job's place, for kinds that have ranges to search."""

from __future__ import annotations

from typing import Any

from stacks.settings import EnvironmentSettings
from stacks.settings.training import TuningSettings
from stacks.shared.asl import RETRIED, jsonata, lookup
from stacks.shared.job_context import JobContext, name_of_job

# A metric of model_code.training.metrics: the split that decides is never the one that the gate looks at.
OBJECTIVE = "validation_accuracy"
# Of a tuning job's 32, without what a further instance type and a further try add.
NAME_CHARACTERS = 27
# What a training job has and the definition of a tuning job's jobs has not.
OF_ONE_JOB = ("TrainingJobName", "HyperParameters", "ProfilerConfig", "Tags")


def tuning_of(settings: EnvironmentSettings) -> TuningSettings:
    """The settings of the tuning, of an environment that has one."""
    if settings.training.tuning is None:
        raise ValueError(f"The environment '{settings.name}' tunes nothing.")
    return settings.training.tuning


def tuning_choice(settings: EnvironmentSettings) -> dict[str, Any]:
    """Whether the run's kind is tuned or trained once."""
    kinds = ", ".join(f"'{kind}'" for kind in sorted(tuning_of(settings).ranges))
    return {
        "Type": "Choice",
        "Choices": [{"Condition": jsonata(f"$kind in [{kinds}]"), "Next": "Tune"}],
        "Default": "Train",
    }


def tune(
    settings: EnvironmentSettings, context: JobContext, training: dict[str, Any], attempt: str
) -> dict[str, Any]:
    """The tuning job over the very training job that `training`, its state, would start.

    Its jobs have no checkpoints: they would share one place and go on from each other's weights. So a stop has nothing
    to save, and they have the image's own entry point, the only one that a tuning job's jobs can have. The best job's
    artefact goes on through evaluation and gates like any other.
    """
    tuning = tuning_of(settings)
    request = training["Arguments"]
    job = {key: value for key, value in request.items() if key not in (*OF_ONE_JOB, "CheckpointConfig")}
    algorithm = dict(job["AlgorithmSpecification"])
    del algorithm["ContainerEntrypoint"]
    ranges = {kind: continuous(ranges) for kind, ranges in sorted(tuning.ranges.items())}
    best = "$states.result.BestTrainingJob"
    name = f"$replace($substring({name_of_job(settings)}, 0, {NAME_CHARACTERS}), /-+$/, '')"
    return {
        **training,
        "Resource": "arn:aws:states:::sagemaker:createHyperParameterTuningJob.sync",
        "Arguments": {
            "HyperParameterTuningJobName": jsonata(f"{name} & {attempt} & {RETRIED}"),
            "HyperParameterTuningJobConfig": {
                "Strategy": "Bayesian",
                "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": OBJECTIVE},
                "ResourceLimits": {
                    "MaxNumberOfTrainingJobs": tuning.jobs,
                    "MaxParallelTrainingJobs": tuning.parallel_jobs,
                },
                "ParameterRanges": {"ContinuousParameterRanges": jsonata(lookup(ranges))},
                "TrainingJobEarlyStoppingType": "Auto",
            },
            "TrainingJobDefinition": {
                **job,
                "AlgorithmSpecification": algorithm,
                "StaticHyperParameters": request["HyperParameters"],
            },
            "Tags": request["Tags"],
        },
        "Assign": {
            "training_job_name": jsonata(f"{best}.TrainingJobName"),
            "training_job_arn": jsonata(f"{best}.TrainingJobArn"),
            "artefact": jsonata(
                f"'{request['OutputDataConfig']['S3OutputPath']}/' & {best}.TrainingJobName & "
                "'/output/model.tar.gz'"
            ),
            "hyperparameters": jsonata(f"$merge([$hyperparameters, {best}.TunedHyperParameters])"),
        },
    }


def continuous(ranges: dict[str, list[float]]) -> list[dict[str, str]]:
    """Ranges as SageMaker takes them, numbers as text; those that span decades are searched by their logarithm."""
    return [
        {
            "Name": name,
            "MinValue": str(low),
            "MaxValue": str(high),
            "ScalingType": "Logarithmic" if low > 0 and high / low >= 10 else "Linear",
        }
        for name, (low, high) in sorted(ranges.items())
    ]
