"""Writes docs/openapi.json, the OpenAPI 3.1 document, from the table of operations: `python -m tools.write_openapi`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lambdas.catalogue import OPERATIONS, examples
from lambdas.common.bodies import ImageBody, LabelsBody, ObjectBody, TextBody, TextsBody, schema_of, taken
from lambdas.common.content import IMAGE_TYPES, JSON_TYPE, TEXT_TYPE
from lambdas.common.idempotency import KEY_HEADER
from lambdas.common.operations import Operation
from lambdas.common.options import Choices, QueryOption, Regions, Words
from tools.arguments import refuse_arguments

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "openapi.json"
NUMBER_OR_NULL = {"type": ["number", "null"]}
STRING_OR_NULL = {"type": ["string", "null"]}
# Some latency has to stand in an example.
LATENCY_MILLISECONDS = 42.0
# An option that may stand in the body as well.
LANGUAGE = "language_code"
ERRORS = {
    "400": "The request is wrong; the error names the field.",
    "401": "The token is missing, expired or not one that the API takes (where it takes tokens).",
    "403": "The signature or the API key is missing, or not allowed to call this path.",
    "409": "The first request with this Idempotency-Key is still being answered.",
    "413": "The image or text is larger than what is taken.",
    "415": "The content type is none that the operation takes.",
    "422": "This Idempotency-Key was used for another request.",
    "429": "More requests than the throttle, or dearer ones than a budget, lets through; Retry-After says till when.",
    "500": "The API has a fault of its own with this request.",
    "501": "This deployment cannot answer the operation.",
    "502": "The service failed in a way that a second try will not mend.",
    "503": "The same request may succeed later; Retry-After says when.",
    "504": "No answer within 29 seconds.",
}


def object_of(description: str, members: dict[str, Any], *optional: str) -> dict[str, Any]:
    """A schema of an object with these members; `optional` ones may be missing."""
    required = [name for name in members if name not in optional]
    return {"type": "object", "description": description, "properties": members, "required": required}


def reference(name: str) -> dict[str, str]:
    """A reference to one of the schemas."""
    return {"$ref": f"#/components/schemas/{name}"}


def schemas() -> dict[str, Any]:
    """What answers are made of."""
    share = {"type": "number", "minimum": 0, "maximum": 1}
    box = {name: {"type": "number"} for name in ("left", "top", "width", "height")}
    details = {"type": "object", "description": "What else the service says, in its own terms and units."}
    head = {
        "operation": {"type": "string"},
        "backend": {"type": "string"},
        "model": object_of("Which model answered.", {"name": {"type": "string"}, "version": STRING_OR_NULL}),
        "stand_in": {**STRING_OR_NULL, "description": "Set when something local answered for the service."},
    }
    tail = {"cost": reference("Cost"), "latency_milliseconds": {"type": "number", "minimum": 0}}
    step = {"backend": {"type": "string", "enum": ["managed", "own"]}, "outcome": {"type": "string"}}
    route = {
        "type": "array",
        "items": object_of("A backend that was asked, and what came of it.", step),
        "description": "Where the deployment's policy chose who answers: the way to the answer.",
    }
    results = {"type": "array", "items": reference("Result"), "description": "Best first."}
    document = {
        "index": {"type": "integer"},
        "results": results,
        "details": details,
        "error": reference("Error"),
    }
    return {
        "Result": object_of(
            "One thing recognised.",
            {
                "label": {"type": "string"},
                "score": share,
                "box": object_of("Where in the image, as shares of its size.", box),
                "span": object_of(
                    "Where in the text, in characters.",
                    {"begin": {"type": "integer"}, "end": {"type": "integer"}},
                ),
                "details": details,
            },
            "box",
            "span",
            "details",
        ),
        "Cost": object_of(
            "What the service charges for the call, at the list price of the first tier; null where unknown.",
            {"units": {"type": "integer"}, "unit": STRING_OR_NULL, "usd": NUMBER_OR_NULL},
        ),
        "Answer": object_of(
            "What was recognised.",
            {**head, "results": results, "details": details, "route": route, **tail},
            "route",
        ),
        "Document": object_of(
            "One text's outcome: results, or an error.", document, "results", "details", "error"
        ),
        "BatchAnswer": object_of(
            "An outcome for each text, in the order of the request.",
            {**head, "documents": {"type": "array", "items": reference("Document")}, **tail},
        ),
        "LabelsTaken": object_of(
            "How many labels were taken.",
            {
                "operation": {"type": "string"},
                "labels": {"type": "integer", "minimum": 1},
                "compared_after_days": {
                    "type": "integer",
                    "description": "So many days after a day its answers are held against their labels.",
                },
                "latency_milliseconds": tail["latency_milliseconds"],
            },
        ),
        "Advice": {"type": "object", "description": "Ranked options with reasons and costs."},
        "Error": object_of(
            "What was wrong.",
            {"code": {"type": "string"}, "message": {"type": "string"}, "field": STRING_OR_NULL},
        ),
        "Refusal": object_of("Why there is no answer.", {"error": reference("Error")}),
    }


def parameter(option: QueryOption, example: str | None) -> dict[str, Any]:
    """A query parameter."""
    shown = {} if example is None else {"example": typed(option, example)}
    listed = {"style": "form", "explode": False} if isinstance(option, Choices | Words | Regions) else {}
    return {
        "name": option.name,
        "in": "query",
        "description": option.description,
        "required": False,
        **listed,
        "schema": option.schema(),
        **shown,
    }


def typed(option: QueryOption, example: str) -> Any:
    """An example's value in the type of the option's schema."""
    kinds = {"integer": int, "number": float, "array": lambda listed: listed.split(","), "string": str}
    return kinds[option.schema()["type"]](example)


def request_body(operation: Operation, example: Any) -> dict[str, Any]:
    """The media types that an operation takes, with the limits in words."""
    body = operation.body
    as_json = {JSON_TYPE: {"schema": body_schema(operation), "example": example}}
    raw: dict[str, Any] = {}
    if isinstance(body, ImageBody):
        raw = {kind: {} for kind in IMAGE_TYPES}
    elif isinstance(body, TextBody):
        raw = {TEXT_TYPE: {"schema": {"type": "string"}}}
    return {"required": True, "description": taken(operation.body), "content": {**raw, **as_json}}


def body_schema(operation: Operation) -> dict[str, Any]:
    """The schema of an operation's body in JSON, with the languages that the operation itself takes."""
    schema = schema_of(operation.body)
    languages = [option.schema() for option in operation.options if option.name == LANGUAGE]
    if languages and LANGUAGE in schema.get("properties", {}):
        schema = {**schema, "properties": {**schema["properties"], LANGUAGE: languages[0]}}
    return schema


