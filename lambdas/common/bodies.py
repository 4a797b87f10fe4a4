"""Reads an image, a text or a sequence out of an API Gateway event, in the forms that the API takes, and checks it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, cast

from definitions.counts import counted
from definitions.image_files import DamagedImage, ImageHeader, UnreadableImage, read_header
from definitions.labels import LABEL_CHARACTERS, LABELS_AT_MOST, REQUEST_ID
from definitions.service_limits import Limit
from lambdas.common.content import (
    IMAGE_TYPES,
    JSON_TYPE,
    TEXT_TYPE,
    from_base64,
    json_value,
    raw_body,
    require_type,
    text_body,
)
from lambdas.common.errors import RequestRefused, bad_request, named, too_large

# Rekognition takes 5 MiB of image bytes in a request (Amazon Rekognition quotas), but Lambda takes only 6 MiB of event,
# in which API Gateway writes the body as base64, four bytes for three, beside the headers: what fits is the smaller.
IMAGE_BYTES = min(5 * 1024 * 1024, (6 * 1024 * 1024 - 128 * 1024) * 3 // 4)
IN_JSON = f"as base64 in JSON {IMAGE_BYTES * 3 // 4:,}"
# What the networks read are numbers of 32 bits.
LARGEST_FLOAT32 = 3.4028234663852886e38
LANGUAGE_CODE = {"type": "string", "pattern": "^[a-z]{2}(-[A-Z]{2})?$"}


@dataclass(frozen=True)
class ImageBody:
    """One image: the bytes themselves, or base64 in JSON.

    Attributes:
        least_pixels, most_pixels: of each side.
        most_area: pixels in all; a small file may unpack to any number.
        most_bytes: of the file.
    """

    least_pixels: int
    most_pixels: int | None = None
    most_area: int | None = None
    most_bytes: int = IMAGE_BYTES

    @classmethod
    def of(cls, limit: Limit) -> ImageBody:
        """The body of an operation of Rekognition's: what it takes, and what fits into an event."""
        most_bytes = min(limit.most_bytes, IMAGE_BYTES)
        return cls(limit.least_pixels, limit.most_pixels, most_bytes=most_bytes)


@dataclass(frozen=True)
class ImagePairBody:
    """Two images as base64 in JSON, `source` and `target`; `least_pixels` bounds each side of each."""

    least_pixels: int


@dataclass(frozen=True)
class TextBody:
    """One text, plain or in JSON, of at most `most_bytes` of UTF-8."""

    most_bytes: int


@dataclass(frozen=True)
class TextsBody:
    """At most `most_texts` texts in JSON, each of at most `most_bytes` of UTF-8."""

    most_bytes: int
    most_texts: int


@dataclass(frozen=True)
class SequenceBody:
    """One sequence of a sensor's readings in JSON: steps of as many channels each, `most_numbers` at most in all."""

    most_numbers: int


@dataclass(frozen=True)
class LabelsBody:
    """Labels by request id in JSON, with the name of the operation that answered; `operations` are those that keep."""

    operations: tuple[str, ...]


@dataclass(frozen=True)
class ObjectBody:
    """A JSON object that the operation checks itself."""


Body = ImageBody | ImagePairBody | TextBody | TextsBody | SequenceBody | LabelsBody | ObjectBody


@dataclass(frozen=True)
class ImageRequest:
    """An image as sent, with its media type."""

    content: bytes
    header: ImageHeader


@dataclass(frozen=True)
class TextRequest:
    """A text, and the code of its language where the body gives one."""

    text: str
    language_code: str | None


@dataclass(frozen=True)
class TextsRequest:
    """Texts as sent, each with the refusal that it deserves or None, and the code of their language if given."""

    texts: list[str]
    refusals: list[RequestRefused | None]
    language_code: str | None


