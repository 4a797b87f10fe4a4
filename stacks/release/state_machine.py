"""The release state machine: an approved version becomes the inference stack's parameter, and has to prove itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from definitions.names import MULTI_MODEL_PREFIX, SEQUENCE_CHANNELS, TARGET_MODEL, endpoint_name
from definitions.networks import KINDS
from stacks.release.known_input import FIXED_REQUEST, known_input_states
from stacks.release.record import NOT_RELEASED, overtaken_states, record_states
from stacks.release.stack_update import stack_update, wait
from stacks.shared.asl import ETAG, catch, choice, fail, fits, is_instant, jsonata, lookup, place_of, task

KEPT = "The endpoint keeps the model it had."
# As an expression.
TARGET = "'" + TARGET_MODEL.format(kind="' & $kind & '", version="' & $version & '") + "'"


@dataclass(frozen=True)
class ReleaseContext:
    """What the machine refers to in other stacks.

    Attributes:
        environment: whose endpoints.
        inference_stack: name of the stack that it updates.
        configurations: logical id of each kind's endpoint configuration in that stack.
        update_role_arn: of the role under which CloudFormation updates it.
        shared_endpoint: name of the multi-model endpoint that serves every kind; None where each has its own.
    """

    environment: str
    inference_stack: str
    configurations: dict[str, str]
    update_role_arn: str
    shared_endpoint: str | None = None

    @property
    def endpoint(self) -> str:
        """The endpoint that serves the version's kind; an expression where each kind has its own."""
        return self.shared_endpoint or jsonata("$endpoint")


def definition(context: ReleaseContext) -> dict[str, Any]:
    """The state machine.

    Its input: `model_package_arn` and, optional, `requested_at`, the instant of the approval (ISO 8601); its own start
    by default and at the latest. Its output: `endpoint` and `version`, and `said`, a sentence, where it stepped aside.
    """
    return {
        "Comment": "Releases an approved version by a stack update, and takes it back when it does not answer.",
        "QueryLanguage": "JSONata",
        "StartAt": "Start",
        "States": {
            **admission(context),
            **(rehearsal(context) if context.shared_endpoint else {}),
            **stack_update(
                context.inference_stack,
                "Update",
                "$version",
                before="DescribeConfiguration",
                refused="ReadEvents",
                role_arn=context.update_role_arn,
                first="MayRehearse" if context.shared_endpoint else None,
            ),
            **proof(context),
            **record_states(context.environment),
            **stack_update(
                context.inference_stack,
                "TakeBack",
                "$previous",
                before="TakenBack",
                refused="NotTakenBack",
                role_arn=context.update_role_arn,
            ),
            **ends(context),
        },
    }


def well_asked(context: ReleaseContext) -> str:
    """Whether the input names a version of one of the environment's networks, and an instant if any; an expression."""
    names = "|".join(endpoint_name(context.environment, kind) for kind in KINDS)
    version = f"^arn:aws:sagemaker:[a-z0-9-]+:[0-9]+:model-package\\/({names})\\/[0-9]+$"
    package, asked = "$states.input.model_package_arn", "$states.input.requested_at"
    # Region and account, as this machine's own ARN has them.
    ours = " & ':' & ".join(f"$split($states.context.StateMachine.Id, ':')[{part}]" for part in (3, 4))
    return (
        f"$type({package}) = 'string' and {fits(package, version)} "
        f"and $contains({package}, 'arn:aws:sagemaker:' & {ours} & ':') "
        f"and ($exists({asked}) ? {is_instant(asked)} : true)"
    )


# Of ListExecutions, about half a kilobyte each: more would not fit into what a state holds (256 KiB).
EXECUTIONS_LISTED = 400
# Of the registered version.
CONTAINER = "$states.result.InferenceSpecification.Containers[0]"


