"""The key by which the API's firewall knows what the console's distribution passes on; no template has its value."""

from __future__ import annotations

from aws_cdk import RemovalPolicy, SecretValue, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager

from definitions.parameters import KEY_ARN, ORIGIN_KEY_ARN
from stacks.shared.acknowledge import acknowledge
from stacks.shared.parameters import publish, published

CHARACTERS = 48


def add_origin_key(stack: Stack, environment: str) -> SecretValue:
    """A random key, published for the stack that sends it."""
    secret = secretsmanager.Secret(
        stack,
        "OriginKey",
        description=f"Sent by the console's distribution of recognition in {environment}",
        encryption_key=kms.Key.from_key_arn(stack, "OriginKeysKey", published(stack, environment, KEY_ARN)),  # pyright: ignore[reportArgumentType]  # jsii
        generate_secret_string=secretsmanager.SecretStringGenerator(
            password_length=CHARACTERS, exclude_punctuation=True
        ),
        removal_policy=RemovalPolicy.DESTROY,
    )
    rotation = (
        "A deployment puts it into the distribution and the firewall, and a rotation would part the two."
    )
    acknowledge(secret, rotation, "AwsSolutions-SMG4", "NIST.800.53.R5-SecretsManagerRotationEnabled")
    publish(stack, environment, ORIGIN_KEY_ARN, secret.secret_arn)
    return secret.secret_value


def published_origin_key(stack: Stack, environment: str) -> SecretValue:
    """The key that the API's stack made."""
    return SecretValue.secrets_manager(published(stack, environment, ORIGIN_KEY_ARN))
