"""The typed client against the handlers themselves, its signature against a second reckoning of it."""

from __future__ import annotations

import base64
import inspect
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import numpy as np
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.stub import ANY

from lambdas.common.bodies import ImageBody, ImagePairBody, ObjectBody, SequenceBody, TextBody
from recognition_client import (
    Answer,
    RecognitionClient,
    RecognitionRefused,
    Reply,
    SignedTransport,
    Unreachable,
)
from recognition_client import recognition as recognition_module
from recognition_client.operations import Operations
from recognition_client.transport import TokenTransport, proxies_of
from tools.markdown import ROOT
from tools.write_client import MODULE, source

from ..lambdas.conftest import (
    ASKING,
    BY_NAME,
    EXAMPLES,
    FUNCTION_OF,
    asked_of,
    call,  # noqa: F401 - fixtures
    environment,  # noqa: F401
    service,  # noqa: F401
    service_answer,
)
from ..lambdas.test_openapi import ENTRIES

PAGES = (ROOT / "docs" / "api.md", ROOT / "client" / "README.md")
CREDENTIALS = Credentials("AKIDEXAMPLE", "secret", "token")


@pytest.fixture
def client(call) -> RecognitionClient:  # noqa: F811
    """A client whose requests go straight to the handlers."""
    function_of = {operation.path: FUNCTION_OF[name] for name, operation in BY_NAME.items()}

    def send(path, query, body, headers) -> Reply:
        kind = headers["Content-Type"]
        status, body_sent, _ = call(function_of[path], f"/{path}", body, kind, query=dict(query))
        return Reply(status, body_sent)

    return RecognitionClient(send, patience_seconds=0)


def arguments(name: str) -> tuple[list, dict]:
    """An example as a Python caller writes it: what is asked about, and the options in their types."""
    example, body = EXAMPLES[name], BY_NAME[name].body
    sent = example["body"]
    if isinstance(body, ImageBody):
        subjects = [base64.b64decode(sent["image"])]
    elif isinstance(body, ImagePairBody):
        subjects = [base64.b64decode(sent[side]) for side in ("source", "target")]
    elif isinstance(body, ObjectBody):
        subjects = [sent]
    elif isinstance(body, SequenceBody):
        subjects = [sent["sequence"]]
    else:
        subjects = [sent["text"] if isinstance(body, TextBody) else sent["texts"]]
    options = {
        parameter["name"]: parameter["example"]
        for parameter in ENTRIES[name][1]["parameters"]
        if "example" in parameter
    }
    return subjects, options


def test_the_methods_are_those_of_the_table():
    assert MODULE.read_text(encoding="utf-8") == source(), "Run: make generate"
    methods = {name for name, _ in inspect.getmembers(Operations, inspect.isfunction)}
    assert methods >= {name.replace("-", "_") for name in BY_NAME}


@pytest.mark.parametrize("name", ASKING)
def test_a_method_asks_as_the_example_does_and_gives_its_answer_typed(client, service, name):  # noqa: F811
    operation, expected = BY_NAME[name], EXAMPLES[name]["answer"]
    service(operation.service).add_response(operation.method, service_answer(operation), asked_of(operation))
    subjects, options = arguments(name)
    answer = getattr(client, name.replace("-", "_"))(*subjects, **options)
    assert (answer.operation, answer.backend) == (name, expected["backend"])
    assert (answer.cost.units, answer.cost.usd) == (expected["cost"]["units"], expected["cost"]["usd"])
    for typed, wanted in zip(
        getattr(answer, "documents", [answer]), expected.get("documents", [expected]), strict=True
    ):
        assert [(result.label, result.score, result.box, result.span) for result in typed.results] == [
            (result["label"], result["score"], result.get("box"), result.get("span"))
            for result in wanted.get("results", [])
        ]
        if "error" in wanted:
            assert typed.error.code == wanted["error"]["code"]


