"""Every place where we hang ours into ministack; they are private names, so the version is pinned and a test looks."""

from __future__ import annotations

from functools import partial
from typing import Any

from ministack import app
from ministack.core import iam_evaluator, lambda_runtime, responses, router
from ministack.services import cloudwatch, eventbridge, lambda_svc, stepfunctions
from ministack.services.cloudformation import provisioners, stacks

from local_aws import alarms
from local_aws.autoscaling import Autoscaling
from local_aws.bookkeeping import bookkeeping_handlers
from local_aws.keys import role_session
from local_aws.managed.process import StandIns
from local_aws.periodic import periodically
from local_aws.sagemaker.cloudformation import Provisioner
from local_aws.sagemaker.integrations import dispatch_table
from local_aws.sagemaker.metrics import PERIOD_SECONDS
from local_aws.sagemaker.service import SageMaker


def install(sagemaker: SageMaker, stand_ins: StandIns) -> Autoscaling:
    """Registers services, resource types and Step Functions integrations, and begins to publish endpoints' metrics.

    Returns what scales them.
    """
    app.SERVICE_HANDLERS["sagemaker"] = sagemaker.handle_request
    stand_ins.register(app.SERVICE_HANDLERS)
    name_services("sagemaker", "rekognition", "comprehend", "application-autoscaling")
    scaling = Autoscaling(sagemaker)
    app.SERVICE_HANDLERS["application-autoscaling"] = scaling.handle_request
    ours = Provisioner(sagemaker).handlers() | scaling.handlers() | bookkeeping_handlers(sagemaker.client)
    provisioners._RESOURCE_HANDLERS.update(ours)
    run_on_worker_threads(set(ours))
    stepfunctions._SERVICE_DISPATCH.update(dispatch_table(sagemaker))
    # Both modules hold the name, and each starts some of the functions.
    lambda_runtime.execution_credentials = lambda_svc.execution_credentials = role_session
    alarms.install()
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


def private_names() -> dict[str, Any]:
    """The private names used here, for the test that they exist in the pinned version."""
    return {
        "app.SERVICE_HANDLERS": app.SERVICE_HANDLERS,
        "router.SERVICE_PATTERNS": router.SERVICE_PATTERNS,
        "provisioners._RESOURCE_HANDLERS": provisioners._RESOURCE_HANDLERS,
        "stacks._runs_on_worker_thread": stacks._runs_on_worker_thread,
        "stepfunctions._SERVICE_DISPATCH": stepfunctions._SERVICE_DISPATCH,
        "lambda_runtime.execution_credentials": lambda_runtime.execution_credentials,
        "lambda_svc.execution_credentials": lambda_svc.execution_credentials,
        "app._credential_failure": app._credential_failure,
        "app._routing_params": app._routing_params,
        "app._send_response": app._send_response,
        "iam_evaluator._sigv2_check": iam_evaluator._sigv2_check,
        "responses._account_from_sts_session": responses._account_from_sts_session,
        "cloudwatch._alarms": cloudwatch._alarms,
        "cloudwatch._composite_alarms": cloudwatch._composite_alarms,
        "cloudwatch._dims_from_list": cloudwatch._dims_from_list,
        "cloudwatch._dims_key": cloudwatch._dims_key,
        "cloudwatch._dispatch_alarm_actions": cloudwatch._dispatch_alarm_actions,
        "cloudwatch._evaluate_alarm": cloudwatch._evaluate_alarm,
        "cloudwatch._metrics": cloudwatch._metrics,
        "cloudwatch._put_metric_data": cloudwatch._put_metric_data,
        "cloudwatch._set_alarm_state": cloudwatch._set_alarm_state,
        "eventbridge._put_events": eventbridge._put_events,
        "stepfunctions._ExecutionError": stepfunctions._ExecutionError,
    }
