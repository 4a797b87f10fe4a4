"""A name or a path with a line break behind it is another one, and not the one before the break."""

from __future__ import annotations

import pytest

from local_aws.iam.requests import INVOCATION
from local_aws.sagemaker import containers, service

PATH = "/endpoints/recognition-dev-rnn/invocations"


@pytest.mark.parametrize("pattern", [service.INVOCATION, INVOCATION])
def test_the_path_of_an_invocation_ends_with_its_word(pattern):
    assert pattern.fullmatch(PATH)
    assert not pattern.fullmatch(f"{PATH}\n")


def test_an_image_with_a_line_break_is_no_image():
    image = "1.dkr.ecr.us-east-1.amazonaws.com/tensorflow-inference:2.20-gpu"
    assert containers.role_of_image(image) == "inference"
    assert containers.role_of_image(f"{image}\n") is None