def taken(body: Body) -> str:
    """What a body may be, as a sentence for callers."""
    match body:
        case ImageBody():
            most, area = body.most_pixels, body.most_area
            sides = f"from {body.least_pixels} to {most:,}" if most else f"of at least {body.least_pixels}"
            pixels = f"{sides} pixels, at most {area:,} in all" if area else f"{sides} pixels"
            return f"A PNG or JPEG of at most {body.most_bytes:,} bytes ({IN_JSON}), each side {pixels}."
        case ImagePairBody(least):
            return f"Two PNG or JPEG files ({IN_JSON}, both together), each side of at least {least} pixels."
        case TextBody(most):
            return f"A text of at most {most:,} bytes of UTF-8."
        case TextsBody(most, count):
            return f"1 to {count} texts, each of at most {most:,} bytes of UTF-8."
        case SequenceBody(most):
            return f"Steps with a number for every channel, at most {most:,} numbers of 32 bits in all."
        case LabelsBody():
            return (
                f"1 to {LABELS_AT_MOST:,} request ids of one operation's answers, each with its label of at most "
                f"{LABEL_CHARACTERS} characters."
            )
        case ObjectBody():
            return "A problem; a field that is wrong is named."


def schema_of(body: Body) -> dict[str, Any]:
    """The JSON Schema of a body that is sent as JSON."""
    base64_image = {"type": "string", "contentEncoding": "base64"}
    if isinstance(body, ImageBody):
        return object_of({"image": base64_image}, ["image"])
    if isinstance(body, ImagePairBody):
        return object_of({"source": base64_image, "target": base64_image}, ["source", "target"])
    if isinstance(body, TextBody):
        return object_of({"text": {"type": "string"}, "language_code": LANGUAGE_CODE}, ["text"])
    if isinstance(body, TextsBody):
        texts = {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "maxItems": body.most_texts,
        }
        return object_of({"texts": texts, "language_code": LANGUAGE_CODE}, ["texts"])
    if isinstance(body, SequenceBody):
        number = {"type": "number", "minimum": -LARGEST_FLOAT32, "maximum": LARGEST_FLOAT32}
        step = {"type": "array", "items": number, "minItems": 1}
        return object_of({"sequence": {"type": "array", "items": step, "minItems": 1}}, ["sequence"])
    if isinstance(body, LabelsBody):
        labels = {
            "type": "object",
            "description": "By request id, each of which is named once.",
            "minProperties": 1,
            "maxProperties": LABELS_AT_MOST,
            "propertyNames": {"pattern": f"^{REQUEST_ID}$"},
            "additionalProperties": {"type": "string", "minLength": 1, "maxLength": LABEL_CHARACTERS},
        }
        operation = {"type": "string", "enum": list(body.operations)}
        return object_of({"operation": operation, "labels": labels}, ["operation", "labels"])
    return {"type": "object"}


