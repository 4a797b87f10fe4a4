"""A model of this machine is registered from its folder or its archive, and waits for approval like every version."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

import pytest
from moto import mock_aws
from typer.testing import CliRunner

from cli.main import app
from cli.models import own_model, release
from cli.models.archive import Model
from cli.shared.errors import CommandFailed
from cli.shared.target import Target

VARIABLES = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
BUCKET = "models"
FILES = {
    "1/saved_model.pb": b"graph",
    "1/variables/variables.index": b"weights",
    "code/inference.py": b"handler",
    "model_card.json": b'{"kind": "rnn"}',
}


def folder_of(place: Path, **changed: bytes | None) -> Path:
    """A model's folder; a file that is changed to None is left out."""
    for name, content in {**FILES, **changed}.items():
        if content is not None:
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(content)
    return place


def archive_of(place: Path, folder: Path, prefix: str = "") -> Path:
    with tarfile.open(place, "w:gz") as tar:
        for file in sorted(folder.rglob("*")):
            tar.add(file, arcname=prefix + file.relative_to(folder).as_posix(), recursive=False)
    return place


@pytest.fixture(params=["folder", "archive", "archive of tar's", "folder with the archive"])
def model(request, tmp_path) -> Model:
    """The same model in each of the forms in which it may be given."""
    folder = folder_of(tmp_path / "model")
    if request.param == "folder":
        return Model(folder)
    (tmp_path / "demo").mkdir()
    prefix = "./" if request.param == "archive of tar's" else ""
    archive = archive_of(tmp_path / "demo" / "model.tar.gz", folder, prefix)
    return Model(archive if request.param.startswith("archive") else archive.parent)


def test_a_model_is_read_in_each_of_its_forms(model):
    assert model.files == sorted(FILES)
    assert {name: model.read(name) for name in model.files} == FILES
    assert own_model.kind_of_model(model, None) == "rnn"


def test_what_is_uploaded_holds_the_models_files(model):
    with model.packed() as archive, tarfile.open(archive) as tar:
        members = [member for member in tar if member.isfile()]
        assert {member.name.removeprefix("./"): tar.extractfile(member).read() for member in members} == FILES


def test_packing_leaves_nothing_beside_the_folder(tmp_path):
    model = Model(folder_of(tmp_path / "model"))
    with model.packed() as archive:
        assert tmp_path not in archive.parents
    assert not archive.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_place_without_a_model_is_refused(tmp_path):
    with pytest.raises(CommandFailed, match="no folder or archive"):
        Model(tmp_path / "nowhere")
    broken = tmp_path / "model.tar.gz"
    broken.write_bytes(b"no archive")
    with pytest.raises(CommandFailed, match=r"no readable model\.tar\.gz"):
        Model(broken)


@pytest.mark.parametrize("missing", own_model.NEEDED)
def test_a_folder_without_a_model_is_refused_by_the_file_that_it_lacks(missing, tmp_path):
    with pytest.raises(CommandFailed, match=f"holds no {missing}"):
        own_model.kind_of_model(Model(folder_of(tmp_path, **{missing: None})), "rnn")


@pytest.mark.parametrize(
    "card", [None, b"not json", b"{}", b"[]", b'{"kind": "cat"}', b'{"kind": ["cnn"]}', b"[" * 100_000]
)
def test_a_model_without_a_readable_card_asks_for_its_kind(card, tmp_path):
    model = Model(folder_of(tmp_path, **{"model_card.json": card}))
    with pytest.raises(CommandFailed, match="Say it before --from: cnn or rnn"):
        own_model.kind_of_model(model, None)
    assert own_model.kind_of_model(model, "cnn") == "cnn"


def test_a_model_of_the_other_kind_is_refused(tmp_path):
    with pytest.raises(CommandFailed, match="a model of the rnn, and not of the cnn"):
        own_model.kind_of_model(Model(folder_of(tmp_path)), "cnn")


@pytest.fixture
def aws(monkeypatch):
    """An empty account, which every command chooses."""
    chosen = {name: Target(name, VARIABLES) for name in ("dev", "prod")}
    monkeypatch.setattr("cli.shared.embedded.choose_target", lambda environment, **_: chosen[environment])
    with mock_aws():
        yield chosen


def deploy(target: Target) -> Target:
    """The app, as far as a release asks for it."""
    target.client("s3").create_bucket(Bucket=BUCKET)
    for name, value in {"model-bucket": BUCKET, "inference-image": "image"}.items():
        parameter = f"/recognition/{target.environment}/{name}"
        target.client("ssm").put_parameter(Name=parameter, Value=value, Type="String")
    target.client("sagemaker").create_model_package_group(
        ModelPackageGroupName=release.endpoint_name(target, "rnn")
    )
    return target


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("litert/preprocessing.json", b'{"feature": "sequence", "sequence_length": 100, "channels": 6}'),
        ("model_card.json", b'{"kind": "rnn", "feature": "sequence", "channels": 6}'),
    ],
    ids=["network", "baseline"],
)
def test_a_model_of_sequences_is_registered_with_the_number_of_their_channels(aws, tmp_path, file, content):
    target = deploy(aws["dev"])
    version = own_model.register(target, "rnn", Model(folder_of(tmp_path, **{file: content})), "Approved")
    package = release.describe_version(target, "rnn", version)
    properties = package["CustomerMetadataProperties"]
    assert properties["sequence_channels"] == "6"
    (container,) = package["InferenceSpecification"]["Containers"]
    bucket, _, key = container["ModelDataUrl"].removeprefix("s3://").partition("/")
    response = target.client("s3").get_object(Bucket=bucket, Key=key)
    assert container["ModelDataETag"] == response["ETag"].strip('"')
    assert properties["artefact_sha256"] == hashlib.sha256(response["Body"].read()).hexdigest()


