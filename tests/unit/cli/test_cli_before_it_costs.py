"""What is wrong is told before anything is started, prepared, uploaded or paid for."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber
from typer.main import get_command
from typer.testing import CliRunner

from cli.bulk import plan, runs, sources
from cli.main import app
from cli.models import data, training
from cli.shared.errors import CommandFailed
from cli.shared.project import environments
from cli.shared.target import Target
from lambdas.bulk.asking import OPERATIONS
from local_aws.keys import Keys
from stacks.settings.monitoring import LabelSettings

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
IN_A_REGION = {**KEYS, "AWS_REGION": "us-east-1"}
# A word for each argument and option that a command cannot do without.
WORDS = {
    "kind": "rnn",
    "run": "one",
    "source": "s3://data/transform/texts",
    "output": "o.jsonl",
    "data": "d.csv",
    "records": "r.jsonl",
    "objects": "10",
    "operation": "image-labels",
    "rate": "10",
    "count": "10",
    "images": "10",
}


def commands(parameter: str, group: Any = None, before: tuple[str, ...] = ()) -> list[list[str]]:
    """Every command that has the parameter, with the words that it cannot do without."""
    paths = []
    for name, command in (group or get_command(app)).commands.items():
        words = (*before, name)
        if any(param.name == parameter for param in command.params):
            needed = [param for param in command.params if param.required]
            values = [
                word
                for one in needed
                for word in (
                    [WORDS[one.name]] if one.param_type_name == "argument" else [one.opts[0], WORDS[one.name]]
                )
            ]
            paths.append([*words, *values])
        if hasattr(command, "commands"):
            paths += commands(parameter, command, words)
    return paths


def ending(*words: str) -> BaseException | None:
    return CliRunner().invoke(app, list(words)).exception


@pytest.fixture
def nothing_else(monkeypatch):
    """No AWS is started, chosen or asked, and no data or template is made."""
    for attempt_keys in (
        "cli.shared.embedded.choose_target",
        "cli.shared.embedded.running",
        "cli.shared.target.Target.client",
        "cli.models.data.prepare",
        "cli.shared.deploy.synthesise",
        "cli.advise.profiling.profile",
        "local_aws.launcher.EmbeddedAws.start",
    ):
        monkeypatch.setattr(
            attempt_keys,
            lambda *_, attempt_keys=attempt_keys, **__: pytest.fail(f"{attempt_keys} was called"),
        )


@pytest.mark.parametrize("words", commands("environment"), ids=" ".join)
def test_an_unknown_environment_is_refused_at_once_by_every_command(words, nothing_else):
    refusal = ending(*words, "--environment", "prd")
    assert isinstance(refusal, CommandFailed), refusal
    known = ", ".join(environments())
    assert str(refusal) == f"There is no environment 'prd' in cdk.json; it has: {known}."


def test_a_setting_that_the_synth_refuses_starts_no_embedded_aws(nothing_else, monkeypatch):
    monkeypatch.setattr("cli.shared.project.environments", lambda: {"dev": {"region": "Virginia"}})
    assert "'dev' in cdk.json are wrong" in str(ending("up"))


@pytest.fixture
def without_credentials(tmp_path, monkeypatch):
    """A machine on which nobody has signed in to AWS."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    # What asks for no region and no credentials would be told by this.
    monkeypatch.setattr("cli.models.data.prepare", lambda *_, **__: pytest.fail("data was prepared"))
    monkeypatch.setattr("cli.advise.profiling.profile", lambda *_: pytest.fail("data was measured"))
    monkeypatch.setattr("cli.models.data.upload", lambda *_: pytest.fail("something was uploaded"))
    # No environment of cdk.json joins labels with answers.
    monkeypatch.setattr("cli.models.labels.expected_by", lambda _: LabelSettings())
    return monkeypatch