def object_of(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    """The schema of an object with these members and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def read_image(event: dict[str, Any], body: ImageBody) -> ImageRequest:
    """The image of a request: raw bytes with an image media type, or JSON `{"image": "<base64>"}`.

    Raises:
        RequestRefused: 400, 413 or 415 naming the field.
    """
    if require_type(event, *IMAGE_TYPES, JSON_TYPE) != JSON_TYPE:
        return checked_image(raw_body(event), "body", body)
    encoded = json_body(event, schema_of(body))["image"]
    return checked_image(from_base64(encoded, "image"), "image", body)


def read_image_pair(event: dict[str, Any], body: ImagePairBody) -> tuple[ImageRequest, ImageRequest]:
    """The two images of a request, source and target.

    Raises:
        RequestRefused: 400, 413 or 415 naming the field.
    """
    require_type(event, JSON_TYPE)
    fields = json_body(event, schema_of(body))
    each = ImageBody(body.least_pixels)
    source, target = (
        checked_image(from_base64(fields[name], name), name, each) for name in ("source", "target")
    )
    return source, target


def checked_image(content: bytes, field: str, body: ImageBody) -> ImageRequest:
    """The image with its header, or 400 or 413."""
    if not content:
        raise bad_request("EmptyImage", "The image is empty.", field)
    if len(content) > body.most_bytes:
        message = (
            f"The image has {len(content):,} bytes; at most {body.most_bytes:,} are taken. "
            "Shrink it: fewer pixels, or JPEG in the place of PNG."
        )
        raise too_large("ImageTooLarge", message, field)
    try:
        header = read_header(content)
    except DamagedImage as error:
        raise bad_request("DamagedImage", str(error), field) from error
    except UnreadableImage as error:
        raise bad_request("NotAnImage", str(error), field) from error
    size = f"The image is {header.width}×{header.height} pixels; each side"
    if min(header.width, header.height) < body.least_pixels:
        raise bad_request("ImageTooSmall", f"{size} needs at least {body.least_pixels}.", field)
    if body.most_pixels and max(header.width, header.height) > body.most_pixels:
        raise bad_request("ImageTooWide", f"{size} may have at most {body.most_pixels}. Shrink it.", field)
    if body.most_area and header.width * header.height > body.most_area:
        message = (
            f"The image has more than {body.most_area:,} pixels, which is the most that are taken. Shrink it."
        )
        raise bad_request("ImageTooWide", message, field)
    return ImageRequest(content, header)


def read_text(event: dict[str, Any], body: TextBody) -> TextRequest:
    """The text of a request: plain text, or JSON `{"text": "…", "language_code": "en"}`.

    Raises:
        RequestRefused: 400, 413 or 415 naming the field.
    """
    if require_type(event, TEXT_TYPE, JSON_TYPE) == TEXT_TYPE:
        text, language_code, field = text_body(event), None, "body"
    else:
        fields = json_body(event, schema_of(body))
        text, language_code, field = fields["text"], fields.get("language_code"), "text"
    if refused := refusal_of(text, field, body.most_bytes):
        raise refused
    return TextRequest(text, language_code)


def read_texts(event: dict[str, Any], body: TextsBody) -> TextsRequest:
    """The texts of a request in JSON; one that cannot be asked about does not keep the others from it.

    Raises:
        RequestRefused: 400 or 415 when there is no list of texts.
    """
    require_type(event, JSON_TYPE)
    fields = json_body(event, schema_of(body))
    texts = fields["texts"]
    refusals = [refusal_of(text, f"texts[{index}]", body.most_bytes) for index, text in enumerate(texts)]
    return TextsRequest(texts, refusals, fields.get("language_code"))


def read_sequence(event: dict[str, Any], body: SequenceBody) -> list[list[float]]:
    """The sequence of a request in JSON, `{"sequence": [[…], …]}`: steps, each with a number for every channel.

    Raises:
        RequestRefused: 400, 413 or 415 naming the field.
    """
    require_type(event, JSON_TYPE)
    steps = json_body(event, schema_of(body))["sequence"]
    channels = len(steps[0])
    for number, step in enumerate(steps, start=1):
        if len(step) != channels:
            has = counted(len(step), "channel")
            message = f"Step {number} of the sequence has {has}, and step 1 has {channels:,}."
            raise bad_request("InvalidSequence", message, "sequence")
    if len(steps) * channels > body.most_numbers:
        message = (
            f"The sequence has {len(steps) * channels:,} numbers; at most {body.most_numbers:,} are taken. "
            "Send it in parts."
        )
        raise too_large("SequenceTooLarge", message, "sequence")
    return steps


def refusal_of(text: str, field: str, most_bytes: int) -> RequestRefused | None:
    """Why a text cannot be asked about, or None."""
    if not text.strip():
        return bad_request("EmptyText", "The text is empty.", field)
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return bad_request(
            "InvalidText", "The text holds half of a surrogate pair, which is no character.", field
        )
    if "\0" in text:
        return bad_request("InvalidText", "The text holds a zero character, which no text has.", field)
    if size > most_bytes:
        message = f"The text has {size:,} bytes of UTF-8; at most {most_bytes:,} are taken. Send it in parts."
        return too_large("TextTooLarge", message, field)
    return None


def read_labels(event: dict[str, Any], body: LabelsBody) -> tuple[str, dict[str, str]]:
    """The operation that answered, and labels by request id: JSON `{"operation": "image-class", "labels": {…}}`.

    Raises:
        RequestRefused: 400 or 415 naming the field.
    """
    require_type(event, JSON_TYPE)
    fields = json_body(event, schema_of(body))
    return fields["operation"], fields["labels"]


def read_object(event: dict[str, Any]) -> dict[str, Any]:
    """The request's JSON object.

    Raises:
        RequestRefused: 400 or 415 naming the field.
    """
    require_type(event, JSON_TYPE)
    return json_body(event, schema_of(ObjectBody()))


def json_body(event: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The body as JSON that fits a schema; RequestRefused 400 or 415 where it is not."""
    fields = json_value(event)
    if mismatch := misfit(fields, schema):
        field, reason = mismatch
        raise bad_request("InvalidRequest", reason, field)
    return fields


def misfit(value: Any, schema: dict[str, Any]) -> tuple[str, str] | None:
    """The field at fault and a sentence that does not repeat its value; None where all fits.

    It knows the schemas of `schema_of`, and no others.
    """
    if not isinstance(value, dict):
        return "body", "The body has to be a JSON object."
    fields = cast(dict[str, Any], value)
    known = schema.get("properties")
    if known is None:
        return None
    for name in schema["required"]:
        if name not in fields:
            return name, f"The field {name} is missing."
    for name in fields:
        if name not in known:
            return "body", f"The body has a field{named(name, known)} that is not one of: {', '.join(known)}."
    for name, rule in known.items():
        if name not in fields:
            continue
        if rule["type"] == "array" and (mismatch := misfit_of_list(name, fields[name], rule)):
            return mismatch
        if rule["type"] == "string" and not isinstance(fields[name], str):
            return name, f"The field {name} has to be a text."
        if rule["type"] == "object" and (mismatch := misfit_of_labels(name, fields[name])):
            return mismatch
        if "enum" in rule and fields[name] not in rule["enum"]:
            return name, f"The field {name} has to be one of {', '.join(rule['enum'])}."
        if "pattern" in rule and not re.fullmatch(rule["pattern"], fields[name]):
            return name, f"The field {name} has to be a language code such as en or zh-TW."
    return None


def misfit_of_list(name: str, value: Any, rule: dict[str, Any]) -> tuple[str, str] | None:
    """The list, or the text in it, that is at fault, and a sentence; None where all fits."""
    if rule["items"]["type"] == "array":
        steps = "at least one step, each a list of at least one number that 32 bits hold"
        return None if is_sequence(value) else (name, f"The field {name} has to be a list of {steps}.")
    most: int = rule["maxItems"]
    if not isinstance(value, list) or not 1 <= len(texts := cast(list[Any], value)) <= most:
        return name, f"The field {name} has to be a list of 1 to {most} texts."
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            return f"{name}[{index}]", f"The field {name}[{index}] has to be a text."
    return None


def misfit_of_labels(name: str, value: Any) -> tuple[str, str] | None:
    """The member of labels by request id that is at fault, by its number, and a sentence; None where all fits."""
    if not isinstance(value, dict) or not 1 <= len(labels := cast(dict[str, Any], value)) <= LABELS_AT_MOST:
        return (
            name,
            f"The field {name} has to be an object of 1 to {LABELS_AT_MOST:,} request ids with labels.",
        )
    for number, (request_id, label) in enumerate(labels.items(), start=1):
        if not re.fullmatch(REQUEST_ID, request_id):
            meant = "a request's id: 72 printable ASCII characters at most, no space before them"
            return name, f"Member {number} of {name} has to be named by {meant}."
        if not isinstance(label, str) or not label.strip() or len(label) > LABEL_CHARACTERS:
            return name, f"Member {number} of {name} has to be a label of 1 to {LABEL_CHARACTERS} characters."
        if refused := refusal_of(label, name, len(label.encode("utf-8", "surrogatepass"))):
            return name, refused.message
    return None


def is_sequence(value: Any) -> bool:
    """Whether a value is a list of steps, each a list of numbers that 32 bits hold; JSON's true is none."""
    return (
        isinstance(value, list)
        and value != []
        and all(
            isinstance(step, list)
            and step != []
            and all(
                type(number) in (int, float) and abs(number) <= LARGEST_FLOAT32
                for number in cast(list[Any], step)
            )
            for step in cast(list[Any], value)
        )
    )
