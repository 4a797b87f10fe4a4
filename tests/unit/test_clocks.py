"""No test changes the clock of the whole process: other threads of it sleep and read the time too."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
OF_THE_PROCESS = re.compile(r"""setattr\((?:\w+\.)*time, |setattr\("time\.""")


def test_a_test_changes_the_clock_of_one_module_alone():
    found = [file.name for file in TESTS.rglob("test_*.py") if OF_THE_PROCESS.search(file.read_text())]
    assert [name for name in found if name != Path(__file__).name] == []
