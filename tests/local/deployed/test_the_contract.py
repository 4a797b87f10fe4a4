"""Requests that Schemathesis makes of the committed OpenAPI document, right and wrong, to the deployed API."""

from __future__ import annotations

import json
import os
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
import requests
import schemathesis
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from lambdas.common.idempotency import KEY_HEADER
from tools.write_openapi import DOCUMENT

from .asking import jpeg

# Of each operation, right and wrong ones alike; `make test-nightly` asks for more.
FEW = 2
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", FEW))
COMMITTED = json.loads(DOCUMENT.read_text(encoding="utf-8"))
NAMES = [entry["post"]["operationId"] for entry in COMMITTED["paths"].values()]
CHECKS = [
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]
# What the embedded AWS, or a deployment without a classifier, cannot answer at all.
NOT_HERE = {"NoStandIn", "NoClassifier"}
WRONG_FORMS = {"InvalidOption", "UnknownOption", "InvalidRequest", "MalformedJson", "UnsupportedMediaType"}
# A document cannot say that an option stands in the query or in the body, or that one needs another.
UNSAID = ("is given twice.", "needs required_equipment.")

# A schema says nothing of an image's bytes.
PICTURES = st.sampled_from([jpeg((70, 70)), jpeg((80, 80)), b"no picture"])
for media_type in ("image/png", "image/jpeg"):
    schemathesis.openapi.media_type(media_type, PICTURES)


class Signed(requests.auth.AuthBase):
    """Signs a request as it goes out."""

    def __init__(self, session) -> None:
        self.signer = SigV4Auth(session.get_credentials(), "execute-api", session.region_name)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        # AWS computes the signature over a query in its one canonical form, and botocore over what it is given.
        place = urlsplit(request.url)
        query = urlencode(parse_qsl(place.query, keep_blank_values=True), quote_via=quote)
        request.url = place._replace(query=query).geturl()
        content_type = {"Content-Type": request.headers.get("Content-Type", "")}
        signed = AWSRequest(request.method, request.url, data=request.body, headers=content_type)
        self.signer.add_auth(signed)
        request.headers.update(dict(signed.headers))
        return request


def require_truth(answer) -> None:
    """No 5xx but one that says when to come again, or that this deployment has nobody to ask."""
    if answer.status_code < 500:
        return
    error = json.loads(answer.content)["error"]
    if answer.status_code == 503:
        assert "retry-after" in answer.headers, error
    else:
        assert (answer.status_code, error["code"] in NOT_HERE) == (501, True), error


def require_taken(answer) -> None:
    """No refusal of a form that the document calls right."""
    if answer.status_code in (400, 415):
        error = json.loads(answer.content)["error"]
        assert error["code"] not in WRONG_FORMS or error["message"].endswith(UNSAID), error


@pytest.fixture(scope="module")
def schema():
    """The document's operations."""
    return schemathesis.openapi.from_dict(COMMITTED)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", NAMES)
def test_whatever_is_sent_the_answer_is_one_that_the_document_promises(target, schema, name, mode):
    operation = schema.find_operation_by_label(f"POST {path_of(name)}")
    signed, url = Signed(target.session()), target.api_url()

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def ask(case) -> None:
        if mode is GenerationMode.POSITIVE:
            # It makes few different ones, and under one of them another request is refused before it is looked at.
            case.headers.pop(KEY_HEADER, None)
        answer = case.call(base_url=url, auth=signed, timeout=240)
        require_truth(answer)
        if mode is GenerationMode.POSITIVE:
            require_taken(answer)
        case.validate_response(answer, checks=CHECKS)

    ask()


def path_of(name: str) -> str:
    """An operation's path."""
    return next(path for path, entry in COMMITTED["paths"].items() if entry["post"]["operationId"] == name)
