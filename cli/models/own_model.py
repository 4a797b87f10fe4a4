"""Registers a model that was trained on this machine, as the next version of its kind, with its evaluation."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cli.models.archive import Model
from cli.models.release import endpoint_name
from cli.shared.errors import CommandFailed
from cli.shared.target import Target
from definitions.names import SEQUENCE_CHANNELS
from definitions.networks import KINDS, NETWORKS
from definitions.parameters import CPU_INFERENCE_IMAGE, INFERENCE_IMAGE, LITERT_IMAGE, MODEL_BUCKET
from model_code.data.archives import sha256_of
from model_code.evaluation.files import BASELINE_FILE, EVALUATION_FILE, KNOWN_INPUT_FILE
from model_code.inference import ANSWERED_TYPES

# What an endpoint's container starts with.
NEEDED = ("1/saved_model.pb", "code/inference.py")
CARD = "model_card.json"
# Of a network; a baseline says it in its card.
PREPROCESSING = "litert/preprocessing.json"
JSON_TYPE = "application/json"


def kind_of_model(model: Model, said: str | None) -> str:
    """The kind of network, as the model's card says, or as the caller said where the model has no card.

    Raises:
        CommandFailed: when the model cannot be served, its card says another kind than the caller, or neither says one.
    """
    for needed in NEEDED:
        if needed not in model.files:
            raise CommandFailed(
                f"{model.place} holds no {needed}. Give the folder that training wrote as its model, or its archive."
            )
    try:
        card = json.loads(model.read(CARD))["kind"]
        if card not in KINDS:
            raise ValueError("the kind is none of the networks'")
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        if said is None:
            raise CommandFailed(
                f"{CARD} in {model.place} does not say which network this is. Say it before --from: "
                f"{' or '.join(KINDS)}."
            ) from error
        return said
    if said not in (None, card):
        raise CommandFailed(f"{model.place} is a model of the {card}, and not of the {said}.")
    return card


def register(
    target: Target,
    kind: str,
    model: Model,
    approval: str,
    on_detail: Callable[[str], None] = lambda _: None,
    evaluation: Path | None = None,
) -> str:
    """Uploads the model and registers it with the environment's `approval`; returns its version number.

    Args:
        target: where.
        kind: of network.
        model: the artefact.
        approval: of the environment.
        on_detail: hears how far it is.
        evaluation: the folder that the evaluation wrote, if there is one: its figures become the version's, its
            baseline the drift job's, and its known input what a release asks.

    Raises:
        CommandFailed: when the app is not deployed there, or the evaluation is of another model or none. Then nothing
            was uploaded.
    """
    if evaluation is not None:
        require_evaluation(evaluation)
    bucket, image = target.parameter(MODEL_BUCKET), target.parameter(INFERENCE_IMAGE)
    further = {
        "cpu": target.parameter_if_published(CPU_INFERENCE_IMAGE),
        "litert": target.parameter_if_published(LITERT_IMAGE),
    }
    key = f"local/{kind}/{uuid.uuid4().hex}/model.tar.gz"
    with model.packed() as archive:
        on_detail(f"uploading {archive.stat().st_size / 1e6:.1f} MB")
        target.client("s3").upload_file(str(archive), bucket, key)
        digest = sha256_of(archive)
    etag = target.client("s3").head_object(Bucket=bucket, Key=key)["ETag"].strip('"')
    artefact = {"ModelDataUrl": f"s3://{bucket}/{key}", "ModelDataETag": etag}
    additional = [
        {"Name": name, "Containers": [{"Image": specification, **artefact}]}
        for name, specification in further.items()
        if specification
    ]
    answer = target.client("sagemaker").create_model_package(
        ModelPackageGroupName=endpoint_name(target, kind),
        ModelPackageDescription="Trained outside the training state machine and registered by hand.",
        ModelApprovalStatus=approval,
        InferenceSpecification={
            "Containers": [{"Image": image, **artefact}],
            "SupportedContentTypes": list(NETWORKS[kind].content_types),
            "SupportedResponseMIMETypes": list(ANSWERED_TYPES),
        },
        CustomerMetadataProperties={**properties_of(model), "artefact_sha256": digest},
        **({} if evaluation is None else evaluated(target, bucket, evaluation)),
        **({"AdditionalInferenceSpecifications": additional} if additional else {}),
    )
    return answer["ModelPackageArn"].rsplit("/", 1)[-1]


def require_evaluation(folder: Path) -> None:
    """Refuses what is no folder of an evaluation.

    Raises:
        CommandFailed: naming the file that is missing.
    """
    for name in (EVALUATION_FILE, BASELINE_FILE):
        if not (folder / name).is_file():
            raise CommandFailed(
                f"{folder} holds no {name}. --evaluation is the folder that model_code.evaluation.evaluate wrote."
            )


def evaluated(target: Target, bucket: str, folder: Path) -> dict[str, Any]:
    """Uploads an evaluation to where no job may write; returns what the registration says of it."""
    prefix, client = f"local/evaluations/{uuid.uuid4().hex}", target.client("s3")
    for name in (EVALUATION_FILE, BASELINE_FILE, KNOWN_INPUT_FILE):
        # Where the model answers nothing rightly, there is no known input.
        if (folder / name).is_file():
            client.upload_file(str(folder / name), bucket, f"{prefix}/{name}")

    def statistics(name: str) -> dict[str, Any]:
        return {"Statistics": {"ContentType": JSON_TYPE, "S3Uri": f"s3://{bucket}/{prefix}/{name}"}}

    return {
        "ModelMetrics": {"ModelQuality": statistics(EVALUATION_FILE)},
        "DriftCheckBaselines": {"ModelDataQuality": statistics(BASELINE_FILE)},
    }


def properties_of(model: Model) -> dict[str, str]:
    """What the release state machine has to know to ask the version something: the channels of its sequences."""
    for name in (CARD, PREPROCESSING):
        try:
            channels = json.loads(model.read(name))["channels"]
        except (KeyError, ValueError, TypeError, RecursionError):
            # A model of images or texts has none; what a damaged file keeps to itself, the release's question shows.
            continue
        return {SEQUENCE_CHANNELS: str(channels)}
    return {}


def waits(target: Target, kind: str, version: str, *, on_approval: bool) -> str:
    """What to do about a version that was registered and waits for its approval, as a sentence."""
    then = (
        "Its approval in the model registry releases it."
        if on_approval
        else "Approve it in the model registry, then: "
        + target.command(f"release {kind} --version {version}")
    )
    return (
        f"Version {version} of {endpoint_name(target, kind)} is registered and waits for approval, like every version "
        f"of {target.environment}. Nothing was released. {then}"
    )
