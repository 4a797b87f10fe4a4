"""Query parameters: what botocore's service models know, bounded, and refused by name without repeating the value."""

from __future__ import annotations

import json
import re

import botocore.session
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.common.errors import RequestRefused
from lambdas.common.options import (
    Choice,
    Choices,
    Integer,
    QueryOption,
    Share,
    Words,
    read_options,
    request_members,
)
from lambdas.vision.operations import LABEL_OPTIONS, TEXT_OPTIONS

from .conftest import ASKING, BY_NAME, EXAMPLES, FUNCTION_OF

SESSION = botocore.session.get_session()
OPTIONS = [(name, option) for name in ASKING for option in BY_NAME[name].options]
# Which have options that no service gets.
WITH_OURS = {"image-class", "text-class", "sequence-class", "text-pii-redaction"}


def shape_of(name: str, option: QueryOption):
    """The shape of the service's member that an option fills."""
    operation = BY_NAME[name]
    shape = SESSION.get_service_model(operation.service).operation_model(operation.api).input_shape
    for member in option.member.split("."):
        shape = shape.members[member]
    return shape


@pytest.mark.parametrize(("name", "option"), OPTIONS, ids=lambda option: getattr(option, "name", option))
def test_an_option_is_one_of_the_service_s_own(name, option):
    if option.member is None:
        assert name in WITH_OURS
        return
    shape = shape_of(name, option)
    if isinstance(option, Choices):
        assert set(option.values) == set(shape.member.enum)
    elif isinstance(option, Choice):
        assert set(option.values) <= set(shape.enum)
    elif isinstance(option, Integer):
        assert shape.type_name == "integer"
        assert option.maximum <= shape.metadata.get("max", option.maximum)
    elif isinstance(option, Share):
        assert shape.metadata["max"] == option.scale


def test_the_kinds_of_personal_data_are_comprehend_s():
    (option,) = [
        option for option in BY_NAME["text-pii-redaction"].options if option.name == "pii_entity_types"
    ]
    kinds = SESSION.get_service_model("comprehend").shape_for("PiiEntityType").enum
    assert set(option.values) == set(kinds)


@pytest.mark.parametrize(("name", "option"), OPTIONS, ids=lambda option: getattr(option, "name", option))
def test_a_value_that_an_option_does_not_take_is_refused_by_the_option_s_name(name, option):
    names = {"-1", "1e3", "NaN", "ALL,ALL"} if isinstance(option, Words) else set()
    for value in {"", "-1", "1e3", "NaN", "٣", "<script>", "a" * 200, "ALL,ALL", "Cat,,Dog"} - names:
        with pytest.raises(RequestRefused) as refused:
            read_options([option], {"queryStringParameters": {option.name: value}})
        assert (refused.value.status, refused.value.code) == (400, "InvalidOption")
        assert refused.value.field == option.name
        assert option.name in refused.value.message


def test_a_bad_option_is_refused_before_the_body_is_looked_at(call):
    query = {"max_labels": "many"}
    status, answer, _ = call("vision", "/images/labels", b"no image", "image/png", query=query)
    assert (status, answer["error"]["field"]) == (400, "max_labels")
    assert answer["error"]["message"] == "The option max_labels has to be a whole number from 1 to 1000."


@pytest.mark.parametrize("name", BY_NAME)
def test_an_option_that_is_not_there_is_refused_with_those_that_are(call, name):
    operation = BY_NAME[name]
    body = json.dumps(EXAMPLES[name]["body"]).encode()
    status, answer, _ = call(
        FUNCTION_OF[name], f"/{operation.path}", body, "application/json", query={"smell": "1"}
    )
    assert (status, answer["error"]["code"]) == (400, "UnknownOption")
    assert all(option.name in answer["error"]["message"] for option in operation.options)


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ({"text": "Hola."}, {"language_code": ["es", "en"]}),
        ({"text": "Hola.", "language_code": "es"}, {"language_code": "es"}),
    ],
)
def test_an_option_that_is_given_twice_is_refused(call, body, query):
    content = json.dumps(body).encode()
    status, answer, _ = call("language", "/texts/entities", content, "application/json", query=query)
    assert (status, answer["error"]["field"]) == (400, "language_code")
    assert "twice" in answer["error"]["message"]


