"""What AWS's services hand on to each other: by the policy of the target, or under a role that trusts the service."""

from __future__ import annotations

import sys
from typing import Any

from ministack.services import apigateway_v1, eventbridge, lambda_svc

from local_aws import dead_letters
from local_aws.iam.calls import Call, arn, log_stream
from local_aws.iam.decisions import Decisions

EVENTS, SCHEDULER, GATEWAY = (f"{name}.amazonaws.com" for name in ("events", "scheduler", "apigateway"))
FUNCTIONS = "lambda.amazonaws.com"
# What a target of each service is sent by.
SENT_BY = {
    "states": "states:StartExecution",
    "lambda": "lambda:InvokeFunction",
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "events": "events:PutEvents",
}
TRACING = ("PutTraceSegments", "PutTelemetryRecords")


class Deliveries:
    """Asks before rules, schedules and the API gateway pass something on, and before a function's log is written."""

    def __init__(self, decisions: Decisions) -> None:
        self.decisions = decisions
        self.deliver, self.ask_function = eventbridge._invoke_target, apigateway_v1._call_lambda_raw
        self.write_log = lambda_svc._emit_lambda_logs

    def install(self) -> None:
        """Takes the places of ministack's functions."""
        eventbridge._invoke_target = self.deliver_if_allowed
        apigateway_v1._call_lambda_raw = self.ask_function_if_allowed
        lambda_svc._emit_lambda_logs = self.write_log_if_allowed

    def deliver_if_allowed(
        self, target: dict[str, Any], event: dict[str, Any], source: dict[str, Any], *rest: Any
    ) -> None:
        """An event or a turn of a schedule, to a target; one that is refused goes to the target's dead letters."""
        if self.may_deliver(target, source):
            self.deliver(target, event, source, *rest)
            return
        sentence = f"{source.get('Arn')} may not reach its target {target['Arn']}."
        print(sentence, file=sys.stderr, flush=True)
        dead_letters.keep(target, event, source, "NO_PERMISSIONS", sentence)

    def may_deliver(self, target: dict[str, Any], source: dict[str, Any]) -> bool:
        """Whether a rule or a schedule may reach a target."""
        service = target["Arn"].split(":")[2]
        call = Call(SENT_BY[service], target["Arn"])
        is_schedule = "ScheduleExpressionTimezone" in source or ":schedule/" in source.get("Arn", "")
        sender = SCHEDULER if is_schedule else EVENTS
        if role := target.get("RoleArn"):
            trusted = self.decisions.may_assume(role, sender, source.get("Arn", ""))
            return trusted and self.decisions.refusal(role, call) is None
        return self.decisions.target_allows(sender, call, source.get("Arn", ""))

    async def ask_function_if_allowed(self, function: str, event: dict[str, Any], **scope: Any) -> Any:
        """A request of the API gateway to a function; one that is refused is answered as a fault of the API."""
        context = event["requestContext"]
        path = "/".join("*" if part.startswith("{") else part for part in context["resourcePath"].split("/"))
        method = f"{context['apiId']}/{context['stage']}/{context['httpMethod']}{path}"
        call = Call("lambda:InvokeFunction", function)
        if not self.decisions.target_allows(GATEWAY, call, arn("execute-api", method)):
            return None, "Invalid permissions on Lambda function"
        return await self.ask_function(function, event, **scope)

    def write_log_if_allowed(self, function: dict[str, Any], *rest: Any, **words: Any) -> None:
        """A function's log, under its role."""
        configuration = function.get("config") or function
        role, name = configuration.get("Role", ""), configuration["FunctionName"]
        group = (configuration.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}"
        calls = [
            Call(f"logs:{verb}", log_stream(group, "[$LATEST]"))
            for verb in ("CreateLogStream", "PutLogEvents")
        ]
        if (configuration.get("TracingConfig") or {}).get("Mode") == "Active":
            for verb in TRACING:
                self.decisions.refusal(role, Call(f"xray:{verb}"))
        # Each is asked, so that the record has all of them.
        if not [call for call in calls if self.decisions.refusal(role, call)]:
            self.write_log(function, *rest, **words)
