"""The serving container, whose image nobody builds here: the files of its Dockerfile suffice."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_container_has_every_file_that_it_needs_and_no_tensorflow(tmp_path):
    """The Dockerfile's COPY lines, carried out into an empty folder from which alone the program then runs."""
    lines = (ROOT / "serving" / "Dockerfile").read_text().splitlines()
    for line in lines:
        if line.startswith("COPY "):
            *sources, target = line.split()[1:]
            for source in sources:
                files = sorted(ROOT.glob(source))
                assert files, f"{source} is copied but not there"
                for file in files:
                    place = tmp_path / target / file.name if target.endswith("/") else tmp_path / target
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(file, place)
    assert (tmp_path / "serving" / "requirements.lock").is_file()
    program = (
        f"import sys; sys.path = [{str(tmp_path)!r}] + [one for one in sys.path if one != {str(ROOT)!r}]\n"
        "import serving.__main__, serving.model, model_code.inference, ai_edge_litert.interpreter\n"
        f"assert serving.__file__.startswith({str(tmp_path)!r})\n"
        "print([name for name in sys.modules if name in ('tensorflow', 'keras', 'boto3', 'aws_cdk')])"
    )
    command = [sys.executable, "-c", program]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert finished.stdout.strip() == "[]", finished.stderr
    locked = (ROOT / "serving" / "requirements.lock").read_text()
    named = {line.split("==")[0] for line in locked.splitlines() if re.match(r"^[a-z]", line)}
    asked = (ROOT / "serving" / "requirements.in").read_text().splitlines()
    assert {re.split("[=<>]", line)[0] for line in asked if line and not line.startswith("#")} <= named
