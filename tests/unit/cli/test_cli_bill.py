"""What endpoints cost while nobody asks them: an instance that stays, and none that goes."""

from __future__ import annotations

from typing import Any

import pytest

from advisor.prices import price_table
from cli.advise import standing_cost

INSTANCE = {"InstanceType": "ml.c5.xlarge", "InitialInstanceCount": 2}


def lines(variant: dict[str, Any], **more: Any) -> list[standing_cost.Line]:
    configuration = {"ProductionVariants": [variant], **more}
    resource = {"Type": "AWS::SageMaker::EndpointConfig", "Properties": configuration}
    return standing_cost.lines_of([{"Resources": {"Configuration": resource}}], price_table("us-east-1"))


def scaled(least: int) -> dict[str, Any]:
    return {"ManagedInstanceScaling": {"MinInstanceCount": least, "MaxInstanceCount": 3}}


@pytest.mark.parametrize(("more", "count"), [({}, 2), (scaled(1), 1)])
def test_instances_that_stay_are_counted(more, count):
    (line,) = lines({**INSTANCE, **more})
    assert (line.count, line.when) == (count, "deployed")
    assert line.usd_per_hour == pytest.approx(count * 0.204)


def test_what_goes_when_nobody_asks_costs_nothing():
    assert lines({**INSTANCE, **scaled(0)}) == []
    assert lines(INSTANCE, AsyncInferenceConfig={"OutputConfig": {}}) == []
    assert lines({"ServerlessConfig": {"MaxConcurrency": 5}}) == []


def test_provisioned_concurrency_has_a_price_that_nobody_confirmed():
    (line,) = lines({"ServerlessConfig": {"MaxConcurrency": 5, "ProvisionedConcurrency": 2}})
    assert (line.count, line.usd_per_hour) == (2, None)


def test_a_sum_without_an_unknown_price_says_that_it_is_the_least():
    known = lines(INSTANCE)
    unknown = lines({"ServerlessConfig": {"MaxConcurrency": 5, "ProvisionedConcurrency": 2}})
    assert standing_cost.sum_in_words(standing_cost.facts(known)).startswith(
        "Together 0.4080 US dollars an hour"
    )
    said = standing_cost.sum_in_words(standing_cost.facts(known + unknown))
    assert said.startswith("Together at least 0.4080 US dollars an hour")
    assert "no known price: sagemaker.serverless.provisioned." in said
