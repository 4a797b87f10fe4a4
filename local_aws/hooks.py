"""Every place where we hang ours into ministack; they are private names, so the version is pinned and a test looks."""

from __future__ import annotations

from functools import partial
from types import ModuleType
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime, responses, router
from ministack.services import (
    apigateway_v1,
    cloudwatch,
    dynamodb,
    eventbridge,
    iam,
    lambda_svc,
    s3,
    sns,
    sqs,
    stepfunctions,
)
from ministack.services.cloudformation import provisioners, stacks

from local_aws import alarms, compressed_requests, dead_letters, lambda_limits, state_limits
from local_aws.autoscaling import Autoscaling
from local_aws.bookkeeping import bookkeeping_handlers
from local_aws.iam import enforcement
from local_aws.iam.deliveries import Deliveries
from local_aws.iam.stacks import Stacks
from local_aws.iam.state_machines import StateMachines
from local_aws.keyed_resources import keyed_handlers
from local_aws.keys import role_session
from local_aws.managed.process import StandIns
from local_aws.periodic import periodically
from local_aws.sagemaker.cloudformation import Provisioner
from local_aws.sagemaker.integrations import dispatch_table
from local_aws.sagemaker.metrics import PERIOD_SECONDS
from local_aws.sagemaker.places import Places
from local_aws.scaled_types import require_types_kept


def install(places: Places, stand_ins: StandIns) -> Autoscaling:
    """Registers services, resource types and Step Functions integrations, and begins to publish endpoints' metrics.

    Returns what scales them.
    """
    sagemaker = places.first
    app.SERVICE_HANDLERS["sagemaker"] = places.handle_request
    stand_ins.clients, stand_ins.may = sagemaker.client, sagemaker.decisions.may
    stand_ins.register(app.SERVICE_HANDLERS)
    name_services("sagemaker", "rekognition", "comprehend", "application-autoscaling")
    scaling = Autoscaling(sagemaker)
    sagemaker.endpoints.before_update = partial(require_types_kept, scaling.targets)
    app.SERVICE_HANDLERS["application-autoscaling"] = scaling.handle_request
    ours = Provisioner(sagemaker).handlers() | scaling.handlers() | bookkeeping_handlers(sagemaker.client)
    provisioners._RESOURCE_HANDLERS.update(ours)
    run_on_worker_threads(set(ours))
    provisioners._RESOURCE_HANDLERS.update(keyed_handlers())
    stepfunctions._SERVICE_DISPATCH.update(dispatch_table(sagemaker))
    # Both modules hold the name, and each starts some of the functions.
    lambda_runtime.execution_credentials = lambda_svc.execution_credentials = role_session
    enforcement.install(sagemaker.decisions)
    StateMachines(sagemaker.decisions).install()
    Deliveries(sagemaker.decisions).install()
    compressed_requests.install()
    Stacks(sagemaker.decisions).install()
    alarms.install()
    dead_letters.install()
    state_limits.install()
    lambda_limits.install()
    sagemaker.endpoints.watch_alarms = partial(alarms.AlarmWatch, sagemaker.endpoints.metrics)
    periodically(PERIOD_SECONDS, sagemaker.endpoints.metrics.publish)
    return scaling


def name_services(*names: str) -> None:
    """Tells the router that services signed for under these names are there.

    At the first name that it does not know it reads botocore's models of all services of AWS, and for the six seconds
    that this takes nobody is answered.
    """
    for name in names:
        router.SERVICE_PATTERNS.setdefault(name, {})


def run_on_worker_threads(types: set[str]) -> None:
    """Makes the resource types that wait, or call this server, leave the event loop free."""
    theirs = stacks._runs_on_worker_thread

    def runs_on_worker_thread(resource_type: str) -> bool:
        return resource_type in types or theirs(resource_type)

    stacks._runs_on_worker_thread = runs_on_worker_thread


# Private names by the module that they are of.
PRIVATE: tuple[tuple[ModuleType, str], ...] = (
    (app, "SERVICE_HANDLERS _credential_failure _routing_params _send_response pin_request_origin"),
    (
        apigateway_v1,
        "_AUTHENTICATION_GATEWAY_ERRORS _GatewayError _call_lambda_raw _gateway_error_response _gw_error "
        "_invoke_lambda_proxy_v1 find_api_scope handle_execute stages_for_api",
    ),
    (
        cloudwatch,
        "_alarms _composite_alarms _dims_from_list _dims_key _dispatch_alarm_actions _evaluate_alarm _metrics "
        "_put_metric_data _set_alarm_state",
    ),
    (dynamodb, "_sse_description_from_spec _tables"),
    (eventbridge, "_invoke_target _pattern_event_view _put_events"),
    (iam, "_roles"),
    (iam_actions, "SERVICE_TO_IAM_NAMESPACE access_denied_response extract_iam_action extract_resource_arn"),
    (
        iam_evaluator,
        "_resource_policy _sigv2_check enforce evaluate evaluate_resource_policy is_root_access_key "
        "pin_request_origin resolve_principal",
    ),
    (lambda_runtime, "execution_credentials"),
    (
        lambda_svc,
        "_add_permission _create_function _emit_lambda_logs _execute_function _functions _invoke _update_config "
        "execution_credentials",
    ),
    (provisioners, "_RESOURCE_HANDLERS"),
    (responses, "_account_from_sts_session"),
    (router, "SERVICE_PATTERNS"),
    (s3, "_bucket_default_sse_headers _buckets _put_bucket_encryption _stored_sse_headers"),
    (sns, "_topic_by_arn_any_scope"),
    (sqs, "_act_send_message _queue_by_arn"),
    (stacks, "_delete_resource _provision_resource _runs_on_worker_thread _update_resource"),
    (
        stepfunctions,
        "_ExecutionError _SERVICE_DISPATCH _add_event _create_state_machine _error_matches _executions "
        "_invoke_resource _invoke_with_callback _read_map_items _resolve_params_obj _resolve_state_machine_arn "
        "_run_distributed_map _run_execution _state_machines",
    ),
)


def private_names() -> dict[str, Any]:
    """The private names used here, for the test that they exist in the pinned version."""
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}": getattr(module, name)
        for module, names in PRIVATE
        for name in names.split()
    }
