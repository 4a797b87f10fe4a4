"""Refuses requests that are not signed with a key which this start of the embedded AWS gave out.

What a key may do is not looked at here but behind it: see `local_aws.iam`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import uuid
from dataclasses import dataclass
from http import HTTPMethod, HTTPStatus
from typing import Any
from urllib.parse import parse_qs, quote

from ministack import app as ministack
from ministack.core import iam_evaluator, responses, sigv4
from ministack.core.iam_evaluator import AuthError

from console import CONFIGURATION, STATE
from local_aws.asgi import Application
from local_aws.console import PREFIX, answer
from local_aws.gateway_refusals import EXECUTE, of_signature, region_of
from local_aws.sagemaker.names import ACCOUNT

HEALTH = "/_ministack/health"
# A custom resource's function answers here; the address, with a random UUID in it, is a secret like a presigned one.
CUSTOM_RESOURCES = re.compile(r"/_ministack/cfn-response/[0-9a-f-]{36}", re.ASCII)
WITHOUT_KEY = (
    "This address lacks the key of the embedded AWS that runs. Open the one that `recognition up` prints; the command "
    "may be given again while it runs."
)
# Amazon's own limit of that answer (CloudFormation User Guide, custom resource response objects).
CUSTOM_RESOURCE_BYTES = 4096
DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
LONGEST_PRESIGNED_SECONDS = 604_800  # AWS's own limit of X-Amz-Expires


@dataclass(frozen=True)
class RequestHead:
    """A request without its body.

    Attributes:
        raw_path: as it was sent, percent-encoded.
        query: its parameters; one may have several values.
        headers: by their names in lower case; the values of a repeated one joined by a comma, as SigV4 signs them.
    """

    method: str
    path: str
    raw_path: str
    query: dict[str, list[str]]
    headers: dict[str, str]

    @classmethod
    def of(cls, scope: dict[str, Any]) -> RequestHead:
        """From ASGI."""
        headers: dict[str, str] = {}
        for raw_name, raw_value in scope["headers"]:
            name, value = raw_name.decode("latin-1").lower(), sigv4.decode_header_value(raw_value)
            headers[name] = f"{headers[name]},{value}" if name in headers else value
        raw_path = scope.get("raw_path") or quote(scope["path"]).encode()
        query = parse_qs(scope["query_string"].decode("utf-8", "replace"), keep_blank_values=True)
        return cls(scope["method"], scope["path"], raw_path.decode("latin-1"), query, headers)

    @property
    def is_presigned(self) -> bool:
        """Whether the signature is in the address."""
        return "authorization" not in self.headers and "X-Amz-Signature" in self.query

    @property
    def is_presigned_by_version_2(self) -> bool:
        """Whether it is so in the older form, which boto3 still gives S3's addresses in us-east-1."""
        return "authorization" not in self.headers and {"AWSAccessKeyId", "Signature"} <= self.query.keys()

    def first(self, name: str) -> str:
        """The first value of a parameter of the query; empty where there is none."""
        return self.query.get(name, [""])[0]

    def service(self, body: bytes = b"") -> str:
        """Which service ministack will ask."""
        if self.path.startswith(EXECUTE):
            return "execute-api"
        parameters = ministack._routing_params(self.method, self.path, self.headers, body, self.query)
        return ministack.detect_service(self.method, self.path, self.headers, parameters)


@dataclass(frozen=True)
class Signed:
    """What a request says of its signature, with the secret that belongs to its key.

    Attributes:
        signature: None for the older form of a presigned address.
    """

    signature: sigv4.HeaderSignature | None
    access_key_id: str
    secret: str


