"""Composes the stacks of one environment: `cdk deploy --all`, `cdk deploy --all -c environment=prod`."""

from __future__ import annotations

import sys

import aws_cdk as cdk

from console import PartMissing
from stacks.app import compose
from stacks.settings import SettingsRefused
from stacks.shared.vendoring import VendoringFailed

app = cdk.App()
try:
    compose(app)
except (PartMissing, SettingsRefused, VendoringFailed) as refusal:
    sys.exit(str(refusal))
app.synth()
