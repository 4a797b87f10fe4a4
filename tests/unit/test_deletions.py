"""Every place that deletes, moves or overwrites files is known with its reason, so that a new one is thought about."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DELETING = {"rmtree", "unlink", "rmdir", "removedirs", "remove", "move", "rename", "replace"}
WRITING = {
    "write_text",
    "write_bytes",
    "copytree",
    "copyfile",
    "savefig",
    "save",
    "savez",
    "savez_compressed",
}
# By file and call: how often, and why no file of a user's can be hit.
DELETES = {
    ("cli/bakeoff/progress.py", "rmtree"): (1, "folders in build/bakeoff that begin with a candidate's log"),
    ("cli/shared/embedded.py", "unlink"): (2, "the two files of keys in build/embedded that `up` wrote"),
    ("local_aws/keys.py", "replace"): (1, "a file of keys in a directory of the embedded AWS's own"),
    ("local_aws/keys.py", "unlink"): (1, "its own unfinished file"),
    ("local_aws/kept.py", "replace"): (1, "kept.json in a state directory that is its own"),
    ("local_aws/managed/weights.py", "replace"): (1, "a file of the package's own folder in the cache"),
    ("local_aws/sagemaker/jobs.py", "rmtree"): (1, "the job's folder in the state directory"),
    ("local_aws/sagemaker/model_servers.py", "rmtree"): (1, "the server's folder in the state directory"),
    ("local_aws/sagemaker/model_servers.py", "unlink"): (1, "the port file in the server's folder"),
    ("local_aws/sagemaker/models.py", "rmtree"): (1, "the folder that it made a line above"),
    ("local_aws/sagemaker/objects.py", "unlink"): (2, "an archive that it wrote in the state directory"),
    ("local_aws/serving.py", "replace"): (1, "the port file in the server's folder"),
    ("local_aws/state.py", "rmtree"): (1, "known names in a directory whose lock it has"),
    ("local_aws/state.py", "unlink"): (1, "known names in a directory whose lock it has"),
    ("model_code/training/checkpoints.py", "replace"): (1, "its own unfinished checkpoint"),
    ("model_code/training/checkpoints.py", "unlink"): (
        2,
        "the same run's older checkpoints, or all of its own",
    ),
    ("model_code/data/downloads.py", "replace"): (
        1,
        "an archive in the cache whose checksum is wrong, and that is said",
    ),
    ("model_code/outputs.py", "replace"): (1, "a file that was not there, or may be overwritten"),
    ("model_code/outputs.py", "rmdir"): (1, "folders that an earlier result leaves empty"),
    ("model_code/outputs.py", "unlink"): (2, "an earlier result's files; its own unfinished file"),
    ("serving/__main__.py", "replace"): (1, "a port file that held a port"),
    ("stacks/shared/lambda_assets.py", "rmtree"): (1, "a function's code in build/lambda-code"),
    ("stacks/shared/vendoring.py", "replace"): (1, "a new folder in build/vendored"),
    ("stacks/shared/vendoring.py", "rmtree"): (1, "in a temporary folder"),
    ("stacks/shared/vendoring.py", "unlink"): (2, "in a temporary folder"),
}
WRITES = {
    "through model_code.outputs, which refuses what is there": (
        *(
            "cli/bulk/runs.py",
            "cli/advise/cost_curve.py",
            "cli/advise/tree_picture.py",
            "cli/recognize/annotate.py",
            "cli/models/transform.py",
        ),
        *(
            "model_code/baselines/train.py",
            "model_code/data/own_splits.py",
            "model_code/data/prepare.py",
            "model_code/evaluation/drift.py",
            "model_code/evaluation/evaluate.py",
            "model_code/evaluation/labelled.py",
        ),
        *(
            "model_code/export/saved_model.py",
            "model_code/export/hooks.py",
            "model_code/export/litert.py",
            "model_code/evaluation/plots.py",
            "model_code/evaluation/report_page.py",
            "model_code/data/records.py",
        ),
    ),
    "an evaluation's folder: prepared, or read as one before": ("model_code/evaluation/files.py",),
    "in build, under names that are ours": (
        *(
            "cli/bakeoff/report.py",
            "cli/local/demo.py",
            "cli/main.py",
            "cli/shared/deploy.py",
            "cli/local/report.py",
            "local_aws/launcher.py",
        ),
        *("stacks/shared/lambda_assets.py", "bakeoff/isolation.py", "model_code/source.py"),
    ),
    "in a job's own folder, under SageMaker's names": (
        *(
            "bakeoff/channels.py",
            "model_code/training/checkpoints.py",
            "model_code/failures.py",
            "model_code/train.py",
        ),
    ),
    "in a state directory or a temporary folder of its own": (
        *(
            "cli/models/archive.py",
            "cli/models/transform_lines.py",
            "local_aws/iam/decisions.py",
            "local_aws/kept.py",
            "local_aws/managed/weights.py",
            "local_aws/keys.py",
        ),
        *("local_aws/sagemaker/container_logs.py", "local_aws/sagemaker/objects.py", "local_aws/serving.py"),
        *(
            "local_aws/sagemaker/processing_jobs.py",
            "local_aws/sagemaker/training_jobs.py",
            "model_code/data/archives.py",
            "model_code/data/downloads.py",
        ),
    ),
    "a port file that held a port": ("serving/__main__.py",),
    "the advisor's tables, which the command is for": ("cli/advise/prices.py",),
    "a setting of its own process": ("local_aws/managed/worker.py",),
    "a pipe to the process that started it": ("bakeoff/worker.py",),
    "into memory": (
        *(
            "bakeoff/managed.py",
            "cli/recognize/samples.py",
            "model_code/data/image_files.py",
            "model_code/data/images.py",
            "serving/model.py",
        ),
    ),
}
# What a measurement or a page of the docs is written into is committed, and git keeps what was there.
OF_THE_REPOSITORY = ("benchmarks/", "tools/")
SHELL = {
    ("Makefile", "clean"): "names that are ours; what else is in build stays and is told",
    ("tools/install.sh", ""): "a .venv that has our stamp, and headers in a wheel that it holds",
}


def product() -> list[str]:
    """Every Python file of the product."""
    listed = subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    return [name for name in listed if not name.startswith(("tests/", *OF_THE_REPOSITORY))]


def calls_in(name: str) -> list[tuple[str, ast.Call]]:
    """The calls of a file by the last part of what is called."""
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [(getattr(call.func, "attr", getattr(call.func, "id", "")), call) for call in calls]


def deletes(called: str, call: ast.Call) -> bool:
    """Whether a call deletes or moves a file: a text's `replace` has two words, a list's `remove` is no module's."""
    if called == "replace":
        return len(call.args) == 1 and not call.keywords
    if called == "remove":
        return isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "os"
    return called in DELETING