def test_labels_are_told_as_the_example_does(client, service):  # noqa: F811
    told = EXAMPLES["labels"]["body"]
    service("s3").add_response("put_object", {}, {"Bucket": "data", "Key": ANY, "Body": ANY})
    assert client.labels(told["operation"], told["labels"])["labels"] == len(told["labels"])
    with pytest.raises(TypeError, match="A label is of type int"):
        client.labels(told["operation"], {"one": 1})


def test_advice_comes_as_it_is(client):
    (problem,), _ = arguments("advise")
    assert client.advise(problem)["options"][0]["id"] == "comprehend.detect_sentiment"


def test_a_refusal_is_an_exception_with_the_field(client):
    with pytest.raises(RecognitionRefused) as refused:
        client.image_labels(b"no image")
    assert (refused.value.status, refused.value.code, refused.value.field) == (400, "NotAnImage", "body")
    with pytest.raises(RecognitionRefused, match="from 1 to 1000"):
        client.image_labels(b"\x89PNG", max_labels=0)


def replies(*scripted: Reply) -> tuple[Callable[..., Reply], list]:
    """A transport that gives these replies in turn, and the list of what it was asked."""
    left, asked = list(scripted), []

    def send(*request) -> Reply:
        asked.append(request)
        return left.pop(0)

    return send, asked


BUSY = Reply(503, {"error": {"code": "ServiceThrottled", "message": "Busy.", "field": None}}, 7.0)
GATEWAY_BUSY = Reply(429, {"message": "Too Many Requests"})
IN_PROGRESS = Reply(
    409, {"error": {"code": "RequestInProgress", "message": "In progress.", "field": None}}, 2.0
)
GOOD = Reply(200, {**EXAMPLES["text-sentiment"]["answer"], "latency_milliseconds": 1.0})


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    """The pauses between tries, of which no time passes but the client's."""
    taken: list[float] = []
    clock = SimpleNamespace(sleep=taken.append, monotonic=lambda: sum(taken))
    monkeypatch.setattr(recognition_module, "time", clock)
    return taken


def test_what_may_succeed_later_is_tried_again_after_the_time_that_the_api_names(pauses):
    send, asked = replies(BUSY, GATEWAY_BUSY, GOOD)
    assert RecognitionClient(send).text_sentiment("Good.").results[0].label == "positive"
    assert pauses == [7.0, 2.0]
    assert asked[0] == asked[1] == asked[2]
    assert asked[0][3]["Idempotency-Key"]


def test_an_answer_that_is_paid_for_is_waited_for_as_long_as_the_function_may_work(pauses):
    send, asked = replies(*[IN_PROGRESS] * 14, GOOD)
    assert RecognitionClient(send).text_sentiment("Good.").results
    assert sum(pauses) == 28


def test_a_lost_answer_is_asked_for_again_with_the_same_key(pauses):
    keys = []

    def send(path, query, body, headers) -> Reply:
        keys.append(headers["Idempotency-Key"])
        if len(keys) == 1:
            raise Unreachable("The connection was reset.")
        return GOOD

    client = RecognitionClient(send)
    client.text_sentiment("Good.")
    client.text_sentiment("Good.")
    assert keys[0] == keys[1] != keys[2]


def test_the_last_refusal_before_the_patience_ends_is_the_callers(pauses):
    send, asked = replies(BUSY, BUSY, GATEWAY_BUSY)
    with pytest.raises(RecognitionRefused, match="429 Refused: Too Many Requests"):
        RecognitionClient(send, patience_seconds=15).text_sentiment("Good.")
    assert pauses == [7.0, 7.0]


def test_a_network_that_is_not_released_is_not_waited_for(pauses):
    error = {"error": {"code": "ModelNotReleased", "message": "None is released.", "field": None}}
    send, asked = replies(Reply(503, error, 5.0))
    with pytest.raises(RecognitionRefused, match="None is released"):
        RecognitionClient(send).text_class("A film.")
    assert (len(asked), pauses) == (1, [])