def test_a_model_of_this_machine_can_be_served_by_every_image_of_the_deployment(aws, tmp_path):
    target = deploy(aws["dev"])
    for name, image in {"cpu-inference-image": "for-cpus", "litert-image": "ours"}.items():
        target.client("ssm").put_parameter(Name=f"/recognition/dev/{name}", Value=image, Type="String")
    version = own_model.register(target, "rnn", Model(folder_of(tmp_path)), "Approved")
    sagemaker = target.client("sagemaker")
    (listed,) = sagemaker.list_model_packages(ModelPackageGroupName="recognition-dev-rnn")[
        "ModelPackageSummaryList"
    ]
    registered = sagemaker.describe_model_package(ModelPackageName=listed["ModelPackageArn"])
    assert version == listed["ModelPackageArn"].rsplit("/", 1)[-1]
    further = registered["AdditionalInferenceSpecifications"]
    assert {specification["Name"]: specification["Containers"][0]["Image"] for specification in further} == {
        "cpu": "for-cpus",
        "litert": "ours",
    }


def evaluation_of(folder: Path) -> Path:
    """What an evaluation leaves."""
    folder.mkdir()
    for name in ("evaluation.json", "baseline.json", "known_input.json"):
        (folder / name).write_text(name)
    return folder


def test_an_evaluation_gives_its_version_figures_a_baseline_and_a_known_input(aws, tmp_path):
    target = deploy(aws["dev"])
    model, folder = Model(folder_of(tmp_path / "model")), evaluation_of(tmp_path / "evaluation")

    version = own_model.register(target, "rnn", model, "Approved", evaluation=folder)

    package = release.describe_version(target, "rnn", version)
    places = [
        package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"],
        package["DriftCheckBaselines"]["ModelDataQuality"]["Statistics"]["S3Uri"],
    ]
    # The release state machine looks for the known input beside the evaluation.
    places.append(places[0].replace("evaluation.json", "known_input.json"))
    for place in places:
        bucket, _, key = place.removeprefix("s3://").partition("/")
        assert key.startswith("local/evaluations/")
        content = target.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        assert content == key.rsplit("/", 1)[-1]


def test_a_folder_that_holds_no_evaluation_is_refused_and_nothing_is_sent(aws, released, tmp_path):
    target = deploy(aws["dev"])
    (tmp_path / "empty").mkdir()

    ended = run("--from", str(folder_of(tmp_path / "model")), "--evaluation", str(tmp_path / "empty"))

    assert "holds no evaluation.json" in str(ended.exception)
    assert not uploaded(target) and not released


def test_an_evaluation_without_its_model_is_refused():
    ended = run("rnn", "--evaluation", ".")
    assert "--evaluation is of the model that --from names" in str(ended.exception)


@pytest.fixture
def released(monkeypatch) -> list[str]:
    """The versions that were released."""
    released_versions: list[str] = []

    def note(target: Target, kind: str, version: str, _) -> None:
        release.require_approved_version(target, kind, version)
        released_versions.append(version)

    monkeypatch.setattr(release, "release", note)
    return released_versions


def run(*words: str):
    return CliRunner().invoke(app, ["release", *words])


def approval(target: Target) -> str:
    return release.describe_version(target, "rnn", "1")["ModelApprovalStatus"]


def uploaded(target: Target) -> int:
    return target.client("s3").list_objects_v2(Bucket=BUCKET)["KeyCount"]


def test_in_prod_a_model_of_this_machine_waits_for_its_approval(aws, released, tmp_path):
    target = deploy(aws["prod"])
    ended = run("--from", str(folder_of(tmp_path)), "--environment", "prod")
    assert "is registered and waits for approval, like every version of prod" in str(ended.exception)
    assert "Its approval in the model registry releases it." in str(ended.exception)
    assert (released, approval(target)) == ([], "PendingManualApproval")


def test_where_an_approval_releases_nothing_the_next_command_is_named(tmp_path):
    said = own_model.waits(Target("prod", VARIABLES), "rnn", "3", on_approval=False)
    assert "then: recognition release rnn --version 3 --aws --environment prod" in said


def test_who_approves_it_releases_it(aws, released, tmp_path):
    target = deploy(aws["prod"])
    ended = run("--from", str(folder_of(tmp_path)), "--environment", "prod", "--approve")
    assert ended.exit_code == 0, ended.exception
    assert (released, approval(target), uploaded(target)) == (["1"], "Approved", 1)


def test_in_dev_every_version_is_approved(aws, released, tmp_path):
    target = deploy(aws["dev"])
    ended = run("--from", str(folder_of(tmp_path)))
    assert ended.exit_code == 0, ended.exception
    assert (released, approval(target)) == (["1"], "Approved")


@pytest.mark.parametrize(
    ("words", "reason"),
    [(["--version", "3"], "--version cannot be given"), (["cnn"], "a model of the rnn, and not of the cnn")],
)
def test_what_contradicts_itself_is_refused_before_an_aws_is_asked(words, reason, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "cli.shared.embedded.choose_target", lambda *_, **__: pytest.fail("an AWS was chosen")
    )
    assert reason in str(run(*words, "--from", str(folder_of(tmp_path))).exception)