def writes(called: str, call: ast.Call) -> bool:
    """Whether a call may overwrite a file."""
    modes = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return (
        called in WRITING
        or called in ("open", "fdopen")
        and any(re.match(r"[wxa]b?(:gz)?$", mode) for mode in modes)
    )


def test_every_call_that_deletes_files_has_its_reason():
    counts = Counter(
        (name, called) for name in product() for called, call in calls_in(name) if deletes(called, call)
    )
    assert counts == {place: count for place, (count, _) in DELETES.items()}


def test_every_file_that_writes_has_its_reason():
    found = {name for name in product() for called, call in calls_in(name) if writes(called, call)}
    listed = [name for names in WRITES.values() for name in names]
    assert sorted(found) == sorted(listed)


def test_no_recipe_or_script_deletes_by_a_pattern_but_those_that_are_known():
    listed = subprocess.run(
        ["git", "ls-files", "Makefile", "*.sh", ".ci/*", "cdk.json", "package.json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    counts = Counter()
    for name in listed:
        target = ""
        for line in (ROOT / name).read_text().splitlines():
            if match := re.match(r"([a-z]+):", line):
                target = match[1]
            if re.search(r"\brm\b -\w*r|\bfind\b.*-delete", line):
                counts[name, target] += 1
    assert set(counts) == set(SHELL)


def test_make_clean_keeps_and_names_what_a_command_was_told_to_write_into_build(tmp_path):
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    ours = ("build/demo/report.html", "build/data/imdb/data_card.json", "cdk.out/manifest.json")
    told = (
        "build/model/model_card.json",
        "build/data/photos/data_card.json",
        "build/embedded/kept/kept.json",
    )
    for name in (*ours, *told):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"content")
    cleaned = subprocess.run(["make", "clean"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert not [name for name in ours if (tmp_path / name).exists()]
    assert [(tmp_path / name).read_bytes() for name in told] == [b"content"] * len(told)
    for kept in ("build/model", "build/data/photos", "build/embedded"):
        assert f"\n{kept}\n" in cleaned.stdout


def test_make_clean_leaves_no_empty_folder_and_says_nothing_where_all_is_ours(tmp_path):
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    (tmp_path / "build" / "data" / "cifar10").mkdir(parents=True)
    cleaned = subprocess.run(["make", "clean"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["Makefile"]
    assert "Kept" not in cleaned.stdout