def test_an_endpoint_without_an_instance_is_an_option_of_the_method(pauses):
    error = {"error": {"code": "RequestInProgress", "message": "Not yet.", "field": "Idempotency-Key"}}
    send, asked = replies(*[Reply(409, error, 5.0)] * 2, GOOD)
    client = RecognitionClient(send, patience_seconds=3600)
    assert client.text_class("A film.", endpoint="asynchronous").results[0].label == "positive"
    assert [query for _, query, _, _ in asked] == [{"endpoint": "asynchronous"}] * 3
    assert len({headers["Idempotency-Key"] for *_, headers in asked}) == 1


def test_an_api_that_does_not_come_back_is_given_up_when_the_patience_ends(pauses):
    def send(*_) -> Reply:
        raise Unreachable("The connection was refused.")

    with pytest.raises(Unreachable):
        RecognitionClient(send).text_sentiment("Good.")
    assert pauses == [1.0, 2.0, 4.0, *[8.0] * 6]


def test_a_refusal_of_the_apis_own_without_a_time_is_for_good(pauses):
    spent = {"error": {"code": "BudgetSpent", "message": "The budget is spent.", "field": None}}
    send, asked = replies(Reply(503, spent))
    with pytest.raises(RecognitionRefused, match="BudgetSpent"):
        RecognitionClient(send).text_sentiment("Good.")
    assert pauses == []


WRONG = {
    "a text for texts": ("text_sentiment_batch", ["Good."], "texts is of type str; a list of str is meant"),
    "bytes for texts": ("text_sentiment_batch", [b"Good."], "texts is of type bytes; a list of str is meant"),
    "a number in texts": (
        "text_sentiment_batch",
        [["Good.", 5]],
        r"texts\[1\] is of type int; a str is meant",
    ),
    "bytes for a text": ("text_sentiment", [b"Good."], "text is of type bytes; a str is meant"),
    "a path for an image": ("image_labels", ["cat.jpg"], "image is of type str; the file's bytes"),
    "a path for a pair": (
        "image_compare_faces",
        [b"a", "cat.jpg"],
        "target is of type str; the file's bytes",
    ),
    "digits for a sequence": ("sequence_class", ["123"], "sequence is no steps"),
    "digits for a step": ("sequence_class", [["123"]], "sequence is no steps"),
    "a number for a sequence": ("sequence_class", [5], "sequence is no steps"),
    "a gap in a step": ("sequence_class", [[[1.0, None]]], "sequence is no steps"),
    "a text for a problem": ("advise", ["{}"], "problem is of type str; a mapping is meant"),
    "a set in a problem": ("advise", [{"a": {1}}], "problem cannot be written in JSON: Object of type set"),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_argument_of_another_type_is_refused_before_anything_is_sent(case):
    method, given, words = WRONG[case]
    send, asked = replies()
    with pytest.raises(TypeError, match=words):
        getattr(RecognitionClient(send), method)(*given)
    assert asked == []


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"include_labels": {"Cat"}}, "include_labels is of type set"),
        ({"include_labels": [1, 2]}, r"include_labels\[0\] is of type int; a str is meant"),
        ({"include_labels": b"Cat"}, "include_labels is of type bytes"),
        ({"min_confidence": True}, "min_confidence is of type bool"),
    ],
)
def test_an_option_that_cannot_be_written_is_refused_before_anything_is_sent(option, words):
    send, asked = replies()
    with pytest.raises(TypeError, match=words):
        RecognitionClient(send).image_labels(b"image", **option)
    assert asked == []


@pytest.mark.parametrize(
    ("given", "written"),
    [(0.00001, "0.00001"), (1, "1"), (np.float32(0.5), "0.5"), (np.int64(7), "7"), (1e-12, "0")],
)
def test_a_number_is_written_without_an_exponent_whoever_it_is_of(given, written):
    send, asked = replies(GOOD)
    RecognitionClient(send).image_labels(b"image", min_confidence=given)
    ((_, query, _, _),) = asked
    assert query == {"min_confidence": written}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400])