def for_known_keys(application: Application, console_key: str) -> Application:
    """An ASGI application that passes on to `application` what is signed with a known key.

    Unsigned are only the console's static files, the look whether the server is there, and what a custom resource's
    function answers. The page of the console shows `console_key` for the configuration, which carries the keys.
    WebSockets are refused: ministack opens them to anybody, and the app has none.
    """

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        if needs_no_signature(scope):
            # Anybody may send these, so no more of them is held than they have.
            await application(scope, up_to(CUSTOM_RESOURCE_BYTES, receive), send)
            return
        request = RequestHead.of(scope)
        if request.path == PREFIX + CONFIGURATION:
            shown = request.headers.get("authorization", "")
            if hmac.compare_digest(shown.encode(), f"Bearer {console_key}".encode()):
                await application(scope, receive, send)
            else:
                body = json.dumps({"message": WITHOUT_KEY}).encode()
                await answer(send, HTTPStatus.FORBIDDEN, "application/json", body)
            return
        signature = signature_of(request)
        if isinstance(signature, AuthError):
            await refuse(request, send, signature)
            return
        body = await body_of(receive)
        if body is None:
            return
        if failure := check(request, signature, body):
            await refuse(request, send, failure)
        else:
            await application(scope, again(body, receive), send)

    return app


def needs_no_signature(scope: dict[str, Any]) -> bool:
    """Whether a request is one of the few that anybody may send."""
    method, path = scope["method"], scope["path"]
    if path == PREFIX.rstrip("/") or path.startswith(PREFIX):
        return path not in (PREFIX + CONFIGURATION, PREFIX + STATE)
    if path == HEALTH:
        return method == HTTPMethod.GET
    return method == HTTPMethod.PUT and CUSTOM_RESOURCES.fullmatch(path) is not None


def signature_of(request: RequestHead) -> Signed | AuthError:
    """What is known of a request's signature before its body is read, or why it is refused."""
    authorization = request.headers.get("authorization", "")
    if request.is_presigned_by_version_2:
        key = request.first("AWSAccessKeyId")
        secret = secret_of(key, request.first("x-amz-security-token"))
        return secret if isinstance(secret, AuthError) else Signed(None, key, secret)
    if request.is_presigned:
        signature, token = sigv4.parse_query_signature(request.query), request.first("X-Amz-Security-Token")
    elif not authorization:
        return AuthError("MissingAuthenticationToken", "Request is missing Authentication Token")
    elif not authorization.startswith("AWS4-HMAC-SHA256 "):
        return AuthError("UnsupportedSignature", "Only AWS Signature Version 4 is known here.")
    else:
        signature = sigv4.parse_header_signature(request.headers)
        token = request.headers.get("x-amz-security-token", "")
    if isinstance(signature, tuple):
        return AuthError(*signature)
    if not signature.signature.isascii():
        return AuthError("SignatureDoesNotMatch", sigv4.SIGNATURE_MISMATCH)
    secret = secret_of(signature.access_key_id, token)
    if isinstance(secret, AuthError):
        return secret
    for failure_of in (time_failure, unsigned_failure, scope_failure):
        if failure := failure_of(request, signature):
            return AuthError(*failure)
    return Signed(signature, signature.access_key_id, secret)


def secret_of(access_key_id: str, session_token: str) -> str | AuthError:
    """The secret of a key that this start, its STS or its IAM gave out."""
    # ministack takes these for the account's root under any secret of its own.
    if access_key_id == "test" or not access_key_id or re.fullmatch(r"\d{12}", access_key_id):
        credential = iam_evaluator.CredentialResolutionError(
            "UnrecognizedClientException", "The security token included in the request is invalid."
        )
    else:
        account = (
            responses._account_from_sts_session(access_key_id)
            or iam_evaluator.find_iam_access_key_account(access_key_id)
            or ACCOUNT
        )
        credential = iam_evaluator.resolve_credential(access_key_id, account, session_token)
    if isinstance(credential, iam_evaluator.CredentialResolutionError):
        return AuthError(credential.code, credential.message)
    return credential.secret_access_key


