"""What the jobs' state machines refer to: names of other stacks, the id of a run, the tags of its cost."""

from __future__ import annotations

from dataclasses import dataclass

from definitions.names import PROJECT, RUN_ID_CHARACTERS, job_name
from stacks.settings import EnvironmentSettings
from stacks.shared.asl import jsonata

# Execution names may have characters that job names may not; an event's id is their first 36.
RUN_ID = (
    "$exists($states.input.run_id) ? $states.input.run_id : "
    "$replace($substring($replace($states.context.Execution.Name, /[^a-zA-Z0-9]+/, '-'), 0, "
    f"{RUN_ID_CHARACTERS}), /-+$/, '')"
)


@dataclass(frozen=True)
class JobContext:
    """Names and addresses, most of them known to CloudFormation alone.

    Attributes:
        data_bucket: name of the bucket with the data sets.
        model_bucket: name of the bucket for checkpoints, models and evaluations.
        key_arn: the key that encrypts them.
        role_arn: under which the jobs run.
        code_bucket: bucket of the source archive.
        code_key: its key, which changes with the code.
        training_image: container of training jobs.
        processing_image: container of evaluation and drift jobs.
        inference_image: container that will serve the model on GPUs.
        cpu_inference_image: container that will serve it elsewhere.
        litert_image: container that can serve the model's LiteRT file; None where there is none.
        version_arns: of each kind's registered versions, up to the number that follows.
        inference_stack: name of the stack whose parameter says which version is the champion.
        vpc: the jobs' subnets and security groups as SageMaker's VpcConfig; None in SageMaker's own network.
    """

    data_bucket: str
    model_bucket: str
    key_arn: str
    role_arn: str
    code_bucket: str
    code_key: str
    training_image: str
    processing_image: str
    inference_image: str
    cpu_inference_image: str
    version_arns: dict[str, str]
    inference_stack: str
    vpc: dict[str, list[str]] | None = None
    litert_image: str | None = None


def name_of_job(settings: EnvironmentSettings, purpose: str = "") -> str:
    """The name of a run's jobs, as an expression; a training and a processing job may have the same."""
    words = (purpose,) if purpose else ()
    return f"'{job_name(settings.name, '')}' & $kind & '{job_name('', *words, '')}' & $run_id"


def cost_tags(settings: EnvironmentSettings) -> list[dict[str, str]]:
    """The tags by which the bill can be read, which a job does not inherit from its stack."""
    tags = {"project": PROJECT, "environment": settings.name, "kind": jsonata("$kind")}
    return [{"Key": key, "Value": value} for key, value in tags.items()]
