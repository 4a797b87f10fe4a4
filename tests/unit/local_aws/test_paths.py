"""A name or a path with a line break behind it is another one, and not the one before the break."""

from __future__ import annotations

import pytest

from local_aws.iam.requests import Reader
from local_aws.keys import Keys
from local_aws.sagemaker import containers
from local_aws.sagemaker.service import SageMaker

PATHS = {
    "/endpoints/recognition-dev-rnn/invocations": "InvokeEndpoint",
    "/endpoints/recognition-dev-rnn/async-invocations": "InvokeEndpointAsync",
}
BEHIND = ["\n", "/more", "s"]


@pytest.mark.parametrize("path", PATHS)
def test_the_permission_to_invoke_is_asked_for_its_path_alone(path):
    reader = Reader(lambda *_: None, lambda *_: "")

    def action(asked: str) -> str:
        return reader.calls("sagemaker", "POST", asked, {}, b"", {}, "us-east-1", "1")[0].action

    assert action(path) == f"sagemaker:{PATHS[path]}"
    assert not any("InvokeEndpoint" in action(path + more) for more in BEHIND)


@pytest.mark.parametrize("path", PATHS)
def test_no_endpoint_is_asked_by_a_path_that_goes_on_behind_its_word(path, tmp_path):
    sagemaker = SageMaker(tmp_path, "http://127.0.0.1:9", Keys.made(), tmp_path / "record", concurrent_jobs=0)
    try:
        assert b"UnknownOperation" not in sagemaker.answer(path, {}, b"")[2]
        for more in BEHIND:
            assert b"UnknownOperation" in sagemaker.answer(path + more, {}, b"")[2]
    finally:
        sagemaker.close()


def test_an_image_with_a_line_break_is_no_image():
    image = "1.dkr.ecr.us-east-1.amazonaws.com/tensorflow-inference:2.20-gpu"
    assert containers.role_of_image(image) == "inference"
    assert containers.role_of_image(f"{image}\n") is None
