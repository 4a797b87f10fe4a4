"""The whole app on the embedded AWS: deployed by the ordinary CDK, trained, gated, released, asked, and kept alive."""

from __future__ import annotations

import io
import json
import random
import shutil
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from PIL import Image

from advisor import Problem
from bakeoff import contest
from bakeoff.candidates import LOGISTIC, MAJORITY, NETWORKS
from bakeoff.examples import Examples
from cli import bakeoff_jobs, bulk, bulk_runs, deploy, release, rollback, training
from cli.data import upload
from cli.embedded import embedded_target
from cli.errors import CommandFailed
from cli.project import settings_of
from cli.recognize import Question, ask
from cli.target import Target
from client import Answer, RecognitionClient, RecognitionRefused, Unreachable
from local_aws.launcher import EmbeddedAws, console_url
from stacks.lambda_code import write_function_code
from stacks.release_machine import ReleasePlaces
from stacks.rest_machine import RestPlaces, definition

SMALL = {
    "epochs": "4",
    "units": "4",
    "batch_size": "32",
    "vocabulary_size": "100",
    "sequence_length": "12",
    "embedding_size": "8",
    "learning_rate": "0.05",
    "dropout": "0",
}
GOOD, BAD = ("wonderful", "moving", "brilliant"), ("dull", "tedious", "awful")


def silent(_: str) -> None:
    """Progress that nobody watches."""


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """The app, freshly deployed; nothing is trained yet."""
    folder = tmp_path_factory.mktemp("deployed")
    with pytest.MonkeyPatch.context() as patch:
        # ministack shortens the waits of state machines by this factor.
        patch.setenv("SFN_WAIT_SCALE", "0.05")
        running = EmbeddedAws.start(folder / "state", log_file=folder / "aws.log")
    with running:
        made = embedded_target("dev", running.endpoint_url)
        deploy.deploy(made, silent)
        yield made


def write_reviews(directory: Path, *, told_by_words: bool) -> Path:
    """A data set of made-up reviews; their words tell the label, or nothing does."""
    from model_code.records import write_split

    generator = random.Random(0)
    for split, count in (("train", 640), ("validation", 64), ("test", 200)):
        targets = [generator.randrange(2) for _ in range(count)]
        shown = targets if told_by_words else [generator.randrange(2) for _ in range(count)]
        texts = [
            f"A {generator.choice((BAD, GOOD)[one])} film, number {generator.randrange(50)}." for one in shown
        ]
        write_split(
            directory / split, "text", [text.encode() for text in texts], targets, ["negative", "positive"]
        )
    return directory


def train(target: Target, directory: Path, hyperparameters: dict[str, str]) -> training.Registered:
    """One run of the training state machine on a data set."""
    uri = upload(target, directory, directory.name, silent)
    (registered,) = training.wait(target, [training.start(target, "rnn", uri, hyperparameters)], silent)
    return registered


def classify(target: Target, text: str):
    """What the API says of a text by our network."""
    return ask(target, Question("/texts/class", text.encode(), "text/plain"))


@pytest.fixture(scope="module")
def first_version(target, tmp_path_factory) -> training.Registered:
    """A model that passed the gate and is registered."""
    return train(target, write_reviews(tmp_path_factory.mktemp("told"), told_by_words=True), SMALL)


@pytest.fixture(scope="module")
def released(target, first_version) -> str:
    """The first version, released."""
    release.release(target, "rnn", first_version.version, silent)
    return first_version.version


@pytest.fixture(scope="module")
def local_model(target, first_version, tmp_path_factory) -> Path:
    """The first version's artefact unpacked, as training on this machine leaves it."""
    package = target.client("sagemaker").describe_model_package(
        ModelPackageName=first_version.model_package_arn
    )
    (container,) = package["InferenceSpecification"]["Containers"]
    bucket, _, key = container["ModelDataUrl"].removeprefix("s3://").partition("/")
    content = target.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    folder = tmp_path_factory.mktemp("local") / "model"
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def test_before_the_first_release_the_api_says_so_and_when_to_try_again(target):
    reply = classify(target, "A film.")
    assert (reply.status, reply.body["error"]["code"]) == (503, "ModelNotReleased")
    assert release.served_version(target.client("sagemaker"), "recognition-dev-rnn") is None