def admission(context: ReleaseContext) -> dict[str, Any]:
    """One release at a time, in the order in which they began; only what is approved, still there and not overtaken."""
    group = "$split($states.input.model_package_arn, '/')[1]"
    kind = lookup({endpoint_name(context.environment, kind): kind for kind in KINDS}, group)
    evaluation = "$states.result.ModelMetrics.ModelQuality.Statistics.S3Uri"
    channels = f"$states.result.CustomerMetadataProperties.{SEQUENCE_CHANNELS}"
    asked, started = "$states.input.requested_at", "$states.context.Execution.StartTime"
    me = "$states.context.Execution.Id"
    mine = f"$states.result.Executions[ExecutionArn = {me}].StartDate"
    # Of those that began in one instant, the one whose name comes first.
    earlier = f"StartDate < $mine or (StartDate = $mine and ExecutionArn < {me})"
    return {
        "Start": choice("NotOurs", (well_asked(context), "Begin")),
        "Begin": {
            "Type": "Pass",
            "Assign": {
                "package": jsonata("$states.input.model_package_arn"),
                "version": jsonata("$split($states.input.model_package_arn, '/')[2]"),
                "endpoint": jsonata(group),
                "kind": jsonata(kind),
                "token": jsonata("$replace($states.context.Execution.Name, /[^a-zA-Z0-9]+/, '-')"),
                # An instant that is still to come would let every later approval step aside.
                "requested_at": jsonata(
                    f"$exists({asked}) and $toMillis({asked}) < $toMillis({started}) ? {asked} : {started}"
                ),
            },
            "Next": "ListReleases",
        },
        "ListReleases": task(
            "sfn:listExecutions",
            {
                "StateMachineArn": jsonata("$states.context.StateMachine.Id"),
                "StatusFilter": "RUNNING",
                "MaxResults": EXECUTIONS_LISTED,
            },
            # The list may lag behind. Who is not in it does not know who came before, and waits.
            {
                "earlier": f"($mine := {mine}; "
                f"$exists($mine) ? $count($states.result.Executions[{earlier}]) : 1)"
            },
            "IsMyTurn",
        ),
        "IsMyTurn": choice("ReadRecord", ("$earlier > 0", "WaitForTurn")),
        "WaitForTurn": wait("ListReleases"),
        **overtaken_states(context.environment, then="DescribeVersion"),
        "DescribeVersion": task(
            "sagemaker:describeModelPackage",
            {"ModelPackageName": jsonata("$package")},
            {
                "approval": "$states.result.ModelApprovalStatus",
                "artefact": f"{CONTAINER}.ModelDataUrl",
                # One that was registered before entity tags were kept has none.
                "registered_etag": f"$exists({CONTAINER}.ModelDataETag) ? {CONTAINER}.ModelDataETag : ''",
                "evaluation": f"$exists({evaluation}) ? {evaluation} : ''",
                # Until one of the version's own test samples is known, the request is one of its kind.
                "channels": f"$exists({channels}) ? {channels} : ''",
                "label": "''",
            },
            "IsApproved",
        ),
        "IsApproved": choice("NotApproved", ("$approval = 'Approved'", "ChooseRequest")),
        "ChooseRequest": {
            "Type": "Pass",
            "Assign": {"request": jsonata(FIXED_REQUEST)},
            "Output": {},
            "Next": "FindArtefact",
        },
        "FindArtefact": task(
            "s3:headObject",
            place_of("$artefact"),
            {"etag": ETAG},
            "IsWhatWasRegistered",
            "ArtefactMissing",
        ),
        "IsWhatWasRegistered": choice(
            "ArtefactChanged", ("$registered_etag = '' or $etag = $registered_etag", "HasKnownInput")
        ),
        **known_input_states(then="CopyArtefact" if context.shared_endpoint else "DescribeStack"),
    }


def rehearsal(context: ReleaseContext) -> dict[str, Any]:
    """On a multi-model endpoint: the artefact comes below its prefix, and is asked while callers ask the one before.

    No traffic can be divided between versions that callers name, so this is in the place of a canary.
    """
    key = jsonata(f"'{MULTI_MODEL_PREFIX}/' & {TARGET}")
    return {
        "CopyArtefact": task(
            "s3:copyObject",
            {
                "Bucket": jsonata("$split($artefact, '/')[2]"),
                "Key": key,
                "CopySource": jsonata("$substringAfter($artefact, 's3://')"),
                "CopySourceIfMatch": jsonata("$etag"),
            },
            {},
            "DescribeStack",
            "ArtefactMissing",
        ),
        # Before a kind's first version nobody asks it, and the endpoint may not be there yet.
        "MayRehearse": choice("Update", ("$previous != '' and $previous != $version", "Rehearse")),
        "Rehearse": ask(context, "RehearsalEnded", "NotRehearsed"),
        "RehearsalEnded": judged(context, "Update", "NotRehearsed"),
    }


def ask(context: ReleaseContext, then: str, failed: str) -> dict[str, Any]:
    """The known input sent to the endpoint; its prediction becomes `answer`, or its error `reason`."""
    target = {"TargetModel": jsonata(TARGET)} if context.shared_endpoint else {}
    return {
        **task(
            "sagemakerruntime:invokeEndpoint",
            {
                "EndpointName": context.endpoint,
                **target,
                "ContentType": "application/json",
                "Body": jsonata("$request"),
            },
            {"answer": "$parse($states.result.Body).predictions[0]"},
            then,
        ),
        "Catch": [{**catch(failed)[0], "Assign": {"reason": jsonata("$states.errorOutput.Cause")}}],
    }


def judged(context: ReleaseContext, right: str, wrong: str) -> dict[str, Any]:
    """Whether the answer is the known one, from the version that was to give it."""
    # A container of several models does not know their versions: SageMaker answers with the one that is named.
    version = [] if context.shared_endpoint else ["$answer.model_version = $version"]
    known = "$answer.score >= 0 and $answer.score <= 1 and ($label = '' or $answer.label = $label)"
    condition = " and ".join([*version, known])
    reason = "'it answered ' & $string($answer) & ($label = '' ? '' : ' where ' & $label & ' is known')"
    return {**choice(wrong, (condition, right)), "Assign": {"reason": jsonata(reason)}}