def test_a_reading_that_is_no_number_is_refused_before_anything_is_sent(value):
    send, asked = replies()
    with pytest.raises(ValueError, match="a NaN or an infinity|too large for a float"):
        RecognitionClient(send).sequence_class([[1.0], [value]])
    assert asked == []


def test_a_problem_or_an_option_that_is_no_number_is_refused_before_it_is_sent():
    send, asked = replies()
    with pytest.raises(ValueError, match="problem cannot be written in JSON"):
        RecognitionClient(send).advise({"requests_per_month": float("nan")})
    with pytest.raises(ValueError, match="min_confidence is nan, which is no number"):
        RecognitionClient(send).image_labels(b"image", min_confidence=float("nan"))
    assert asked == []


def test_a_pause_of_hours_is_the_callers_to_wait(monkeypatch):
    clock = SimpleNamespace(sleep=lambda _: pytest.fail("it waits"), monotonic=time.monotonic)
    monkeypatch.setattr(recognition_module, "time", clock)
    spent = Reply(429, {"error": {"code": "BudgetSpent", "message": "Spent.", "field": None}}, 2_000.0)
    send, asked = replies(spent)
    with pytest.raises(RecognitionRefused, match="BudgetSpent"):
        RecognitionClient(send).text_sentiment("Good.")
    assert len(asked) == 1


def test_a_refusal_that_will_not_change_is_not_tried_again():
    send, asked = replies(Reply(400, {"error": {"code": "EmptyText", "message": "Empty.", "field": "text"}}))
    with pytest.raises(RecognitionRefused, match="Empty"):
        RecognitionClient(send).text_sentiment(" ")
    assert len(asked) == 1


@pytest.fixture
def server():
    """A server on this machine that keeps the requests it gets and answers what `body` holds."""

    class Handler(BaseHTTPRequestHandler):
        requests: list = []
        status, body = 503, b'{"message": "heard"}'

        def do_POST(self):
            content = self.rfile.read(int(self.headers["Content-Length"]))
            self.requests.append((self.path, dict(self.headers), content))
            self.send_response(self.status)
            self.send_header("Retry-After", "5")
            self.end_headers()
            self.wfile.write(self.body)

        def log_message(self, *_):
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running, Handler
        running.shutdown()
        thread.join()


def test_a_request_is_signed_over_its_query_and_body(server):
    running, handler = server
    url = f"http://127.0.0.1:{running.server_port}/dev/"
    send = SignedTransport(url, CREDENTIALS, "eu-central-1")
    reply = send(
        "images/labels", {"include_labels": "Stop Sign,Car"}, b"bytes", {"Content-Type": "image/png"}
    )
    assert (reply.status, reply.body, reply.retry_after_seconds) == (503, {"message": "heard"}, 5.0)
    ((path, headers, content),) = handler.requests
    assert (path, content) == ("/dev/images/labels?include_labels=Stop%20Sign%2CCar", b"bytes")
    again = AWSRequest(
        "POST",
        f"http://127.0.0.1:{running.server_port}{path}",
        data=content,
        headers={"Content-Type": "image/png"},
    )
    again.context["timestamp"] = headers["X-Amz-Date"]
    again.headers["X-Amz-Date"] = headers["X-Amz-Date"]
    again.headers["X-Amz-Security-Token"] = "token"
    signer = SigV4Auth(CREDENTIALS, "execute-api", "eu-central-1")
    expected = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
    assert headers["Authorization"].endswith(f"Signature={expected}")
    assert "/eu-central-1/execute-api/" in headers["Authorization"]