@pytest.mark.parametrize(
    ("hyperparameters", "reason"),
    [({"epochs": "0"}, "epochs is 0"), ({"epoch": "1"}, "no hyperparameter 'epoch'")],
)
def test_a_wrong_hyperparameter_fails_the_run_with_its_sentence(target, tmp_path, hyperparameters, reason):
    with pytest.raises(CommandFailed, match=reason):
        train(target, write_reviews(tmp_path / "reviews", told_by_words=True), hyperparameters)
    assert release.list_versions(target, "rnn") == []


def test_a_model_below_the_gate_is_not_registered_and_hears_by_how_much(target, tmp_path):
    with pytest.raises(
        CommandFailed, match=r"accuracy of the rnn is 0\.\d{4}, which is 0\.\d{4} below the gate of 0\.8500"
    ):
        train(target, write_reviews(tmp_path / "untold", told_by_words=False), SMALL)
    assert release.list_versions(target, "rnn") == []


def test_a_model_that_passes_is_registered_with_its_figures(target, first_version):
    assert first_version.version == "1"
    assert first_version.output["metrics"]["accuracy"] >= 0.85
    package = target.client("sagemaker").describe_model_package(
        ModelPackageName=first_version.model_package_arn
    )
    assert package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"].endswith("/evaluation.json")
    assert package["CustomerMetadataProperties"]["training_job"] == first_version.output["training_job_name"]


def test_a_released_version_answers_through_the_api_and_names_itself(target, released):
    for word, label in ((GOOD[0], "positive"), (BAD[0], "negative")):
        reply = classify(target, f"A {word} film.")
        assert reply.status == 200, reply.body
        assert reply.body["results"][0]["label"] == label
        assert reply.body["model"] == {"name": "recognition-dev-rnn", "version": released}


def test_an_empty_version_cannot_take_the_endpoint_down(target, released):
    with pytest.raises(CommandFailed, match="would delete the live endpoint"):
        release.release(target, "rnn", "", silent)
    assert classify(target, "A film.").body["model"]["version"] == released


def test_an_upgrade_to_other_settings_keeps_buckets_versions_and_what_serves(
    target, released, tmp_path, monkeypatch
):
    buckets = [target.parameter(name) for name in ("data-bucket", "model-bucket")]
    versions = release.list_versions(target, "rnn")
    changed = json.loads((deploy.ROOT / "cdk.json").read_text())
    changed["app"] = f"{sys.executable} {deploy.ROOT / 'app.py'}"
    changed["context"]["environments"]["dev"] |= {"watching": {"dashboard": True, "capture": {}, "drift": {}}}
    (tmp_path / "cdk.json").write_text(json.dumps(changed))
    monkeypatch.setattr(deploy, "ROOT", tmp_path)
    deploy.deploy(target, silent)
    assert [target.parameter(name) for name in ("data-bucket", "model-bucket")] == buckets
    assert release.list_versions(target, "rnn") == versions
    assert classify(target, "A film.").body["model"]["version"] == released
    # What it was asked is captured from now on.
    listed = target.client("s3").list_objects_v2(
        Bucket=buckets[0], Prefix="captured/recognition-dev-rnn/primary/"
    )
    assert listed["KeyCount"] == 1


def test_a_model_from_this_machine_becomes_a_version_and_an_old_one_can_come_back(
    target, released, local_model
):
    version = release.register_local_model(target, "rnn", local_model)
    release.release(target, "rnn", version, silent)
    assert classify(target, "A film.").body["model"]["version"] == version
    release.release(target, "rnn", released, silent)
    assert classify(target, "A film.").body["model"]["version"] == released


