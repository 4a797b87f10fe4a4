"""The table of networks agrees with the packages that hold a network's own code, and costs nothing to import."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from definitions.names import job_name, kind_of_job
from definitions.networks import FEATURES, KINDS, NETWORKS, kind_of_feature


def test_every_network_has_hyperparameters_and_a_preset_of_its_data_set():
    from model_code import hyperparameters
    from model_code.presets import PRESETS

    assert set(hyperparameters.KINDS) == set(KINDS)
    assert {network.dataset for network in NETWORKS.values()} <= set(PRESETS)


def test_every_operation_of_our_own_networks_asks_one_of_the_table():
    from lambdas.custom.operations import OPERATIONS

    asking = [operation for operation in OPERATIONS if operation.service]
    assert {operation.name for operation in asking} == {f"{feature}-class" for feature in FEATURES}
    assert {operation.path for operation in asking} == {f"{feature}s/class" for feature in FEATURES}
    assert {kind_of_feature(feature) for feature in FEATURES} <= set(KINDS)


def test_the_advisor_can_name_every_network():
    from advisor.tables import candidates

    assert set(KINDS) <= {candidate.family for candidate in candidates().values()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_divides_no_name_in_two(kind):
    """Hyphens divide the parts of a job's name, and CloudFormation's parameters take letters and digits only."""
    assert re.fullmatch(r"[a-z][a-z0-9]*", kind)
    assert kind_of_job(job_name("staging", kind, "20261126-101500-1a2b3c")) == kind


def test_the_definitions_import_the_standard_library_alone():
    """Every command and function imports them: what they cost, all cost."""
    words = "import sys; import definitions.names; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True).stdout
    assert {part for part in loaded.split() if part not in sys.stdlib_module_names and part[0] != "_"} <= {
        "definitions",
        "distutils",
        "sitecustomize",
    }
