"""cdk.json takes what the CDK recommends for new apps, so that what it mended holds here too."""

from __future__ import annotations

import json

from .conftest import context

# What is set in another way, with its reason.
OTHERWISE = {
    # The app is for AWS's commercial regions; the price lists and container images of China are not in it.
    "@aws-cdk/core:target-partitions": ["aws"],
    # The report is for what the rule packs find; the command line prints annotations anyway.
    "@aws-cdk/core:annotationsInValidationReport": False,
    # Nothing about the app is reported (versionReporting is off too).
    "@aws-cdk/core:enableAdditionalMetadataCollection": False,
}


def test_every_feature_flag_is_set_as_the_cdk_recommends_or_has_its_reason(tmp_path):
    from aws_cdk import App, CfnWaitConditionHandle, Stack

    app = App(context=context(), outdir=str(tmp_path))
    CfnWaitConditionHandle(Stack(app, "Small"), "Handle")
    app.synth()
    artifacts = json.loads((tmp_path / "manifest.json").read_text())["artifacts"]
    flags = artifacts["aws-cdk-lib/feature-flag-report"]["properties"]["flags"]
    assert len(flags) > 90
    expected = {name: OTHERWISE.get(name, flag["recommendedValue"]) for name, flag in flags.items()}
    assert {name: flag.get("userValue") for name, flag in flags.items()} == expected
