"""Words what API Gateway itself refuses by the gateway responses with which the stage of an API was deployed."""

from __future__ import annotations

import json

from ministack.core.iam_evaluator import AuthError
from ministack.core.responses import new_uuid, request_scope
from ministack.services import apigateway_v1

Answer = tuple[int, dict[str, str], bytes]
# Of a failed signature: the gateway response, and the type in the answer's header. ministack asks about all but two.
BY_SIGNATURE = {
    **apigateway_v1._AUTHENTICATION_GATEWAY_ERRORS,
    "MissingAuthenticationToken": ("MISSING_AUTHENTICATION_TOKEN", "MissingAuthenticationTokenException"),
    "RequestExpired": ("INVALID_SIGNATURE", "InvalidSignatureException"),
}
OTHERWISE = ("DEFAULT_4XX", "UnrecognizedClientException")
EXECUTE = "/_aws/execute-api/"


def of_signature(path: str, failure: AuthError) -> Answer:
    """The answer to a request for a path below EXECUTE whose signature failed; API Gateway's own where no stage is."""
    kind, error_type = BY_SIGNATURE.get(failure.code, OTHERWISE)
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": error_type}
    plain = 403, headers, json.dumps({"message": failure.message}).encode()
    return refusal(*place_of(path), kind, failure.message, error_type) or plain


def region_of(path: str) -> str | None:
    """The region of the API whose path is below EXECUTE; None where there is no such API."""
    scope = apigateway_v1.find_api_scope(place_of(path)[0])
    return scope[1] if scope else None


def place_of(path: str) -> tuple[str, str]:
    """The API and the stage of a path below EXECUTE."""
    api_id, _, below = path.removeprefix(EXECUTE).partition("/")
    return api_id, below.partition("/")[0]


def refusal(
    api_id: str, stage_name: str, kind: str, sentence: str, error_type: str | None = None
) -> Answer | None:
    """What a stage answers in a case of API Gateway's; None where there is no such stage.

    Args:
        api_id: of a REST API.
        stage_name: of it.
        kind: API Gateway's name of the case.
        sentence: its own, for APIs that have none for the case.
        error_type: for the header of this name, where it is another than the case's own.
    """
    scope = apigateway_v1.find_api_scope(api_id)
    stage = apigateway_v1.stages_for_api(api_id).get(stage_name)
    if scope is None or stage is None:
        return None
    request = {
        **{"api_id": api_id, "stage_name": stage_name, "stage": stage, "request_id": new_uuid()},
        **{"headers": {}, "query_params": {}, "path_params": {}, "resource_path": ""},
    }
    error = apigateway_v1._GatewayError(kind, sentence, error_type)
    with request_scope(*scope):
        return apigateway_v1._gateway_error_response(error, request)
