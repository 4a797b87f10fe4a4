"""A plugin of pytest: a property that is run is fed by libFuzzer, which keeps what reaches lines that nothing reached.

Hypothesis makes the property's arguments of libFuzzer's bytes. The process ends with the first property, by libFuzzer's
own exit: 0 when its time is over, else what failed is in Hypothesis' database, and the input in the folder.
"""

from __future__ import annotations

import contextlib
from importlib import import_module
from typing import Any

import pytest

# It is in build/fuzzer alone, and no stub has all of it.
atheris: Any = import_module("atheris")
# What is imported from here on tells libFuzzer which of its lines were reached.
CODE = ["definitions", "lambdas", "local_aws", "model_code", "serving", "cli"]
LONGEST_SECONDS = 60
contextlib.ExitStack().enter_context(atheris.instrument_imports(include=CODE))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Says for how long and where."""
    parser.addoption("--fuzz-seconds", type=int, required=True)
    parser.addoption("--fuzz-folder", required=True)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Hands a property, which has no fixtures, to libFuzzer."""
    option = pyfuncitem.config.option
    bounds = [f"-max_total_time={option.fuzz_seconds}", f"-timeout={LONGEST_SECONDS}"]
    words = [*bounds, f"-artifact_prefix={option.fuzz_folder}/", "-verbosity=0", "-print_final_stats=1"]
    atheris.Setup(["libfuzzer", *words], pyfuncitem.obj.hypothesis.fuzz_one_input)
    atheris.Fuzz()
