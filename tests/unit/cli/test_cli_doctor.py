"""What the doctor asks of an account before the first deployment."""

from __future__ import annotations

import datetime
import json
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from cli.advise import doctor
from cli.shared.project import ROOT
from stacks.settings import EnvironmentSettings, load_settings

TODAY = datetime.date(2026, 11, 25)


def settings(**changes: dict) -> EnvironmentSettings:
    environments = json.loads((ROOT / "cdk.json").read_text())["context"]["environments"]
    for part, values in changes.items():
        environments["prod"][part] = {**environments["prod"].get(part, {}), **values}
    return load_settings("prod", environments)


def enough(chosen: EnvironmentSettings) -> dict[str, float]:
    return {name: float(needed) for name, needed in doctor.needed_quotas(chosen)}


def test_an_account_with_enough_of_everything_is_well():
    chosen = settings()
    findings = [*doctor.quota_findings(chosen, enough(chosen)), doctor.lambda_finding(chosen, 1000)]
    assert [finding for finding in findings if not finding.is_well] == []


def test_a_release_needs_a_second_fleet_of_one_network_beside_both():
    assert dict(doctor.needed_quotas(settings()))["ml.g4dn.xlarge for endpoint usage"] == 3 * 2


def test_endpoints_may_grow_to_the_most_that_the_settings_allow():
    chosen = settings(
        inference={
            "autoscaling": {"minimum_instances": 2, "maximum_instances": 8},
            "shadow_percent": 5,
            "asynchronous": {"instance_type": "ml.g4dn.xlarge", "maximum_instances": 3},
        }
    )
    assert dict(doctor.needed_quotas(chosen))["ml.g4dn.xlarge for endpoint usage"] == 3 * (8 + 1 + 3)


def test_an_endpoint_of_both_networks_has_a_second_fleet_while_it_changes_over():
    chosen = settings(inference={"multi_model": {}, "instance_type": "ml.c5.xlarge"})
    assert dict(doctor.needed_quotas(chosen))["ml.c5.xlarge for endpoint usage"] == 2 * 2


def test_a_serverless_endpoint_needs_no_instances():
    image = "111122223333.dkr.ecr.us-east-1.amazonaws.com/recognition-serving:1"
    chosen = settings(inference={"container": "litert", "litert_image_uri": image, "serverless": {}})
    assert not [name for name, _ in doctor.needed_quotas(chosen) if "endpoint usage" in name]


@pytest.mark.parametrize(
    ("use_spot", "name"), [(True, "spot training job usage"), (False, "training job usage")]
)
def test_spot_and_on_demand_have_own_quotas_for_every_type_that_may_be_tried(use_spot, name):
    chosen = settings(
        training={"use_spot": use_spot, "fallback_instance_types": ["ml.g6.xlarge"], "instance_count": 4}
    )
    needed = dict(doctor.needed_quotas(chosen))
    assert needed[f"ml.g5.xlarge for {name}"] == needed[f"ml.g6.xlarge for {name}"] == 4


@pytest.mark.parametrize("short", [0.0, None])
def test_a_quota_that_is_too_small_or_not_there_says_what_to_do(short):
    chosen = settings()
    quotas = enough(chosen)
    name = "ml.g5.xlarge for spot training job usage"
    quotas.pop(name)
    if short is not None:
        quotas[name] = short
    (finding,) = [
        quota_finding for quota_finding in doctor.quota_findings(chosen, quotas) if not quota_finding.is_well
    ]
    assert (finding.what, finding.needed, finding.found) == (name, 1, short)
    assert "us-east-1" in finding.remedy


@pytest.mark.parametrize(("reserved", "found", "well"), [(None, 10, True), (10, 139, False), (10, 140, True)])
def test_reserved_concurrency_has_to_leave_what_lambda_keeps(reserved, found, well):
    chosen = settings(api={"reserved_concurrency": reserved})
    assert doctor.lambda_finding(chosen, found).is_well is well


def test_an_image_near_its_end_of_patch_is_named():
    late = datetime.date(2027, 5, 1)
    assert [image_finding.is_well for image_finding in doctor.image_findings(settings(), TODAY)] == [
        True,
        True,
    ]
    (finding,) = [
        image_finding
        for image_finding in doctor.image_findings(settings(), late)
        if not image_finding.is_well
    ]
    assert finding.what.startswith("training image")


def test_applied_quotas_count_more_than_defaults():
    class Quotas:
        """Service Quotas as the target's client gives it."""

        def get_paginator(self, operation: str):
            value = {"list_aws_default_service_quotas": 0.0, "list_service_quotas": 4.0}[operation]
            pages = [{"Quotas": [{"QuotaName": "a", "Value": value}]}]
            if operation == "list_aws_default_service_quotas":
                pages.append({"Quotas": [{"QuotaName": "b", "Value": 1.0}]})
            return type("Pages", (), {"paginate": staticmethod(lambda ServiceCode: pages)})

    target = type("Target", (), {"client": staticmethod(lambda service: Quotas())})
    assert doctor.sagemaker_quotas(target) == {"a": 4.0, "b": 1.0}


def test_quotas_that_may_not_be_asked_are_listed_and_the_rest_is_asked():
    def refused(*_: str, **__: str) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Not yours."}}, "ListServiceQuotas")

    clients = {
        "service-quotas": SimpleNamespace(get_paginator=refused),
        "lambda": SimpleNamespace(
            get_account_settings=lambda: {"AccountLimit": {"ConcurrentExecutions": 1000}}
        ),
    }
    quotas, functions, *images = doctor.examine(SimpleNamespace(client=clients.get), settings(), TODAY)
    assert (quotas.what, quotas.is_well) == ("SageMaker's quotas", True)
    assert "Not yours." in quotas.not_asked
    assert (functions.found, len(images)) == (1000, 2)
