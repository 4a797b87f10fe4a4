"""The services' operations are wrapped whole: what can be asked and all that is answered, but for what is named."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.model import Shape

from lambdas.common.answers import Result
from lambdas.common.bodies import ImageBody, ImagePairBody
from lambdas.common.operations import Operation
from lambdas.language.operations import targeted_sentiments
from lambdas.vision.operations import equipment

from .conftest import BY_NAME

SESSION = botocore.session.get_session()
MANAGED = [name for name, operation in BY_NAME.items() if operation.service in ("rekognition", "comprehend")]
WRAPPED = {
    "DetectLabels", "DetectText", "DetectFaces", "CompareFaces", "DetectModerationLabels", "DetectProtectiveEquipment",
    "RecognizeCelebrities", "DetectDominantLanguage", "DetectSentiment", "DetectTargetedSentiment", "DetectEntities",
    "DetectKeyPhrases", "DetectSyntax", "DetectPiiEntities", "DetectToxicContent", "ClassifyDocument",
    "BatchDetectDominantLanguage", "BatchDetectSentiment", "BatchDetectTargetedSentiment", "BatchDetectEntities",
    "BatchDetectKeyPhrases", "BatchDetectSyntax",
}  # fmt: skip
# What docs/api.md names as not wrapped: human review, adapters, custom entity recognition, the readers of documents.
NOT_ASKED = {
    "DetectModerationLabels": {"HumanLoopConfig", "ProjectVersion"},
    "DetectEntities": {"EndpointArn", "Bytes", "DocumentReaderConfig"},
    "ClassifyDocument": {"Bytes", "DocumentReaderConfig"},
}
# Members that our format tells otherwise: by the model's version, by the best result, by the span in the caller's own
# text, or by the nesting. And what comes of documents alone, which are not wrapped.
TOLD_OTHERWISE = {
    "DetectLabels": {"LabelModelVersion"},
    "DetectText": {"TextModelVersion", "TextDetections.Id", "TextDetections.ParentId", "TextDetections.Type"},
    "DetectModerationLabels": {"ModerationModelVersion"},
    "DetectProtectiveEquipment": {"ProtectiveEquipmentModelVersion"},
    "DetectSentiment": {"Sentiment"},
    "DetectTargetedSentiment": {
        "Entities.DescriptiveMentionIndex",
        "Entities.Mentions.Text",
        "Entities.Mentions.MentionSentiment.Sentiment",
    },
    "DetectEntities": {
        "Entities.Text",
        "Entities.BlockReferences",
        "DocumentMetadata",
        "DocumentType",
        "Blocks",
        "Errors",
    },
    "DetectKeyPhrases": {"KeyPhrases.Text"},
    "DetectSyntax": {"SyntaxTokens.TokenId", "SyntaxTokens.Text"},
    # A classifier gives classes or labels, and pages of documents alone.
    "ClassifyDocument": {"Labels", "Classes.Page", "DocumentMetadata"},
}


def model_of(operation: Operation) -> Any:
    return SESSION.get_service_model(operation.service).operation_model(operation.api)


def asked_members(operation: Operation) -> set[str]:
    """The members of the service's request that a caller fills."""
    options = {option.member.partition(".")[0] for option in operation.options if option.member}
    if isinstance(operation.body, ImagePairBody):
        return options | {"SourceImage", "TargetImage"}
    if isinstance(operation.body, ImageBody):
        return options | {"Image"}
    if operation.api == "ClassifyDocument":
        return options | {"Text", "EndpointArn"}
    several = "TextSegments" if operation.api == "DetectToxicContent" else "TextList"
    return options | ({several} & set(model_of(operation).input_shape.members) or {"Text"})


def leaves(shape: Shape, path: str = "") -> Iterator[str]:
    """The dotted paths of the members at the ends of a structure."""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield from leaves(member, f"{path}.{name}".lstrip("."))
    elif shape.type_name == "list":
        yield from leaves(shape.member, path)
    else:
        yield path


def filled(shape: Shape, marks: dict[str, Any], counter: Iterator[int], path: str = "") -> Any:
    """An answer with every member there, each leaf with a value of its own, which `marks` keeps by its path."""
    if shape.type_name == "structure":
        return {
            name: filled(member, marks, counter, f"{path}.{name}".lstrip("."))
            for name, member in shape.members.items()
        }
    if shape.type_name == "list":
        return [filled(shape.member, marks, counter, path)]
    number = next(counter)
    kinds = {
        "string": f"mark {number}",
        "boolean": True,
        "integer": 100_000 + number,
        "long": 100_000 + number,
    }
    marks[path] = kinds.get(shape.type_name, 10 + number / 1_000)
    return marks[path]


def told(results: list[Result], details: dict[str, Any]) -> set[Any]:
    """Every value in a reading; what the services write in percent is a share there."""

    def values(name: Any) -> Iterator[Any]:
        if isinstance(name, dict | list):
            for inner in name.values() if isinstance(name, dict) else name:
                yield from values(inner)
        else:
            yield name

    values_told = set(values([[result.as_json() for result in results], details]))
    return values_told | {round(name * 100, 9) for name in values_told if isinstance(name, float)}