ACCOUNT = """--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" --header "x-amz-security-token: $AWS_SESSION_TOKEN\""""


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("keys", ["--config build/embedded/keys.curl", ACCOUNT], ids=["embedded", "account"])
def test_the_curl_of_the_page_signs_as_botocore_does(server, tmp_path, keys):
    running, handler = server
    (line,) = re.findall(r"\$ (curl .*)", PAGES[0].read_text(encoding="utf-8"))
    (tmp_path / "build" / "embedded").mkdir(parents=True)
    (tmp_path / "build" / "embedded" / "keys.curl").write_text('user = "AKIDEXAMPLE:secret"\n')
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    url = f"http://127.0.0.1:{running.server_port}/dev"
    secrets = {
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
    }
    words = line.replace("--config build/embedded/keys.curl", keys)
    subprocess.run(["bash", "-c", words], env={**os.environ, **secrets, "url": url}, cwd=tmp_path, check=True)
    ((path, headers, content),) = handler.requests
    assert (path, content, headers["Content-Type"]) == (
        "/dev/images/labels?max_labels=5",
        b"\xff\xd8\xff",
        "image/jpeg",
    )
    signed = re.search("SignedHeaders=([^,]+)", headers["Authorization"])[1].split(";")
    lower = {name.lower(): value for name, value in headers.items()}
    again = AWSRequest(
        "POST",
        f"{url}{path.removeprefix('/dev')}",
        data=content,
        headers={name: lower[name] for name in signed},
    )
    again.context["timestamp"] = headers["X-Amz-Date"]
    signer = SigV4Auth(CREDENTIALS, "execute-api", "us-east-1")
    expected = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
    assert headers["Authorization"].endswith(f"Signature={expected}")


def test_an_api_that_is_not_there_or_speaks_no_json_is_unreachable(server):
    running, handler = server
    handler.body = b"<html>"
    url = f"http://127.0.0.1:{running.server_port}"
    headers = {"Content-Type": "application/json"}
    with pytest.raises(Unreachable, match="503 with something other than JSON"):
        SignedTransport(url, CREDENTIALS, "us-east-1")("advise", {}, b"{}", headers)
    with pytest.raises(Unreachable, match="could not be asked: EndpointConnectionError"):
        SignedTransport("http://127.0.0.1:1", CREDENTIALS, "us-east-1")("advise", {}, b"{}", headers)


FOREIGN = {
    "a list": (503, b'["x"]', Unreachable, "503 with JSON that is no object"),
    "nothing": (200, b"null", Unreachable, "200 with JSON that is no object"),
    "a nest": (200, b"[" * 100_000, Unreachable, "200 with something other than JSON"),
    "an empty object": (200, b"{}", Unreachable, "its JSON is no answer"),
    "another object": (
        200,
        b'{"operation": "a", "backend": 1, "model": 2}',
        Unreachable,
        "its JSON is no answer",
    ),
    "an error of words": (500, b'{"error": "oops"}', RecognitionRefused, "500 Refused: oops"),
    "an error without words": (500, b'{"error": {}}', RecognitionRefused, "500 Refused: No reason given"),
    "a message of numbers": (500, b'{"message": 5}', RecognitionRefused, "500 Refused: No reason given"),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_an_answer_that_is_not_the_apis_is_an_error_of_the_clients_own(server, case):
    running, handler = server
    handler.status, handler.body, kind, words = FOREIGN[case]
    client = RecognitionClient.signed(
        f"http://127.0.0.1:{running.server_port}", CREDENTIALS, "us-east-1", patience_seconds=0
    )
    for ask in (client.text_sentiment, lambda text: client.text_sentiment_batch([text])):
        with pytest.raises(kind, match=words):
            ask("Good.")


@pytest.mark.parametrize("url", ["api.example/dev", "localhost:4566/dev", "", "https://", "ftp://a/b", None])
def test_an_address_that_is_none_is_refused_before_anything_is_sent(url):
    words = "the API's address is meant, such as https://"
    with pytest.raises(ValueError, match=words):
        SignedTransport(url, CREDENTIALS, "us-east-1")
    with pytest.raises(ValueError, match=words):
        TokenTransport(url, lambda: "token")


def test_a_token_is_asked_for_anew_for_each_request_and_an_api_key_goes_with_it(server):
    running, handler = server
    tokens = iter(["first", "second"])
    client = RecognitionClient.with_token(
        f"http://127.0.0.1:{running.server_port}", lambda: next(tokens), api_key="key", patience_seconds=0
    )
    for _ in range(2):
        with pytest.raises(RecognitionRefused):
            client.text_sentiment("Good.")
    sent = [(headers["Authorization"], headers["x-api-key"]) for _, headers, _ in handler.requests]
    assert sent == [("Bearer first", "key"), ("Bearer second", "key")]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_no_proxy_is_asked_for_an_address_of_this_machine(monkeypatch, host):
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "")
    assert proxies_of(f"http://{host}:4566/dev/texts/sentiment") == {}
    assert proxies_of("http://api.example/dev/texts/sentiment") == {"http": "http://proxy:3128"}


