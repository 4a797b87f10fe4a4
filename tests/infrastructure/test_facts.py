"""Facts about AWS that age: each table says when it was looked up, and the templates use nothing that is closed."""

from __future__ import annotations

import ast
import datetime
import json
import re
from pathlib import Path

import pytest

from advisor.tables import closures, read
from stacks.settings import (
    SettingsRefused,
    container_images,
    instance_families,
    lambda_runtimes,
    load_settings,
)

from .conftest import context

STACKS = Path(__file__).resolve().parents[2] / "stacks"
OLDEST_LOOK_DAYS = 120
LOOKED_UP = {
    "closures": read("closures.toml")["checked_on"],
    "containers": container_images.CHECKED_ON,
    "hardware": instance_families.CHECKED_ON,
    "limits of scale": read("limits.toml")["checked_on"],
    "Lambda runtimes": lambda_runtimes.CHECKED_ON,
}
# What the table of closures has to tell of, by the ids there; the advisor has no candidate for some of them.
CLOSED = {
    *("comprehend.event_detection", "comprehend.prompt_safety", "comprehend.topic_modelling"),
    *("rekognition.bulk_analysis", "rekognition.people_pathing", "rekognition.streaming_video"),
    *("sagemaker.debugger", "sagemaker.geospatial"),
    *("forecast", "frauddetector", "lookoutequipment", "lookoutmetrics", "lookoutvision"),
}
OPEN = set(read("closures.toml")["open_services"])


@pytest.mark.parametrize("table", LOOKED_UP)
def test_a_table_was_looked_up_not_too_long_ago(table):
    """When this fails: look at the sources that the table names, correct it, and write the day into it."""
    age = datetime.date.today() - LOOKED_UP[table]
    assert datetime.timedelta(0) <= age <= datetime.timedelta(days=OLDEST_LOOK_DAYS)


def test_the_runtimes_of_all_functions_are_supported_for_a_quarter_of_a_year(templates, of_type):
    runtimes = {
        resource["Runtime"]
        for template in templates.values()
        for resource in of_type(template, "AWS::Lambda::Function")
    }
    assert "python3.14" in runtimes
    soon = lambda_runtimes.CHECKED_ON + datetime.timedelta(days=OLDEST_LOOK_DAYS)
    assert {name for name in runtimes if lambda_runtimes.END_OF_SUPPORT[name] <= soon} == set()


def test_every_service_of_the_stacks_was_looked_up():
    used = set()
    for file in STACKS.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "aws_cdk":
                used |= {
                    name.name.removeprefix("aws_").partition("_")[0]
                    for name in node.names
                    if "aws_" in name.name
                }
    assert len(used) > 15
    assert used <= OPEN


def test_every_service_of_the_policies_was_looked_up(templates):
    text = json.dumps(templates)
    used = set(re.findall(r'"([a-z0-9-]+):[A-Z][A-Za-z]+\*?"', text))
    assert {"sagemaker", "rekognition"} <= used
    # Keys of conditions begin with aws.
    assert used - {"aws"} <= OPEN


def test_no_closure_is_forgotten():
    assert set(closures()) == CLOSED


@pytest.mark.parametrize("closure", closures().values(), ids=lambda closure: closure.id)
def test_the_templates_have_no_mark_of_what_is_closed(templates, closure):
    text = json.dumps(templates)
    assert closure.marks
    assert [mark for mark in closure.marks if mark in text] == []


@pytest.mark.parametrize(
    ("setting", "instance_type", "why"),
    [
        ("training", "ml.trn1.2xlarge", "TensorFlow no more on Trainium"),
        ("inference", "ml.inf2.xlarge", "TensorFlow no more on Inferentia"),
        ("training", "ml.p2.xlarge", "no P2 any more"),
    ],
)
def test_an_instance_type_that_tensorflow_does_not_run_on_is_refused(setting, instance_type, why):
    environments = context()["environments"]
    environments["dev"].setdefault(setting, {})["instance_type"] = instance_type
    with pytest.raises(SettingsRefused, match=f"{setting}.instance_type: .*{why}"):
        load_settings("dev", environments)
