"""What Lambda takes: so many bytes of an event, an answer, variables, a policy."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import apigateway_v1, lambda_svc
from ministack.services.cloudformation import provisioners

# Lambda quotas, synchronous invocation payload; of an answer Lambda's refusal names a hundred bytes more.
EVENT_BYTES = 6 * 1024 * 1024
ANSWER_BYTES = EVENT_BYTES + 100
# Lambda quotas, environment variables and resource-based policy.
VARIABLES_BYTES = 4 * 1024
POLICY_BYTES = 20 * 1024
FUNCTION = "AWS::Lambda::Function"


class TooLarge(Exception):
    """Lambda refuses an event, with the words of its refusal."""

    def __init__(self) -> None:
        super().__init__(f"Request must be smaller than {EVENT_BYTES} bytes for the InvokeFunction operation")


def install() -> None:
    """Takes the places of ministack's functions."""
    hold_requests()
    hold_functions()
    hold_templates()


def hold_requests() -> None:
    """Has what is asked and answered held to its size."""
    # Its arguments are handed on as they come.
    ask: Any = apigateway_v1._invoke_lambda_proxy_v1
    invoke, execute = lambda_svc._invoke, lambda_svc._execute_function

    async def ask_within_limits(*asked: Any, **words: Any) -> Any:
        """A request to the API."""
        try:
            return await ask(*asked, **words)
        except TooLarge:
            return apigateway_v1._gw_error("REQUEST_TOO_LARGE", "Request Too Long")

    async def invoke_within_limits(*asked: Any, **words: Any) -> Any:
        """Lambda's Invoke."""
        try:
            return await invoke(*asked, **words)
        except TooLarge as refusal:
            return lambda_svc.error_response_json("RequestEntityTooLargeException", str(refusal), 413)

    def execute_within_limits(function: dict[str, Any], event: Any) -> dict[str, Any]:
        """Any execution."""
        if size_of(event) > EVENT_BYTES:
            raise TooLarge
        result = execute(function, event)
        body: Any = result.get("body")
        is_written = isinstance(body, bytes) or (isinstance(body, str) and result.get("raw_payload"))
        if (len(body) if is_written else size_of(body)) <= ANSWER_BYTES:
            return result
        refusal = f"Response payload size exceeded maximum allowed payload size ({ANSWER_BYTES} bytes)."
        said = {"errorMessage": refusal, "errorType": "Function.ResponseSizeTooLarge"}
        return {**result, "body": said, "error": True, "function_error": "Unhandled"}

    apigateway_v1._invoke_lambda_proxy_v1 = ask_within_limits
    lambda_svc._invoke, lambda_svc._execute_function = invoke_within_limits, execute_within_limits


def hold_functions() -> None:
    """Has the variables and the policies of functions held to their sizes."""
    create, configure = lambda_svc._create_function, lambda_svc._update_config
    permit = lambda_svc._add_permission

    def create_within_limits(data: dict[str, Any]) -> Any:
        """CreateFunction."""
        return refused_variables(data) or create(data)

    def configure_within_limits(name: str, data: dict[str, Any]) -> Any:
        """UpdateFunctionConfiguration."""
        return refused_variables(data) or configure(name, data)

    def permit_within_limits(name: str, data: dict[str, Any], *rest: Any, **words: Any) -> Any:
        """AddPermission, for the API and for CloudFormation."""
        answer = permit(name, data, *rest, **words)
        if answer[0] < 400 and (size := size_of(lambda_svc._functions[name]["policy"])) > POLICY_BYTES:
            lambda_svc._functions[name]["policy"]["Statement"].pop()
            message = f"The final policy size ({size}) is bigger than the limit ({POLICY_BYTES})."
            return lambda_svc.error_response_json("PolicyLengthExceededException", message, 400)
        return answer

    lambda_svc._create_function, lambda_svc._update_config = create_within_limits, configure_within_limits
    lambda_svc._add_permission = permit_within_limits


def hold_templates() -> None:
    """Has CloudFormation hold functions to the limit of their variables too."""
    handlers = provisioners._RESOURCE_HANDLERS[FUNCTION]
    create, update = handlers["create"], handlers["update"]

    def create_within_limits(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        require_few(properties)
        return create(logical_id, properties, stack)

    def update_within_limits(physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any) -> Any:
        require_few(new)
        return update(physical_id, old, new, *rest)

    provisioners._RESOURCE_HANDLERS[FUNCTION] = {
        **handlers,
        "create": create_within_limits,
        "update": update_within_limits,
    }


def require_few(properties: dict[str, Any]) -> None:
    """Refuses a function of a template.

    Raises:
        ValueError: with Lambda's sentence, when its variables are too many bytes.
    """
    if sentence := too_many_variables(properties):
        raise ValueError(sentence)


def refused_variables(request: dict[str, Any]) -> Any:
    """Lambda's refusal of a request whose variables are too many bytes; None where they are few enough."""
    sentence = too_many_variables(request)
    return (
        lambda_svc.error_response_json("InvalidParameterValueException", sentence, 400) if sentence else None
    )


def too_many_variables(properties: dict[str, Any]) -> str:
    """Lambda's sentence about a function's variables; empty where they are few enough."""
    variables = (properties.get("Environment") or {}).get("Variables") or {}
    if sum(len(f"{name}{value}".encode()) for name, value in variables.items()) <= VARIABLES_BYTES:
        return ""
    return (
        "Lambda was unable to configure your environment variables because the environment variables you have "
        "provided exceeded the 4KB limit."
    )


def size_of(value: Any) -> int:
    """How many bytes something has as JSON, as Lambda's own runtimes write it."""
    return len(json.dumps(value, ensure_ascii=False).encode())