# These read what is named, and each of it has another way.
NAMED = ("advise", "bulk", "label", "recognize")
OWN_ACCOUNT = [words for words in commands("own_account") if words[0] not in NAMED]
OWN_ACCOUNT += [
    ["advise", "--data", "s3://data/reviews"],
    ["label", "rnn", "one=positive"],
    ["bulk", "--from", "photos", "--operation", "image-labels"],
    *(words for words in commands("own_account") if words[0] == "bulk" and len(words) > 1),
    ["recognize", "A film."],
]


@pytest.mark.parametrize("words", OWN_ACCOUNT, ids=" ".join)
def test_without_credentials_every_command_ends_before_it_does_anything(words, without_credentials):
    without_credentials.setenv("AWS_REGION", "us-east-1")
    refusal = ending(*words, "--aws", *(["cnn"] if words in (["release"], ["train"]) else []))
    assert isinstance(refusal, CommandFailed), refusal
    assert "There are no credentials for your AWS account" in str(refusal)


def test_without_a_region_that_is_what_is_told(without_credentials):
    with pytest.raises(CommandFailed, match="No region is chosen. Set AWS_REGION"):
        Target("dev", KEYS).require_account()
    assert "No region is chosen" in str(ending("train", "cnn", "--aws"))


def test_a_profile_that_is_not_there_is_a_sentence(without_credentials):
    without_credentials.setenv("AWS_PROFILE", "nobody")
    assert "(nobody) could not be found. Choose a profile" in str(ending("train", "cnn", "--aws"))


def test_the_doctor_asks_for_credentials_first(without_credentials):
    assert "There are no credentials" in str(ending("doctor"))


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId", "SignatureDoesNotMatch"])
def test_credentials_that_aws_refuses_are_told_by_its_word(code):
    target = Target("dev", IN_A_REGION)
    with Stubber(target.client("sts")) as identity:
        identity.add_client_error("get_caller_identity", code)
        with pytest.raises(CommandFailed, match=rf"does not accept your credentials \({code}\). Renew them"):
            target.require_account()


def test_an_aws_that_cannot_be_reached_is_not_blamed_on_the_credentials(monkeypatch):
    target = Target("dev", {**KEYS, "AWS_REGION": "narnia"})

    def unreachable() -> None:
        raise EndpointConnectionError(endpoint_url="https://sts.narnia.amazonaws.com")

    monkeypatch.setattr(target.client("sts"), "get_caller_identity", unreachable)
    with pytest.raises(CommandFailed, match="AWS cannot be reached in 'narnia'. Look at AWS_REGION"):
        target.require_account()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["cnn", "--set", "epochs=0"], "epochs is 0; it has to be between 1 and 1000. Nothing was started."),
        (["cnn", "--set", "learning_rate=ten"], "learning_rate is 'ten'; it has to be a number."),
        (["cnn", "--set", "mixed_precision=float16"], "has to be one of: auto, float32, bfloat16."),
        (["rnn", "--set", "width=24"], "The rnn has no hyperparameter 'width'. It has: batch_size"),
        (["rnn", "--set", "epochs"], "'epochs' has no value"),
    ],
)
def test_a_wrong_hyperparameter_is_told_before_an_aws_is_chosen(words, reason, nothing_else):
    assert reason in str(ending("train", *words))


OF_A_NETWORK = (
    ["train"],
    ["release"],
    ["rollback"],
    ["transform", "--from", "a.jsonl", "--output", "b.jsonl"],
)


@pytest.mark.parametrize("words", OF_A_NETWORK, ids=lambda words: words[0])
def test_a_network_that_is_none_is_told_before_an_aws_is_chosen(words, nothing_else):
    refusal = ending(words[0], "dnn", *words[1:])
    assert str(refusal) == "'dnn' is no kind of network: say one of cnn for images, rnn for texts."


