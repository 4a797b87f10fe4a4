"""Finds the version to go back to, in the history of the parameter that records the releases that answered."""

from __future__ import annotations

import json

from botocore.exceptions import ClientError

from cli.models.release import APPROVED, endpoint_name, list_versions
from cli.shared.errors import CommandFailed
from cli.shared.target import Target
from definitions.names import NOT_RELEASED, parameter_name, released_version, verified_release


def version_before(target: Target, kind: str) -> str:
    """The last version that answered its release, that is another than the one that serves, still approved and there.

    The release state machine writes the record after a version has answered, so what was taken back is not in it.
    Going back is a release like any other: going back twice leads to where one was.

    Raises:
        CommandFailed: when nothing is released or there is nothing to go back to, with what stands against each.
    """
    history = verified_versions(target, kind)
    if not history:
        raise CommandFailed(
            f"No version of {endpoint_name(target, kind)} has answered a release yet, so there is none to go back to."
        )
    serves = target.parameter_if_published(released_version(kind))
    # While the endpoint is shut down no version serves, and the present one is the last.
    present = history[-1] if serves in (None, NOT_RELEASED) else serves
    packages = {str(package["ModelPackageVersion"]): package for package in list_versions(target, kind)}
    refused = []
    for version in dict.fromkeys(reversed(history)):
        if version == present:
            continue
        if version not in packages:
            refused.append(f"version {version} is no longer registered")
        elif packages[version]["ModelApprovalStatus"] != APPROVED:
            refused.append(f"version {version} is {packages[version]['ModelApprovalStatus']}")
        elif problem := artefact_problem(target, packages[version]["ModelPackageArn"]):
            refused.append(f"the artefact of version {version} was {problem}")
        else:
            return version
    why = "; ".join(refused) or f"version {present} is the first that was released"
    raise CommandFailed(f"There is no version of {endpoint_name(target, kind)} to go back to: {why}.")


def verified_versions(target: Target, kind: str) -> list[str]:
    """Every version that answered its release, the oldest first; Systems Manager keeps the last hundred."""
    client = target.client("ssm")
    name = parameter_name(target.environment, verified_release(kind))
    try:
        pages = list(client.get_paginator("get_parameter_history").paginate(Name=name))
    except client.exceptions.ParameterNotFound:
        return []
    entries = [entry for page in pages for entry in page["Parameters"]]
    records = [json.loads(entry["Value"]) for entry in sorted(entries, key=lambda entry: entry["Version"])]
    return [record["version"] for record in records if record]


def artefact_problem(target: Target, package_arn: str) -> str | None:
    """What became of the model archive of a version; None where it is still the one that was registered."""
    package = target.client("sagemaker").describe_model_package(ModelPackageName=package_arn)
    (container,) = package["InferenceSpecification"]["Containers"]
    bucket, _, key = container["ModelDataUrl"].removeprefix("s3://").partition("/")
    try:
        response = target.client("s3").head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        return "deleted"
    # One that was registered before entity tags were kept has none.
    is_same = container.get("ModelDataETag") in (None, response["ETag"].strip('"'))
    return None if is_same else "written anew after it was registered"
