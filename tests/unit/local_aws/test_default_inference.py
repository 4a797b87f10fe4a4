"""An artefact without handlers is asked as AWS's container asks its signature."""

from __future__ import annotations

import io
import json

import pytest

from local_aws.default_inference import Refused, input_handler, output_handler
from local_aws.serving import Answer, Context


def question(content: str, content_type: str | None = "application/json") -> str:
    """What TensorFlow Serving is asked."""
    return input_handler(io.BytesIO(content.encode()), Context(content_type, None))


@pytest.mark.parametrize(
    ("content", "instances"),
    [
        ('{"instances": [1, 2]}', [1, 2]),
        ("[1, 2]", [[1, 2]]),
        ("[[1], [2]]", [[1], [2]]),
        ('{"text": "a"}', [{"text": "a"}]),
        ('{"text": "a"}\n{"text": "b"}\n', [{"text": "a"}, {"text": "b"}]),
    ],
    ids=["instances", "one row", "rows", "one object", "JSON lines"],
)
def test_json_becomes_instances(content, instances):
    assert json.loads(question(content)) == {"instances": instances}


@pytest.mark.parametrize(
    ("content", "instances"),
    [
        ("1,2\n3,4\n", [[1, 2], [3, 4]]),
        ("1.5\n2.5", [1.5, 2.5]),
        ('good,"a, ""b"""\n', [["good", 'a, "b"']]),
    ],
    ids=["numbers", "one column", "texts"],
)
def test_csv_becomes_instances(content, instances):
    assert json.loads(question(content, "text/csv")) == {"instances": instances}


@pytest.mark.parametrize("asked", ['{"inputs": {"x": [[1]]}}', '{"signature_name": "s", "instances": [1]}'])
def test_what_names_its_inputs_goes_on_as_it_is(asked):
    assert question(asked) == asked


def test_another_content_type_is_refused_as_the_container_does():
    with pytest.raises(Refused, match="Unsupported Media Type: application/x-image") as refused:
        question("", "application/x-image")
    assert refused.value.status == 415


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "application/json"),
        ("application/jsonlines, text/csv", "application/jsonlines"),
        ("*/*", "application/json"),
    ],
)
def test_the_answer_goes_on_as_it_is(accept, content_type):
    answer = Answer(200, b'{"predictions": [1]}')
    assert output_handler(answer, Context("text/csv", accept)) == (answer.content, content_type)


def test_an_error_of_the_model_keeps_its_status_and_words():
    with pytest.raises(Refused, match="no such input") as refused:
        output_handler(Answer(400, b'{"error": "no such input"}'), Context("application/json", None))
    assert refused.value.status == 400