def test_a_netrc_replaces_no_authorization(server, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login anonymous password secret")
    monkeypatch.setenv("NETRC", str(netrc))
    running, handler = server
    address = f"http://127.0.0.1:{running.server_port}"
    for send in (
        TokenTransport(address, lambda: "token"),
        SignedTransport(address, CREDENTIALS, "us-east-1"),
    ):
        send("texts/sentiment", {}, b"{}", {})
    first, second = (headers["Authorization"] for _, headers, _ in handler.requests)
    assert (first, second.split()[0]) == ("Bearer token", "AWS4-HMAC-SHA256")


def test_less_patience_than_none_is_refused():
    with pytest.raises(ValueError, match="patience_seconds is -1; it is 0 or more"):
        RecognitionClient(lambda *_: Reply(200, {}), patience_seconds=-1)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.parametrize("results", [[], [{"label": "Dog", "score": 0.9}]], ids=["nothing", "a dog"])
def test_the_example_of_a_page_runs_whatever_was_recognised(page, results, tmp_path, monkeypatch, capsys):
    """Its first block in an account, its second with the keys of the embedded AWS."""
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    url, sent = "https://api.example/dev", []
    parameters = SimpleNamespace(get_parameter=lambda Name: {"Parameter": {"Value": url}})
    session = SimpleNamespace(
        client=lambda _: parameters, get_credentials=lambda: CREDENTIALS, region_name="us-east-1"
    )

    def send(self: SignedTransport, path: str, query: dict, body: bytes, headers: dict) -> Reply:
        sent.append((self.url, path, query, self.credentials.access_key))
        return Reply(
            200, {**EXAMPLES["image-labels"]["answer"], "results": results, "latency_milliseconds": 1}
        )

    monkeypatch.setattr("boto3.Session", lambda: session)
    monkeypatch.setattr(SignedTransport, "__call__", send)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "build" / "embedded").mkdir(parents=True)
    (tmp_path / "build" / "embedded" / "keys.curl").write_text('user = "AKIDHERE:secret"\n')
    names: dict = {}
    exec("\n".join(blocks), names)
    names["client"].image_labels(b"\xff\xd8\xff")
    assert [key for _, _, _, key in sent] == ["AKIDEXAMPLE", "AKIDHERE"]
    assert sent[0][:3] == (url, "images/labels", {"max_labels": "5"})
    assert capsys.readouterr().out == "".join(f"{result['label']} {result['score']}\n" for result in results)


def test_an_answer_has_the_members_of_the_apis_json():
    answer = {**EXAMPLES["text-class"]["answer"], "latency_milliseconds": 1.0}
    given = Answer.of(answer)
    assert set(answer) <= set(vars(given))
    assert vars(given.model) == answer["model"]
    assert vars(given.cost) == answer["cost"]