def proof(context: ReleaseContext) -> dict[str, Any]:
    """Compares what serves with what the stack asked for, and sends the endpoint a known input.

    SageMaker can roll an endpoint back and report it in service on the old configuration.
    """
    # SageMaker writes the names in ARNs in small letters.
    configuration = "$lowercase($split($states.result.StackResourceDetail.PhysicalResourceId, '/')[-1])"
    return {
        "DescribeConfiguration": task(
            "cloudformation:describeStackResource",
            {
                "StackName": context.inference_stack,
                "LogicalResourceId": jsonata(lookup(context.configurations)),
            },
            {"wanted": configuration},
            "DescribeEndpoint",
        ),
        "DescribeEndpoint": task(
            "sagemaker:describeEndpoint",
            {"EndpointName": context.endpoint},
            {
                "live": "$lowercase($states.result.EndpointConfigName)",
                "state": "$states.result.EndpointStatus",
            },
            "ServesWhatWasAsked",
        ),
        "ServesWhatWasAsked": choice(
            "RolledBackSilently",
            ("$state in ['Creating', 'Updating', 'SystemUpdating', 'RollingBack']", "WaitForEndpoint"),
            ("$live = $wanted and $state = 'InService'", "AskEndpoint"),
        ),
        "WaitForEndpoint": wait("DescribeEndpoint"),
        "AskEndpoint": ask(context, "Answers", "AnswersNot"),
        "Answers": judged(context, "Record", "AnswersNot"),
        "AnswersNot": choice(
            "NothingToGoBackTo", ("$previous != '' and $previous != $version", "DescribeForTakeBack")
        ),
    }


def ends(context: ReleaseContext) -> dict[str, Any]:
    """Every way in which a release does not succeed, each with one sentence."""
    names = [endpoint_name(context.environment, kind) for kind in KINDS]
    this = "'Version ' & $version & ' of ' & $endpoint & "
    not_answering = f"{this}' does not answer a known input: ' & $reason & '. "
    failed = (
        "[$states.result.StackEvents[ClientRequestToken = $token & '-Update' and $contains(ResourceStatus, '_FAILED') "
        "and $exists(ResourceStatusReason)]][-1]"
    )
    said = f"($event := {failed}; $event ? $event.LogicalResourceId & ': ' & $event.ResourceStatusReason : $status)"
    rehearsed = (
        {"NotRehearsed": fail(NOT_RELEASED, f"{not_answering}{KEPT}'")} if context.shared_endpoint else {}
    )
    return {
        **rehearsed,
        "ReadEvents": task(
            "cloudformation:describeStackEvents",
            {"StackName": context.inference_stack},
            {"reason": said},
            "UpdateRolledBack",
        ),
        "NotOurs": fail(
            NOT_RELEASED,
            f"\"A release wants a 'model_package_arn', of a version of {' or '.join(names)}, and may have a "
            "'requested_at', an instant such as 2026-11-25T20:59:58Z. Nothing was changed.\"",
        ),
        "NotApproved": fail(NOT_RELEASED, f"{this}' is ' & $approval & ' by now. {KEPT}'"),
        "ArtefactMissing": fail(
            NOT_RELEASED,
            f"{this}' cannot be released, because its artefact ' & $artefact & ' cannot be read: ' & "
            f"$states.input.Cause & '. {KEPT}'",
        ),
        "ArtefactChanged": fail(
            NOT_RELEASED,
            f"{this}' is not released, because its artefact ' & $artefact & ' was written anew after it was measured "
            f"and registered: its entity tag is ' & $etag & ' and was ' & $registered_etag & '. {KEPT}'",
        ),
        "UpdateRolledBack": fail(
            NOT_RELEASED,
            f"'The update of {context.inference_stack} to version ' & $version & ' of ' & $endpoint & ' ended as ' & "
            f"$status & ': ' & $reason & '. {KEPT}'",
        ),
        "RolledBackSilently": fail(
            NOT_RELEASED,
            "'SageMaker rolled ' & $endpoint & ' back without a failure of the stack: it is ' & $state & ' on ' & "
            "$live & ', and the stack asked for ' & $wanted & '. Its alarms and its log say why.'",
        ),
        "NothingToGoBackTo": fail(
            NOT_RELEASED, f"{not_answering}There is no version before it to go back to.'"
        ),
        "TakenBack": fail(NOT_RELEASED, f"{not_answering}Version ' & $previous & ' serves again.'"),
        "NotTakenBack": fail(
            NOT_RELEASED,
            f"{not_answering}Going back to version ' & $previous & ' ended as ' & $status & '. Look at the stack.'",
        ),
        "Failed": fail(NOT_RELEASED, "$states.input.Cause"),
    }
