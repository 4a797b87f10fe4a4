"""The model card that every registered version bears: what it is for, what it was trained on, how well it does."""

from __future__ import annotations

import json

from definitions.networks import NETWORKS
from model_code.data.weights import LICENCE, TRAINED_ON, WEIGHTS
from stacks.shared.asl import jsonata, lookup
from stacks.shared.job_context import JobContext
from stacks.training.training_job import IS_PRETRAINED

CAVEATS = (
    "The figures hold for inputs like those of the test split. A score is a probability of the model, calibrated as "
    "far as calibration_error says; it does not know inputs that belong to none of its classes."
)

ORIGIN = (
    f"The network starts from the weights of the package {WEIGHTS.title} (licence {LICENCE}), which were trained on "
    f"{TRAINED_ON}."
)


def model_card(context: JobContext) -> dict:
    """CreateModelPackage's ModelCard; its content follows SageMaker's model card JSON schema for model packages.

    Risk is Unknown: what a wrong answer costs is known to those who use the model, and they can say so in the card.
    """
    purpose = lookup({kind: network.purpose for kind, network in NETWORKS.items()})
    metrics = "$each($metrics, function($v, $k) {{'name': $k, 'type': 'number', 'value': $v}})"
    hyperparameters = "$each($hyperparameters, function($v, $k) {{'name': $k, 'value': $string($v)}})"
    caveats = f"{json.dumps(CAVEATS)} & ({IS_PRETRAINED} ? {json.dumps(' ' + ORIGIN)} : '')"
    content = f"""{{
        'intended_uses': {{
            'purpose_of_model': {purpose},
            'risk_rating': 'Unknown'
        }},
        'training_details': {{
            'training_observations': 'The data has the version ' & $data_version,
            'training_job_details': {{
                'training_arn': $training_job_arn,
                'training_datasets': [$data],
                'training_environment': {{'container_image': ['{context.training_image}']}},
                'hyper_parameters': [{hyperparameters}]
            }}
        }},
        'evaluation_details': [{{
            'name': 'test split',
            'datasets': [$data & 'test/'],
            'metric_groups': [{{'name': 'gate', 'metric_data': [{metrics}]}}]
        }}],
        'additional_information': {{'caveats_and_recommendations': {caveats}}}
    }}"""
    return {
        "ModelCardContent": jsonata(f"$string({' '.join(content.split())})"),
        "ModelCardStatus": "PendingReview",
    }
