"""The committed OpenAPI document is that of the code, is valid, and its examples are what the handlers say."""

from __future__ import annotations

import json

import pytest
from botocore.stub import ANY
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tools.write_openapi import DOCUMENT, text

from .conftest import BY_NAME, FUNCTION_OF, asked_of, service_answer

COMMITTED = json.loads(DOCUMENT.read_text(encoding="utf-8"))
ENTRIES = {entry["post"]["operationId"]: (path, entry["post"]) for path, entry in COMMITTED["paths"].items()}


def require_shape(value: object, schema: dict) -> None:
    """Fails where a value is not of a schema of the document."""
    Draft202012Validator({**schema, "components": COMMITTED["components"]}).validate(value)


def test_the_document_is_that_of_the_code():
    assert DOCUMENT.read_text(encoding="utf-8") == text(), "Run: make generate"


def test_the_document_is_openapi():
    OpenAPIV31SpecValidator(COMMITTED).validate()


@pytest.mark.parametrize("name", BY_NAME)
def test_an_example_of_the_document_gets_the_answer_that_stands_beside_it(call, service, name):
    operation = BY_NAME[name]
    path, entry = ENTRIES[name]
    described = entry["requestBody"]["content"]["application/json"]
    require_shape(described["example"], described["schema"])
    if operation.service:
        service(operation.service).add_response(
            operation.method, service_answer(operation), asked_of(operation)
        )
    elif name == "labels":
        service("s3").add_response("put_object", {}, {"Bucket": "data", "Key": ANY, "Body": ANY})
    query = entry.get("x-example-query", {})
    body = json.dumps(described["example"]).encode()
    status, checked, _ = call(FUNCTION_OF[name], path, body, "application/json", query=query)
    assert status == 200, checked
    answered = entry["responses"]["200"]["content"]["application/json"]
    require_shape(checked, answered["schema"])
    if "example" in answered:
        require_shape(answered["example"], answered["schema"])
        assert {**checked, "latency_milliseconds": 0} == {**answered["example"], "latency_milliseconds": 0}


@pytest.mark.parametrize("name", BY_NAME)
def test_the_example_of_an_option_is_of_its_schema(name):
    _, entry = ENTRIES[name]
    for parameter in entry["parameters"]:
        if "example" in parameter:
            require_shape(parameter["example"], parameter["schema"])


def test_a_body_may_name_the_languages_that_the_option_may():
    checked = 0
    for _, entry in ENTRIES.values():
        schemas = {
            parameter["name"]: parameter["schema"] for parameter in entry["parameters"] if "name" in parameter
        }
        members = entry["requestBody"]["content"]["application/json"]["schema"].get("properties", {})
        if "language_code" in schemas and "language_code" in members:
            assert members["language_code"] == schemas["language_code"]
            checked += 1
    assert checked > 10


@pytest.mark.parametrize("name", BY_NAME)
def test_a_refusal_has_the_shape_that_the_document_promises(call, name):
    path, entry = ENTRIES[name]
    for body, content_type in ((b"{", "application/json"), (b"x", "text/csv")):
        status, checked, _ = call(FUNCTION_OF[name], path, body, content_type)
        response = entry["responses"][str(status)]["$ref"].rpartition("/")[2]
        described = COMMITTED["components"]["responses"][response]["content"]["application/json"]
        require_shape(checked, described["schema"])
