"""Finds the version that an endpoint served before, in the history of the parameter that records releases."""

from __future__ import annotations

from botocore.exceptions import ClientError

from cli.models.release import endpoint_name, list_versions
from cli.shared.errors import CommandFailed
from cli.shared.target import Target
from definitions.names import NOT_RELEASED, parameter_name, released_version


def version_before(target: Target, kind: str) -> str:
    """The last version before the present one that is still approved and whose artefact is still there.

    The inference stack writes the record only after the endpoint serves a version, so what failed is not in it.
    Going back is a release like any other: going back twice leads to where one was.

    Raises:
        CommandFailed: when nothing is released or there is nothing to go back to, with what stands against each.
    """
    history = released_versions(target, kind)
    if not history:
        raise CommandFailed(f"Nothing is released to {endpoint_name(target, kind)} yet.")
    packages = {str(one["ModelPackageVersion"]): one for one in list_versions(target, kind)}
    refused = []
    for version in dict.fromkeys(reversed(history[:-1])):
        if version == history[-1]:
            continue
        if version not in packages:
            refused.append(f"version {version} is no longer registered")
        elif packages[version]["ModelApprovalStatus"] != "Approved":
            refused.append(f"version {version} is {packages[version]['ModelApprovalStatus']}")
        elif not artefact_exists(target, packages[version]["ModelPackageArn"]):
            refused.append(f"the artefact of version {version} was deleted")
        else:
            return version
    why = "; ".join(refused) or f"version {history[-1]} is the first that was released"
    raise CommandFailed(f"There is no version of {endpoint_name(target, kind)} to go back to: {why}.")


def released_versions(target: Target, kind: str) -> list[str]:
    """Every version that the endpoint served, the oldest first."""
    client = target.client("ssm")
    name = parameter_name(target.environment, released_version(kind))
    try:
        pages = list(client.get_paginator("get_parameter_history").paginate(Name=name))
    except client.exceptions.ParameterNotFound:
        return []
    entries = [entry for page in pages for entry in page["Parameters"]]
    values = [entry["Value"] for entry in sorted(entries, key=lambda entry: entry["Version"])]
    return [value for value in values if value != NOT_RELEASED]


def artefact_exists(target: Target, package_arn: str) -> bool:
    """Whether the model archive of a version is still in its bucket."""
    package = target.client("sagemaker").describe_model_package(ModelPackageName=package_arn)
    (container,) = package["InferenceSpecification"]["Containers"]
    bucket, _, key = container["ModelDataUrl"].removeprefix("s3://").partition("/")
    try:
        target.client("s3").head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        return False
    return True