def test_our_own_container_answers_as_tensorflows_does(target, released, local_model):
    """The version names our image beside AWS's; a model chooses it by its specification's name."""
    sagemaker, parameters = target.client("sagemaker"), target.client("ssm")
    name, image = "litert-beside", "111122223333.dkr.ecr.us-east-1.amazonaws.com/recognition-serving:1"
    parameter = "/recognition/dev/litert-image"
    parameters.put_parameter(Name=parameter, Value=image, Type="String")
    version = release.register_local_model(target, "rnn", local_model)
    parameters.delete_parameter(Name=parameter)
    container = {
        "ModelPackageName": release.describe_version(target, "rnn", version)["ModelPackageArn"],
        "InferenceSpecificationName": "litert",
        "Environment": {"MODEL_VERSION": version},
    }
    role = "arn:aws:iam::000000000000:role/serving"
    sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=role)
    variant = {"VariantName": "primary", "ModelName": name, "InstanceType": "ml.c7g.large"}
    variant["InitialInstanceCount"] = 1
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
    )
    for word in (*GOOD, *BAD):
        text = f"A {word} film.".encode()
        answers = [
            json.loads(
                target.client("sagemaker-runtime")
                .invoke_endpoint(EndpointName=endpoint, Body=text, ContentType="text/plain")["Body"]
                .read()
            )["predictions"][0]
            for endpoint in (name, "recognition-dev-rnn")
        ]
        assert [one["model_version"] for one in answers] == [version, released]
        assert answers[0]["label"] == answers[1]["label"]
        assert answers[0]["score"] == pytest.approx(answers[1]["score"], abs=1e-4)
    sagemaker.delete_endpoint(EndpointName=name)


def test_the_function_with_litert_answers_as_the_endpoint_does(target, released, tmp_path):
    """The code that `api.own_backend: litert` deploys, but for the packages built for Lambda's processor."""
    code = write_function_code("litert", tmp_path / "code", ("serving",), ("custom",))
    archive = shutil.make_archive(str(tmp_path / "function"), "zip", code)
    packages = "arn:aws:sagemaker:us-east-1:000000000000:model-package/"
    variables = {"MODEL_PACKAGE_ARN_PREFIX": packages, "POWERTOOLS_METRICS_NAMESPACE": "Recognition"}
    for kind in ("cnn", "rnn"):
        variables[f"{kind.upper()}_ENDPOINT_NAME"] = f"recognition-dev-{kind}"
        parameter = f"/recognition/dev/{kind}-released-version"
        variables[f"{kind.upper()}_RELEASED_VERSION_PARAMETER"] = parameter
    functions = target.client("lambda")
    functions.create_function(
        FunctionName="litert",
        Runtime="python3.14",
        Role="arn:aws:iam::000000000000:role/litert",
        Handler="lambdas.litert.handler.handler",
        Code={"ZipFile": Path(archive).read_bytes()},
        Environment={"Variables": variables},
        Timeout=28,
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="litert")

    def classified(path: str, text: str) -> dict:
        event = {
            "path": path,
            "httpMethod": "POST",
            "headers": {"Content-Type": "text/plain"},
            "body": text,
            "requestContext": {},
        }
        answer = functions.invoke(FunctionName="litert", Payload=json.dumps(event).encode())
        return json.loads(answer["Payload"].read())

    for word in (*GOOD, *BAD):
        answer = classified("/texts/class", f"A {word} film.")
        assert answer["statusCode"] == 200, answer
        found, expected = json.loads(answer["body"]), classify(target, f"A {word} film.").body
        assert (found["backend"], found["model"]) == ("litert", expected["model"])
        assert [one["label"] for one in found["results"]] == [one["label"] for one in expected["results"]]
        for one, other in zip(found["results"], expected["results"], strict=True):
            assert one["score"] == pytest.approx(other["score"], abs=1e-4)
    unreleased = classified("/images/class", "")
    assert unreleased["statusCode"] in (400, 415), "a body is looked at before a model is fetched"
    functions.delete_function(FunctionName="litert")