def operation_of(operation: Operation, example: dict[str, Any]) -> dict[str, Any]:
    """An operation's entry."""
    kinds = {TextsBody: "BatchAnswer", LabelsBody: "LabelsTaken", ObjectBody: "Advice"}
    kind = kinds.get(type(operation.body), "Answer")
    content: dict[str, Any] = {"schema": reference(kind)}
    if "answer" in example:
        content["example"] = {**example["answer"], "latency_milliseconds": LATENCY_MILLISECONDS}
    refusals = {status: {"$ref": f"#/components/responses/{status}"} for status in ERRORS}
    return {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.path.partition("/")[0]],
        "parameters": [
            *(parameter(option, example["query"].get(option.name)) for option in operation.options),
            *([{"$ref": "#/components/parameters/IdempotencyKey"}] if operation.service else []),
        ],
        # The query of the example, as it stands in an address.
        **({"x-example-query": example["query"]} if example["query"] else {}),
        "requestBody": request_body(operation, example["body"]),
        "responses": {"200": {"description": "The answer.", "content": {JSON_TYPE: content}}, **refusals},
    }


def refusal_responses() -> dict[str, Any]:
    """The answers to requests that fail, by status."""
    content = {JSON_TYPE: {"schema": reference("Refusal")}}
    responses = {status: {"description": words, "content": content} for status, words in ERRORS.items()}
    retry = {"description": "Seconds.", "schema": {"type": "integer"}}
    for status in ("409", "429", "503"):
        responses[status] = {**responses[status], "headers": {"Retry-After": retry}}
    return responses


def idempotency_key() -> dict[str, Any]:
    """The header that makes a request safe to send again."""
    repeating = ", ".join(operation.name for operation in OPERATIONS if operation.repeats_content)
    return {
        "name": KEY_HEADER,
        "in": "header",
        "description": (
            "The same key with the same request gets the same answer, and is charged once. Answers that repeat what "
            f"was sent ({repeating}) are kept nowhere, and such a request is only not answered twice at a time."
        ),
        "required": False,
        "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
    }


def document() -> dict[str, Any]:
    """The whole document."""
    by_name = examples()
    signature = {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "description": "AWS Signature Version 4 for the service execute-api.",
        "x-amazon-apigateway-authtype": "awsSigv4",
    }
    token = {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token of Cognito's, where the deployment wants one in place of a signature.",
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Recognition",
            "version": "1.0.0",
            "summary": "Rekognition, Comprehend and our own models behind one contract.",
            "description": (
                "Scores are from 0 to 1. Nothing that is sent is kept but labels; an answer is, for a while, "
                "where an Idempotency-Key or the deployment's cache asks for it."
            ),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [
            {
                "url": "https://{api}.execute-api.{region}.amazonaws.com/{stage}",
                "variables": {
                    "api": {"default": "api"},
                    "region": {"default": "us-east-1"},
                    "stage": {"default": "dev", "description": "The name of the deployment's environment."},
                },
            }
        ],
        "security": [{"signature": []}, {"token": []}],
        "paths": {
            f"/{operation.path}": {"post": operation_of(operation, by_name[operation.name])}
            for operation in OPERATIONS
        },
        "components": {
            "schemas": schemas(),
            "responses": refusal_responses(),
            "parameters": {"IdempotencyKey": idempotency_key()},
            "securitySchemes": {"signature": signature, "token": token},
        },
    }


def text() -> str:
    """The document as it is committed."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    refuse_arguments(__doc__)
    DOCUMENT.write_text(text(), encoding="utf-8")
