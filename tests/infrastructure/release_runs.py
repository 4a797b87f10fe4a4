"""A stack, a registry and an endpoint for walks through the release machine, with faults where a test wants them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from stacks.release.state_machine import ReleaseContext, definition

from .interpreter import TaskFailed, Walk, walk
from .updates import UPDATE_ROLE

CONTEXT = ReleaseContext(
    "dev", "Recognition-dev-Inference", {"cnn": "CnnConfiguration", "rnn": "RnnConfiguration"}, UPDATE_ROLE
)
ARN = "arn:aws:sagemaker:us-east-1:111122223333:model-package/recognition-dev-rnn/7"
MINE = "approval_of_7"
RECORD = "/recognition/dev/rnn-verified-release"
TARGET = "rnn/7/model.tar.gz"
SHARED = replace(CONTEXT, shared_endpoint="recognition-dev-multi-model")
KNOWN = {"request": '{"instances": [{"text": "A test sample, \\"quoted\\"."}]}', "label": "positive"}


class Aws:
    """A stack, a registry and an endpoint that answer the machine's calls, with faults where a test wants them."""

    def __init__(self, context: ReleaseContext = CONTEXT, **faults: Any) -> None:
        self.context, self.faults = context, faults
        self.copies: list[dict] = []
        self.parameters = {"KeyArn": "k", "CnnModelVersion": "3", "RnnModelVersion": "6"}
        self.parameters |= faults.get("parameters", {})
        self.statuses = list(faults.get("statuses", ["UPDATE_COMPLETE"]))
        self.updates: list[dict] = []
        self.record = json.dumps(faults.get("record", {}))

    def answers(self) -> dict:
        describe = {"DescribeStack", "FollowUpdate", "DescribeForTakeBack", "FollowTakeBack"}
        return {
            "ListReleases": self.list_releases,
            "ReadRecord": self.read_record,
            "Record": self.write_record,
            "DescribeVersion": self.describe_version,
            "FindArtefact": self.find_artefact,
            "ReadKnownInput": self.read_known_input,
            **dict.fromkeys(describe, self.describe_stack),
            "Update": self.update,
            "TakeBack": self.update,
            "ReadEvents": self.read_events,
            "DescribeConfiguration": lambda *_: {
                "StackResourceDetail": {
                    "PhysicalResourceId": "arn:aws:sagemaker:r:a:endpoint-config/config-ab"
                }
            },
            "DescribeEndpoint": self.describe_endpoint,
            "AskEndpoint": self.ask,
            "CopyArtefact": self.copy,
            "Rehearse": self.rehearse,
        }

    def list_releases(self, request: dict, call: int) -> dict:
        mine = {"ExecutionArn": f"arn:{MINE}", "StartDate": "2026-11-25T21:00:00.500Z"}
        others = self.faults.get("others", [[]])
        return {"Executions": [mine, *others[min(call, len(others)) - 1]]}

    def read_record(self, request: dict, _: int) -> dict:
        assert request == {"Name": RECORD}
        return {"Parameter": {"Value": self.record}}

    def write_record(self, request: dict, _: int) -> dict:
        assert request == {"Name": RECORD, "Value": request["Value"], "Overwrite": True}
        self.record = request["Value"]
        return {"Version": 2}

    def describe_version(self, *_: Any) -> dict:
        container = {"ModelDataUrl": "s3://models/training/rnn-1/output/model.tar.gz", "ModelDataETag": "abc"}
        if self.faults.get("registered_without_etag"):
            del container["ModelDataETag"]
        statistics = {"S3Uri": "s3://models/evaluations/dev-rnn-1/evaluation.json"}
        by_hand = self.faults.get("registered_by_hand")
        return {
            **({} if by_hand else {"ModelMetrics": {"ModelQuality": {"Statistics": statistics}}}),
            **(
                {"CustomerMetadataProperties": properties}
                if (properties := self.faults.get("properties"))
                else {}
            ),
            "ModelApprovalStatus": self.faults.get("approval", "Approved"),
            "InferenceSpecification": {"Containers": [container]},
        }

    def find_artefact(self, request: dict, _: int) -> dict:
        assert request == {"Bucket": "models", "Key": "training/rnn-1/output/model.tar.gz"}
        if self.faults.get("artefact_deleted"):
            raise TaskFailed("S3.NoSuchKeyException", "Not Found")
        return {"ETag": '"written-later"' if self.faults.get("artefact_overwritten") else '"abc"'}

    def read_known_input(self, request: dict, _: int) -> dict:
        assert request == {"Bucket": "models", "Key": "evaluations/dev-rnn-1/known_input.json"}
        if self.faults.get("nothing_known"):
            raise TaskFailed("S3.NoSuchKeyException", "The specified key does not exist.")
        return {"Body": json.dumps({} if self.faults.get("nothing_small_enough") else KNOWN)}

    def describe_stack(self, *_: Any) -> dict:
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        held = [{"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()]
        created = "2026-11-20T08:00:00.000Z"
        return {"Stacks": [{"StackStatus": status, "Parameters": held, "CreationTime": created}]}

    def update(self, request: dict, call: int) -> dict:
        if refusals := self.faults.get("refusals"):
            raise TaskFailed("CloudFormation.CloudFormationException", refusals.pop(0))
        self.updates.append(request)
        changed = {
            parameter["ParameterKey"]: parameter.get("ParameterValue") for parameter in request["Parameters"]
        }
        if self.faults.get("rolls_back"):
            self.statuses = ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"]
        else:
            self.parameters |= {key: value for key, value in changed.items() if value is not None}
        return {}

    def read_events(self, *_: Any) -> dict:
        def event(logical_id: str, status: str, token: str, reason: str = "") -> dict:
            said = {"ResourceStatusReason": reason} if reason else {}
            return {
                "LogicalResourceId": logical_id,
                "ResourceStatus": status,
                "ClientRequestToken": token,
                **said,
            }

        mine = "approval-of-7-Update"
        return {
            "StackEvents": [
                event("Other", "UPDATE_FAILED", mine, "cancelled"),
                event("RnnEndpoint", "UPDATE_FAILED", mine, "the model does not load"),
                event("RnnEndpoint", "UPDATE_IN_PROGRESS", mine),
                event("Old", "CREATE_FAILED", "another", "a story of another day"),
            ]
        }

    def describe_endpoint(self, request: dict, call: int) -> dict:
        assert request == {"EndpointName": self.context.shared_endpoint or "recognition-dev-rnn"}
        states = self.faults.get("endpoint_states", ["InService"])
        return {
            "EndpointConfigName": self.faults.get("live", "Config-AB"),
            "EndpointStatus": states[min(call, len(states)) - 1],
        }

    def ask(self, request: dict, _: int) -> dict:
        self.asked = request["Body"]
        assert request["EndpointName"] == (self.context.shared_endpoint or "recognition-dev-rnn")
        assert request.get("TargetModel") == (TARGET if self.context.shared_endpoint else None)
        if reason := self.faults.get("model_error"):
            raise TaskFailed("SageMakerRuntime.ModelErrorException", reason)
        version = self.faults.get("answering", self.parameters["RnnModelVersion"])
        answer = {"label": self.faults.get("label", "positive"), "score": 0.9, "model_version": version}
        return {"Body": json.dumps({"predictions": [answer]})}

    def copy(self, request: dict, _: int) -> dict:
        self.copies.append(request)
        return {}

    def rehearse(self, request: dict, call: int) -> dict:
        assert self.updates == [], "callers ask the version before until this one has answered"
        return self.ask(request, call)

    def release(self, **given: str) -> Walk:
        request = {"model_package_arn": ARN, **given}
        return walk(definition(self.context), request, self.answers(), execution=MINE)