@pytest.mark.parametrize(
    ("path", "code"), [("pii", "de"), ("syntax", "ja"), ("toxicity", "es"), ("targeted-sentiment", "fr")]
)
def test_an_unknown_language_is_refused_before_anything_is_charged(call, path, code):
    body = json.dumps({"text": "Text.", "language_code": code}).encode()
    status, answer, _ = call("language", f"/texts/{path}", body, "application/json")
    assert (status, answer["error"]["field"]) == (400, "language_code")


def test_members_are_nested_as_the_service_wants_them():
    event = {"queryStringParameters": {"include_labels": "Cat,Dog", "max_dominant_colors": "3"}}
    settings = request_members(LABEL_OPTIONS, read_options(LABEL_OPTIONS, event))["Settings"]
    assert settings == {
        "GeneralLabels": {"LabelInclusionFilters": ["Cat", "Dog"]},
        "ImageProperties": {"MaxDominantColors": 3},
    }


@given(st.integers(0, 100))
def test_a_share_is_the_service_s_percent_exactly(percent):
    event = {"queryStringParameters": {"min_confidence": str(percent / 100)}}
    assert read_options(LABEL_OPTIONS, event)["min_confidence"] == percent


@pytest.mark.parametrize(
    ("written", "percent"),
    [("1e-05", 0.001), ("5E-1", 50), ("5e-324", 0), (".5", 50), ("1.", 100), ("1e0", 100)],
)
def test_a_share_is_read_as_programs_write_numbers(written, percent):
    event = {"queryStringParameters": {"min_confidence": written}}
    assert read_options(LABEL_OPTIONS, event)["min_confidence"] == percent


@pytest.mark.parametrize(
    "written", ["1e1", "1e", "1e999", "1.1", "+0.5", "-0", "0,5", ".", "0.5 ", "0." + "0" * 40]
)
def test_what_is_no_number_from_0_to_1_is_refused(written):
    for options, value in ((LABEL_OPTIONS, written), (TEXT_OPTIONS, f"0:0:1:{written}")):
        name = "min_confidence" if options is LABEL_OPTIONS else "regions"
        with pytest.raises(RequestRefused):
            read_options(options, {"queryStringParameters": {name: value}})


def texts_of(schema: dict) -> st.SearchStrategy[str]:
    """Query parameters that a schema of the API's document promises to be right."""
    match schema:
        case {"enum": values}:
            return st.sampled_from(values)
        case {"pattern": pattern}:
            return st.from_regex(
                re.compile(pattern.removeprefix("^").removesuffix("$"), re.ASCII), fullmatch=True
            )
        case {"type": "integer"}:
            return st.integers(schema["minimum"], schema["maximum"]).map(str)
        case {"type": "number"}:
            return st.floats(schema["minimum"], schema["maximum"]).map(str)
    longest = min(schema.get("maxItems", 5), 5)
    items = st.lists(texts_of(schema["items"]), min_size=schema["minItems"], max_size=longest)
    return items.filter(lambda values: len(set(values)) == len(values) or not schema.get("uniqueItems")).map(
        ",".join
    )


@pytest.mark.parametrize(("name", "option"), OPTIONS, ids=lambda option: getattr(option, "name", option))
@settings(max_examples=30)
@given(st.data())
def test_what_the_document_promises_of_an_option_is_taken(name, option, data):
    query = {option.name: data.draw(texts_of(option.schema()))}
    assert option.name in read_options([option], {"queryStringParameters": query})


@given(st.text(max_size=80), st.sampled_from([*LABEL_OPTIONS, *TEXT_OPTIONS]))
def test_any_text_for_an_option_is_taken_or_refused_and_never_crashes(text, option):
    try:
        read_options([option], {"queryStringParameters": {option.name: text}})
    except RequestRefused as refused:
        assert (refused.status, refused.field) == (400, option.name)