def test_a_model_that_does_not_load_leaves_the_old_one_answering(target, released, local_model, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(local_model, broken)
    (broken / "1" / "saved_model.pb").write_bytes(b"damaged")
    version = release.register_local_model(target, "rnn", broken)
    with pytest.raises(CommandFailed, match="The endpoint keeps the model it had"):
        release.release(target, "rnn", version, silent)
    assert classify(target, f"A {GOOD[1]} film.").body["model"]["version"] == released
    # The next good release works.
    release.release(target, "rnn", released, silent)


@pytest.fixture
def releases_on_approval(target):
    """The rule that prod has and dev has not; gives the ended executions of the release machine by version."""
    events, states = target.client("events"), target.client("stepfunctions")
    machine = target.parameter("release-state-machine-arn")
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelPackageGroupName": ["recognition-dev-rnn"], "ModelApprovalStatus": ["Approved"]},
    }
    transformer = {
        "InputPathsMap": {"arn": "$.detail.ModelPackageArn"},
        "InputTemplate": '{"model_package_arn": <arn>}',
    }
    events.put_rule(Name="approval", EventPattern=json.dumps(pattern))
    role = "arn:aws:iam::000000000000:role/events"
    events.put_targets(
        Rule="approval",
        Targets=[{"Id": "1", "Arn": machine, "RoleArn": role, "InputTransformer": transformer}],
    )

    def ended(count: int) -> dict[str, dict]:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            listed = states.list_executions(stateMachineArn=machine)["executions"]
            if len(listed) == count and not [one for one in listed if one["status"] == "RUNNING"]:
                found = [states.describe_execution(executionArn=one["executionArn"]) for one in listed]
                return {
                    json.loads(one["input"])["model_package_arn"].rsplit("/", 1)[-1]: one for one in found
                }
            time.sleep(0.5)
        raise AssertionError(f"The releases did not end: {listed}")

    yield ended
    events.remove_targets(Rule="approval", Ids=["1"])
    events.delete_rule(Name="approval")


def test_of_approvals_at_once_each_has_its_turn_and_the_good_one_serves(
    target, released, local_model, tmp_path, releases_on_approval
):
    broken = tmp_path / "broken"
    shutil.copytree(local_model, broken)
    (broken / "1" / "saved_model.pb").write_bytes(b"damaged")
    good = release.register_local_model(target, "rnn", local_model)
    bad = release.register_local_model(target, "rnn", broken)
    ended = releases_on_approval(2)
    assert ended[good]["status"] == "SUCCEEDED", ended[good].get("cause")
    assert (ended[bad]["status"], ended[bad]["error"]) == ("FAILED", "NotReleased")
    assert "The endpoint keeps the model it had." in ended[bad]["cause"]
    assert classify(target, "A film.").body["model"]["version"] == good


def test_the_version_before_can_come_back_and_what_failed_was_never_released(target, released):
    served = classify(target, "A film.").body["model"]["version"]
    assert rollback.released_versions(target, "rnn")[-1] == served
    version = rollback.version_before(target, "rnn")
    release.release(target, "rnn", version, silent)
    assert version == released
    assert classify(target, "A film.").body["model"]["version"] == version


def test_an_endpoint_rests_and_wakes_with_the_version_that_it_served(target, released):
    served = classify(target, "A film.").body["model"]["version"]
    machine = rest_machine(target)

    def run(action: str) -> str:
        states = target.client("stepfunctions")
        given = json.dumps({"kind": "rnn", "action": action})
        execution = states.start_execution(stateMachineArn=machine, input=given)["executionArn"]
        return json.loads(ended_execution(states, execution)["output"])["said"]

    assert run("rest if idle") == "The stack was updated within the last 4 hours."
    assert run("rest") == f"Version {served} rests; the endpoint costs nothing."
    assert classify(target, "A film.").body["error"]["code"] == "ModelNotReleased"
    assert rollback.released_versions(target, "rnn")[-1] == served, "the history outlives the endpoint"
    assert run("wake") == f"The release of version {served} has started."
    states = target.client("stepfunctions")
    newest = states.list_executions(stateMachineArn=target.parameter("release-state-machine-arn"))[
        "executions"
    ][0]
    assert ended_execution(states, newest["executionArn"])["status"] == "SUCCEEDED"
    assert classify(target, "A film.").body["model"]["version"] == served


def rest_machine(target: Target) -> str:
    """The machine that an environment has where its settings want it; its ARN."""
    configuration = target.client("cloudformation").describe_stack_resources(
        StackName=target.stack_name("Inference")
    )["StackResources"]
    (logical_id,) = [
        one["LogicalResourceId"]
        for one in configuration
        if one["ResourceType"] == "AWS::SageMaker::EndpointConfig"
    ]
    versions = "arn:aws:sagemaker:us-east-1:000000000000:model-package/recognition-dev-rnn/"
    places = RestPlaces(
        release=ReleasePlaces("dev", target.stack_name("Inference"), {"rnn": logical_id}),
        release_machine_arn=target.parameter("release-state-machine-arn"),
        version_arns={"rnn": versions},
        idle_hours=4,
    )
    answer = target.client("stepfunctions").create_state_machine(
        name="rests",
        definition=json.dumps(definition(places)),
        roleArn="arn:aws:iam::000000000000:role/rests",
    )
    return answer["stateMachineArn"]