def as_the_service_writes(operation: Operation, answer: dict[str, Any]) -> dict[str, Any]:
    """The filled answer with the words and the nesting that our reading goes by."""
    if operation.api == "DetectText":
        (line,) = answer["TextDetections"]
        word = json.loads(json.dumps(line))
        answer["TextDetections"] = [
            {**line, "Type": "LINE"},
            {**word, "Type": "WORD", "ParentId": line["Id"]},
        ]
    if operation.api == "DetectTargetedSentiment":
        answer["Entities"][0]["Mentions"][0]["MentionSentiment"]["Sentiment"] = "POSITIVE"
    return answer


def test_every_operation_of_the_specification_is_wrapped():
    assert {BY_NAME[name].api for name in MANAGED} == WRAPPED


@pytest.mark.threat
@pytest.mark.parametrize("name", MANAGED)
def test_whatever_the_service_can_be_asked_a_caller_can_ask_but_for_what_is_named(name):
    operation = BY_NAME[name]
    members = set(model_of(operation).input_shape.members)
    assert members - asked_members(operation) == NOT_ASKED.get(operation.api, set())


@pytest.mark.parametrize("name", MANAGED)
def test_an_option_reaches_every_member_below_its_structure(name):
    """DetectLabels has a filter for labels and one for categories: each is an option of its own."""
    operation = BY_NAME[name]
    shape = model_of(operation).input_shape
    given = {option.member for option in operation.options if option.member}
    nested = {
        leaf for leaf in leaves(shape) if leaf.partition(".")[0] in {m.partition(".")[0] for m in given}
    }
    reached = {name for name in nested if any(name == m or name.startswith(f"{m}.") for m in given)}
    assert nested == reached


@pytest.mark.parametrize("name", [name for name in MANAGED if BY_NAME[name].read and "batch" not in name])
def test_nothing_that_the_service_says_is_lost_but_what_is_told_otherwise(name):
    operation = BY_NAME[name]
    marks: dict[str, Any] = {}
    answer = filled(model_of(operation).output_shape, marks, itertools.count(1))
    reading = operation.read(as_the_service_writes(operation, answer))
    otherwise = TOLD_OTHERWISE.get(operation.api, set())
    wanted = {
        path: mark
        for path, mark in marks.items()
        if not any(path == name or path.startswith(f"{name}.") for name in otherwise)
    }
    values_told = told(reading.results, reading.details)
    assert {path for path, mark in wanted.items() if mark not in values_told} == set()


@pytest.mark.parametrize("name", [name for name in MANAGED if BY_NAME[name].api.startswith("Batch")])
def test_an_item_of_a_batch_says_what_the_single_operation_says(name):
    """So the two are read alike, and the list of errors is all that a batch has beside it."""
    single = model_of(BY_NAME[name.removesuffix("-batch")]).output_shape.members
    batch = model_of(BY_NAME[name]).output_shape.members
    assert set(batch) == {"ResultList", "ErrorList"}
    documents = {"DocumentMetadata", "DocumentType", "Blocks", "Errors"}
    assert set(batch["ResultList"].member.members) - {"Index"} == set(single) - documents
    assert set(batch["ErrorList"].member.members) == {"Index", "ErrorCode", "ErrorMessage"}


@pytest.mark.parametrize("service", ["rekognition", "comprehend"])
def test_no_wrapped_operation_gives_its_answer_in_pages(service):
    client = boto3.client(service, "us-east-1")
    wrapped = [BY_NAME[name] for name in MANAGED if BY_NAME[name].service == service]
    assert [name.api for name in wrapped if client.can_paginate(name.method)] == []
    members = {member for name in wrapped for member in model_of(name).output_shape.members}
    assert not members & {"NextToken", "PaginationToken"}


def test_of_the_mentions_of_a_thing_the_ones_that_describe_it_best_are_marked():
    scores = {"Positive": 0.7, "Negative": 0.1, "Neutral": 0.1, "Mixed": 0.1}
    mention = {
        "Text": "it",
        "Type": "OTHER",
        "Score": 0.9,
        "BeginOffset": 0,
        "EndOffset": 2,
        "MentionSentiment": {"Sentiment": "POSITIVE", "SentimentScore": scores},
    }
    answer = {"Entities": [{"DescriptiveMentionIndex": [1], "Mentions": [mention, mention]}]}
    marks = [result.details["descriptive"] for result in targeted_sentiments(answer).results]
    assert marks == [False, True]


def test_each_part_of_a_persons_body_is_told():
    box = {"Left": 0.1, "Top": 0.1, "Width": 0.2, "Height": 0.2}
    parts = [{"Name": name, "Confidence": 90.0, "EquipmentDetections": []} for name in ("FACE", "HEAD")]
    person = {"Id": 0, "Confidence": 99.0, "BoundingBox": box, "BodyParts": parts}
    (result,) = equipment({"Persons": [person]}).results
    assert [body_part["name"] for body_part in result.details["body_parts"]] == ["FACE", "HEAD"]