TO_A_FILE = ["--output", "answers.jsonl", "--from"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["transform", "rnn", *TO_A_FILE, "no.jsonl"], "There is no file or folder no.jsonl."),
        (["transform", "cnn", *TO_A_FILE, __file__], "takes files of one type"),
        (["bulk", "--from", "photos", "--operation", "image-label"], "'image-label' does not run in bulk."),
        (
            ["bulk", "--from", "photos", "--operation", "image-labels", "--option", "min_confidence=all"],
            "min_confidence",
        ),
    ],
)
def test_what_cannot_be_asked_is_told_before_an_aws_is_chosen(words, reason, nothing_else):
    assert reason in str(ending(*words))


@pytest.mark.parametrize(("dataset", "units"), [("imdb", "32"), ("smartwatch", "64")])
def test_hyperparameters_are_those_of_the_data_set_and_the_callers_over_them(dataset, units):
    hyperparameters = training.hyperparameters_of("rnn", dataset, {"epochs": "3"})
    assert (hyperparameters["epochs"], hyperparameters["units"]) == ("3", units)


class Deployment:
    """A deployment that publishes some parameters, and keeps what it is asked."""

    description, environment = "nowhere", "dev"

    def __init__(self, **parameters: str) -> None:
        self.parameters, self.asked = parameters, []

    def command(self, words: str) -> str:
        return f"recognition {words}"

    def parameter(self, name: str) -> str:
        self.asked.append(name)
        if name not in self.parameters:
            raise CommandFailed(f"{name} is not there")
        return self.parameters[name]

    def client(self, service: str):
        pytest.fail(f"{service} was asked")


@pytest.fixture
def without_app(monkeypatch):
    """An embedded AWS that is up, and an account, with nothing deployed in either: nothing else is asked."""
    running = SimpleNamespace(endpoint_url="http://127.0.0.1:1", keys=Keys.made())
    monkeypatch.setattr("cli.shared.embedded.running", lambda: running)
    monkeypatch.setattr(Target, "require_account", lambda _: None)
    monkeypatch.setattr(Target, "parameter_if_published", lambda *_: None)
    systems_manager = SimpleNamespace(meta=SimpleNamespace(region_name="us-east-1"))
    monkeypatch.setattr(Target, "client", lambda _, service: {"ssm": systems_manager}[service])
    monkeypatch.setattr(data, "prepare", lambda *_, **__: pytest.fail("data was prepared"))
    monkeypatch.setattr("cli.models.labels.expected_by", lambda _: LabelSettings())


# What is there is listed, what is left is removed, and what is on this machine needs no app.
WITHOUT_APP = ("advise", "bakeoff", "doctor", "remove-versions", "status")
OF_THE_APP = [words for words in OWN_ACCOUNT if words[0] not in WITHOUT_APP]
OF_THE_APP += [
    ["bakeoff", "--data", "d.csv", "--on", "sagemaker"],
    ["bakeoff", "--data", "d.csv", "--release"],
]


@pytest.mark.parametrize("where", [[], ["--aws"]], ids=["here", "account"])
@pytest.mark.parametrize("words", OF_THE_APP, ids=" ".join)
def test_where_the_app_is_not_deployed_the_command_that_deploys_it_is_named(words, where, without_app):
    refusal = ending(*words, *where, *(["cnn"] if words in (["release"], ["train"]) else []))
    assert isinstance(refusal, CommandFailed), refusal
    assert str(refusal).endswith("eploy it first: " + ("cdk deploy --all" if where else "recognition up"))