def time_failure(request: RequestHead, signature: sigv4.HeaderSignature) -> tuple[str, str] | None:
    """Why a signature is too old, or from the future: by its own limit where the address carries it."""
    if not request.is_presigned:
        return sigv4.request_time_failure(signature)
    try:
        seconds = int(request.first("X-Amz-Expires"))
        over = sigv4.presigned_request_is_expired(signature.amz_date, seconds)
    except ValueError:
        return "SignatureDoesNotMatch", "X-Amz-Expires and X-Amz-Date must be given."
    if over or not 0 < seconds <= LONGEST_PRESIGNED_SECONDS:
        return "RequestExpired", "Request has expired"
    return None


def unsigned_failure(request: RequestHead, signature: sigv4.HeaderSignature) -> tuple[str, str] | None:
    """Why a header that the signature does not cover may not be there: it could make another call of a signed one."""
    covered = signature.signed_headers.split(";")
    left = [name for name in request.headers if name.startswith("x-amz-") and name not in covered]
    if left or "host" not in covered:
        missing = ", ".join(left or ["host"])
        return (
            "SignatureDoesNotMatch",
            f"There were headers present in the request which were not signed: {missing}",
        )
    return None


def scope_failure(request: RequestHead, signature: sigv4.HeaderSignature) -> tuple[str, str] | None:
    """Why a request to an API was signed for something else; elsewhere a request goes to what it was signed for."""
    if not request.path.startswith(EXECUTE):
        return None
    if signature.service != "execute-api":
        return "SignatureDoesNotMatch", "Credential should be scoped to correct service: 'execute-api'."
    region = region_of(request.path)
    if region and signature.region != region:
        return "SignatureDoesNotMatch", "Credential should be scoped to a valid region."
    return None


def check(request: RequestHead, signed: Signed, body: bytes) -> AuthError | None:
    """Computes the signature again; why it, or the body's own digest, is another."""
    signature = signed.signature
    if signature is None:
        known = iam_evaluator.SignedRequest(
            signed.access_key_id,
            request.method,
            request.raw_path,
            request.query,
            request.headers,
            sigv2=True,
            auth_path=request.raw_path,
        )
        checked = iam_evaluator._sigv2_check(known, ACCOUNT)
        if isinstance(checked, AuthError):
            return checked
    else:
        failure = sigv4.header_signature_failure(
            signature,
            signed.secret,
            request.method,
            request.raw_path,
            request.query,
            request.headers,
            body,
            presigned=request.is_presigned,
        )
        if failure:
            return AuthError(*failure)
        promised = request.headers.get("x-amz-content-sha256", "")
        if DIGEST.fullmatch(promised) and promised != hashlib.sha256(body).hexdigest():
            return AuthError("SignatureDoesNotMatch", "The body is not the one whose digest was signed.")
    # Neither form of S3's presigned addresses covers the body, and the older one not all of the query.
    is_for_s3 = signature is None or (request.is_presigned and signature.service == "s3")
    if is_for_s3 and request.service(body) != "s3":
        return AuthError("SignatureDoesNotMatch", "The address was signed for S3.")
    return None


async def body_of(receive: Any) -> bytes | None:
    """The whole body; None when the caller went away first."""
    parts = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def up_to(most_bytes: int, receive: Any) -> Any:
    """A `receive` that cuts a body off, for which the caller seems gone, when it is longer."""
    left = most_bytes

    async def received() -> dict[str, Any]:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        return message if left >= 0 else {"type": "http.disconnect"}

    return received


def again(body: bytes, receive: Any) -> Any:
    """A `receive` that gives the body that was read, and then what the caller does."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> dict[str, Any]:
        return waiting.pop() if waiting else await receive()

    return received


async def refuse(request: RequestHead, send: Any, failure: AuthError) -> None:
    """Answers as the service that was meant does, in its own protocol."""
    if request.path.startswith(EXECUTE):
        status, headers, body = of_signature(request.path, failure)
    else:
        status, headers, body = ministack._credential_failure(
            request.service(), "", str(uuid.uuid4()), failure, request.headers
        )
    await ministack._send_response(send, status, headers, body, head=request.method == HTTPMethod.HEAD)