def ended_execution(states, arn: str) -> dict:
    """An execution once it has ended."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        described = states.describe_execution(executionArn=arn)
        if described["status"] != "RUNNING":
            return described
        time.sleep(0.2)
    raise AssertionError(f"The execution {arn} did not end.")


def post(target: Target, path: str, body: bytes, content_type: str) -> requests.Response:
    """A signed request whose answer is looked at as it is."""
    url = target.api_url() + path
    request = AWSRequest("POST", url, data=body, headers={"Content-Type": content_type})
    session = target.session()
    SigV4Auth(session.get_credentials(), "execute-api", session.region_name).add_auth(request)
    return requests.post(url, data=body, headers=dict(request.headers), timeout=60)


def jpeg(size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    Image.fromarray(noise).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("path", "body", "content_type", "statuses"),
    [
        ("/images/labels", b"no image", "image/png", {400}),
        ("/images/labels", jpeg((200, 200))[:5_000], "image/jpeg", {400}),
        ("/images/labels", jpeg((1, 1)), "image/jpeg", {400}),
        ("/images/class", jpeg((2_600, 2_600)), "image/jpeg", {413}),
        ("/texts/sentiment", b"", "text/plain", {400}),
        ("/texts/sentiment", b"x" * 5_001, "text/plain", {413}),
        ("/texts/sentiment", b"caf\xe9", "text/plain", {400}),
        ("/texts/sentiment", b"text", "text/html", {415}),
        ("/texts/sentiment", b'{"text": ', "application/json", {400}),
    ],
)
def test_bad_input_gets_a_clear_answer_over_http(target, path, body, content_type, statuses):
    answer = post(target, path, body, content_type)
    assert answer.status_code in statuses, answer.text
    assert answer.json()["error"]["message"].endswith(".")


def test_the_wait_is_told_in_a_header(target):
    answer = post(target, "/images/class", jpeg((64, 64)), "image/jpeg")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_the_managed_services_stand_ins_answer_through_the_api_and_say_what_they_are(target):
    sentiment = post(target, "/texts/sentiment", b"A wonderful, moving film.", "text/plain")
    labels = post(target, "/images/labels", jpeg((200, 200)), "image/jpeg")
    assert (sentiment.status_code, labels.status_code) == (200, 200)
    assert sentiment.json()["results"][0]["label"] == "positive"
    assert all("not " in answer.json()["stand_in"] for answer in (sentiment, labels))


def test_an_interrupted_run_stops_its_job(target, tmp_path):
    def interrupt_once_the_job_runs(_: str) -> None:
        jobs = target.client("sagemaker").list_training_jobs(StatusEquals="InProgress")[
            "TrainingJobSummaries"
        ]
        if jobs:
            started.extend(job["TrainingJobName"] for job in jobs)
            raise KeyboardInterrupt

    started: list[str] = []
    uri = upload(target, write_reviews(tmp_path, told_by_words=True), "interrupted", silent)
    run = training.start(target, "rnn", uri, {**SMALL, "epochs": "400"})
    with pytest.raises(KeyboardInterrupt):
        training.wait(target, [run], interrupt_once_the_job_runs)
    sagemaker = target.client("sagemaker")
    sagemaker.get_waiter("training_job_completed_or_stopped").wait(
        TrainingJobName=started[0], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    assert sagemaker.describe_training_job(TrainingJobName=started[0])["TrainingJobStatus"] == "Stopped"


def test_the_deployed_api_advises(target):
    answer = post(target, "/advise", b'{"modality": "tabular", "task": "classification"}', "application/json")
    assert (answer.status_code, answer.json()["options"][0]["id"]) == (200, "traditional_ml")


class Watcher:
    """Is told how a bake-off goes, and notes who ended."""

    def __init__(self) -> None:
        self.ended_ids: set[str] = set()

    def started(self, candidate, seconds: float) -> None:
        """Nothing to note."""

    def progressed(self, candidate, share: float, words: str) -> None:
        """Nothing to note."""

    def ended(self, result: contest.Result) -> None:
        """One is done."""
        self.ended_ids.add(result.candidate.id)


def test_a_bake_off_runs_its_candidates_as_jobs_and_one_that_fails_leaves_the_others(target, tmp_path):
    generator = random.Random(0)
    targets = np.array([generator.randrange(2) for _ in range(200)], np.int32)
    texts = [f"A {generator.choice((BAD, GOOD)[one])} film, number {i}." for i, one in enumerate(targets)]
    examples = Examples("text", texts, targets, ("negative", "positive"))
    watcher = Watcher()
    held = contest.run(
        examples,
        Problem(modality="text", task="classification", labels="own"),
        # So little time that the network says so before it starts TensorFlow.
        contest.Settings(31.0),
        tmp_path,
        watcher,
        entrants=([MAJORITY, LOGISTIC, NETWORKS["rnn"]], []),
        runner=bakeoff_jobs.jobs_of(target, settings_of("dev")),
    )
    majority, logistic, rnn = held.results
    assert watcher.ended_ids == {"majority_class", "logistic_regression", "rnn"}
    assert majority.accuracy.value < 0.8 < logistic.accuracy.value
    assert held.verdict.winner == "logistic_regression"
    assert (rnn.status, "s were left for its training" in rnn.reason) == ("failed", True), rnn.reason
    name = logistic.notes[-1].split("the job ")[1].split(" ")[0]
    job = target.client("sagemaker").describe_training_job(TrainingJobName=name)
    assert job["ResourceConfig"]["InstanceType"] == settings_of("dev").training.evaluation_instance_type
    assert "JobRole" in job["RoleArn"]
    bucket = target.parameter("data-bucket")
    assert target.client("s3").list_objects_v2(Bucket=bucket, Prefix="bakeoffs/")["KeyCount"] == 0


def once_loaded(ask: Callable[[], Answer]) -> Answer:
    """The answer of a stand-in, whose model may take longer to load than the API waits on a busy machine."""
    for _ in range(10):
        try:
            return ask()
        except (Unreachable, RecognitionRefused) as error:
            if isinstance(error, RecognitionRefused) and error.status < 500:
                raise
            time.sleep(5)
    return ask()


def test_the_deployed_api_takes_options_and_batches_and_redacts(target):
    session = target.session()
    client = RecognitionClient.signed(target.api_url(), session.get_credentials(), session.region_name)
    found = once_loaded(
        lambda: client.text_entities("Grace Hopper was born in New York.", language_code="en")
    )
    assert [(one.label, one.span["begin"]) for one in found.results] == [("LOCATION", 25), ("PERSON", 0)]
    assert "spaCy" in found.stand_in
    documents = client.text_sentiment_batch(["What a wonderful day!", " "]).documents
    assert (documents[0].results[0].label, documents[1].error.code) == ("positive", "EmptyText")
    masked = client.text_pii_redaction("I am at ada@example.org.", mask_mode="MASK", mask_character="#")
    assert masked.details["redacted_text"] == "I am at ###############."
    with pytest.raises(RecognitionRefused, match="max_labels has to be a whole number"):
        client.image_labels(jpeg((100, 100)), max_labels=0)
    with pytest.raises(RecognitionRefused, match="501 NoStandIn"):
        client.image_celebrities(jpeg((100, 100)))


def test_the_console_asks_the_deployed_api_in_a_browser(target, released, browser):
    session = target.session()
    client = RecognitionClient.signed(target.api_url(), session.get_credentials(), session.region_name)
    once_loaded(lambda: client.text_sentiment("A film."))
    once_loaded(lambda: client.text_class("A film."))
    once_loaded(lambda: client.text_entities("A film.", language_code="en"))
    page = browser.new_page(color_scheme="light", viewport={"width": 1280, "height": 900})
    page.set_default_timeout(180_000)
    complaints = []
    page.on("console", lambda one: complaints.append(one.text) if one.type == "error" else None)
    page.goto(console_url(target.variables["AWS_ENDPOINT_URL"]))
    page.wait_for_selector("#place:not(:empty)")
    page.locator(".switch span", has_text="Text").click()
    page.fill("#text", f"A {GOOD[0]} film.")
    page.click("#go")
    own, managed = page.locator(".answer.own .best"), page.locator(".answer.managed .best")
    own.wait_for()
    managed.wait_for()
    assert "positive" in own.inner_text()
    assert "recognition-dev-rnn" in page.inner_text(".answer.own")
    assert "positive" in managed.inner_text()
    assert "stand-in" in page.inner_text(".answer.managed")
    page.goto(page.url.partition("#")[0] + "#advise?modality=tabular&task=classification")
    page.click("#questions button[type=submit]")
    page.wait_for_selector("#advice .headline:has-text('traditional_ml')")
    page.click("nav a[href='#watch']")
    page.wait_for_selector(f"#state .answer:has-text('version {released}')")
    page.wait_for_selector("#state .run:has-text('loss: train')")
    page.close()
    assert complaints == []


def test_a_request_sent_again_with_its_key_gets_the_first_answer(target):
    session = target.session()
    client = RecognitionClient.signed(target.api_url(), session.get_credentials(), session.region_name)
    once_loaded(lambda: client.text_sentiment("A wonderful film."))
    url = target.api_url() + "/texts/sentiment"
    found = []
    for text in (b"A wonderful film.", b"A wonderful film.", b"An awful film."):
        headers = {"Content-Type": "text/plain", "Idempotency-Key": "end-to-end"}
        request = AWSRequest("POST", url, data=text, headers=headers)
        SigV4Auth(session.get_credentials(), "execute-api", session.region_name).add_auth(request)
        found.append(requests.post(url, data=text, headers=dict(request.headers), timeout=60))
    first, second, other = found
    assert (first.status_code, "Idempotency-Replayed" in first.headers) == (200, False)
    assert (second.status_code, second.headers["Idempotency-Replayed"]) == (200, "true")
    assert second.json()["results"] == first.json()["results"]
    assert (other.status_code, other.json()["error"]["code"]) == (422, "IdempotencyKeyReused")


def test_a_bulk_run_ends_each_object_once_and_what_failed_can_be_redriven(target, tmp_path):
    texts = {f"{number:03}.txt": f"A wonderful film, number {number}." for number in range(230)}
    folder = tmp_path / "texts"
    folder.mkdir()
    for name, text in {**texts, "empty.txt": " "}.items():
        (folder / name).write_text(text)
    request = bulk.request_of(target, "text-sentiment", [], limit_usd=1.0)
    run, plan = bulk.start(target, request, str(folder))
    assert (plan.objects, plan.batches, plan.calls) == (231, 2, 10)
    assert plan.usd == pytest.approx(231 * 3 * 0.0001)
    ended = bulk_runs.watch(target, run, silent)
    assert (ended["state"], ended["done"] + ended["failed"], ended["left"]) == ("SUCCEEDED", 231, 0), ended
    lines = {line["key"].rsplit("/", 1)[-1]: line for line in bulk_runs.results(target, run)}
    assert sorted(lines) == [*texts, "empty.txt"]
    bad = lines["empty.txt"]
    assert (bad["outcome"], bad["error"]["code"]) == ("failed", "EmptyText")
    # Mended, it is asked about again, with what a busy machine did not come to; the others are not.
    target.client("s3").put_object(
        Bucket=target.parameter("data-bucket"), Key=bad["key"], Body=b"An awful film."
    )
    for _ in range(3):
        assert bulk_runs.redrive(target, run, silent) == ended["failed"]
        ended = bulk_runs.watch(target, run, silent)
        if not ended["failed"]:
            break
    assert (ended["state"], ended["done"], ended["failed"], ended["left"]) == ("SUCCEEDED", 231, 0, 0), ended
    with pytest.raises(CommandFailed, match="No object"):
        bulk_runs.redrive(target, run, silent)
    assert bulk_runs.write_results(target, run, tmp_path / "out.parquet") == 231
    assert bulk_runs.write_results(target, run, tmp_path / "out.jsonl") == 231


def test_a_bulk_run_that_would_cost_too_much_is_not_started(target, tmp_path):
    (tmp_path / "a.txt").write_text("A text.")
    request = bulk.request_of(target, "text-sentiment", [], limit_usd=0.0001)
    with pytest.raises(CommandFailed, match="Nothing was started"):
        bulk.start(target, request, str(tmp_path))
    with pytest.raises(CommandFailed, match="lets no run cost more than"):
        bulk.request_of(target, "text-sentiment", [], limit_usd=1_000_000)