def test_a_run_has_the_preset_and_the_gate_of_its_data_set(monkeypatch):
    requests = []

    class Machines:
        def start_execution(self, stateMachineArn: str, name: str, input: str) -> dict:
            requests.append(json.loads(input))
            return {"executionArn": "arn:execution"}

    target = Deployment(**{"training-state-machine-arn": "arn:machine", "data-bucket": "data"})
    target.client = {"stepfunctions": Machines()}.__getitem__
    monkeypatch.setattr("cli.shared.embedded.choose_target", lambda *_, **__: target)
    monkeypatch.setattr(data, "prepare", lambda *_, **__: None)
    monkeypatch.setattr(data, "upload_dataset", lambda *_: "s3://data/smartwatch")
    done = training.Registered("rnn", "r", "7", "arn:package/7", {})
    monkeypatch.setattr(training, "wait", lambda *_: [done])
    ended = CliRunner().invoke(app, ["train", "rnn", "--dataset", "smartwatch", "--set", "epochs=3"])
    assert ended.exit_code == 0, ended.exception
    (request,) = requests
    assert request["minimum_accuracy"] == 0.75
    assert request["hyperparameters"] == training.hyperparameters_of("rnn", "smartwatch", {"epochs": "3"})


@pytest.fixture
def bulk_target(monkeypatch) -> Deployment:
    """A deployment in which no network is released, and to which nothing may be uploaded."""
    monkeypatch.setattr(plan, "serving_version", lambda target, kind: target.parameters.get(kind))
    monkeypatch.setattr("cli.models.release.versions_of", lambda *_: [])
    monkeypatch.setattr(sources, "upload", lambda *_: pytest.fail("something was uploaded"))
    target = Deployment(**{"bulk-calls-per-second": '{"*": 5.0}', "data-bucket": "data"})
    target.session = lambda: type("Session", (), {"region_name": "us-east-1"})
    return target


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "more").mkdir()
    for name in ("a.png", "more/b.png"):
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\npicture")
    return tmp_path


@pytest.mark.parametrize(("name", "kind"), plan.KIND_OF_OPERATION.items())
def test_a_bulk_run_of_an_unreleased_network_is_refused_before_it_is_planned(name, kind, bulk_target, photos):
    wanted = plan.BulkRequest(OPERATIONS[name], {}, 1.0)
    steps = f"(?s){name} asks the {kind}, and no version.*train {kind}.*release {kind}.*release --from FOLDER"
    with pytest.raises(CommandFailed, match=steps):
        plan.start(bulk_target, wanted, str(photos))
    assert bulk_target.asked == []


def test_every_operation_of_our_own_networks_is_known_to_bulk():
    from lambdas.bulk.asking import runs_in_bulk
    from lambdas.custom.operations import OPERATIONS as OWN

    assert set(plan.KIND_OF_OPERATION) == {operation.name for operation in OWN if runs_in_bulk(operation)}


@pytest.mark.parametrize("go_on", [runs.resume, lambda *run: runs.redrive(*run, print)])
def test_a_run_of_a_network_that_serves_no_more_is_not_gone_on_with(go_on, bulk_target, monkeypatch):
    left = 0 if go_on is not runs.resume else 3
    now = {"state": "ABORTED", "left": left, "failed": 2, "mendable": 2}
    monkeypatch.setattr(runs, "record_of", lambda *_: {"operation": "text-class", "attempt": 1, "objects": 5})
    monkeypatch.setattr(runs, "status", lambda *_: now)
    monkeypatch.setattr(runs, "begin", lambda *_: pytest.fail("it was started"))
    with pytest.raises(CommandFailed, match="no version of recognition-dev-rnn serves"):
        go_on(bulk_target, "one")


def test_a_folder_whose_run_would_cost_too_much_is_not_uploaded(bulk_target, photos):
    wanted = plan.BulkRequest(OPERATIONS["image-labels"], {}, 0.0015)
    with pytest.raises(CommandFailed, match=r"up to 0\.0020 US dollars .* is 0\.0015\. Nothing was started"):
        plan.start(bulk_target, wanted, str(photos))


def test_an_empty_folder_starts_nothing(bulk_target, tmp_path):
    with pytest.raises(CommandFailed, match="There is no object below"):
        plan.start(bulk_target, plan.BulkRequest(OPERATIONS["image-labels"], {}, 1.0), str(tmp_path))
