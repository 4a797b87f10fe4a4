"""A program's start leaves out what Keras would load for features that are not used here, and can load it later."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import model_code
from model_code.light_import import OPTIONAL, import_tensorflow

# Libraries of nothing take TensorFlow's and the optional ones' places: the real ones take seconds.
PROGRAM = """
import sys
from model_code.light_import import OPTIONAL, import_tensorflow
import_tensorflow()
import tensorflow
print(*tensorflow.found, *(name for name in OPTIONAL if name in sys.modules))
for name in OPTIONAL:
    __import__(name)
"""
TENSORFLOW = """
import importlib
found = []
for name in ("matplotlib", "pandas", "scipy", "sklearn", "numpy_of_nothing"):
    try:
        importlib.import_module(name)
        found.append(name)
    except ImportError:
        pass
"""


def test_tensorflow_finds_none_of_them_and_the_program_finds_them_afterwards(tmp_path):
    (tmp_path / "tensorflow.py").write_text(TENSORFLOW)
    for name in (*OPTIONAL, "numpy_of_nothing"):
        (tmp_path / f"{name}.py").touch()
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={"PYTHONPATH": f"{tmp_path}:{Path(model_code.__file__).parents[1]}"},
        capture_output=True,
        text=True,
    )
    assert (finished.returncode, finished.stdout) == (0, "numpy_of_nothing\n"), finished.stderr


def test_keras_is_set_for_no_other_project(tmp_path):
    (tmp_path / "tensorflow.py").touch()
    program = "import os; from model_code.light_import import import_tensorflow; import_tensorflow(); "
    program += "print(os.environ['KERAS_BACKEND'], os.path.exists(os.environ['KERAS_HOME'] + '/keras.json'))"
    # Keras reads its file there, and else in the user's home.
    (tmp_path / "keras.json").write_text('{"backend": "jax", "image_data_format": "channels_first"}')
    places = f"{tmp_path}:{Path(model_code.__file__).parents[1]}"
    finished = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": places, "KERAS_HOME": str(tmp_path), "KERAS_BACKEND": "torch"},
        capture_output=True,
        text=True,
    )
    assert finished.stdout == "tensorflow False\n", finished.stderr


def test_a_library_that_is_loaded_already_stays():
    import scipy
    import tensorflow

    import_tensorflow()

    assert sys.modules["scipy"] is scipy
    assert sys.modules["tensorflow"] is tensorflow
