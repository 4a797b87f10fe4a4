"""What training prints is what SageMaker's regular expressions read back."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_code.training.metrics import METRIC_DEFINITIONS, NAMES, metric_line


@given(st.dictionaries(st.sampled_from(NAMES), st.floats(-1e12, 1e12).filter(lambda value: value == value)))
def test_each_printed_metric_is_read_back_and_no_other(values):
    line = metric_line(**values)

    read = {
        name: float(found[1])
        for name, metric_definition in METRIC_DEFINITIONS.items()
        if (found := re.search(metric_definition, line))
    }

    assert read == pytest.approx(values, rel=1e-5)


def test_a_metric_without_a_definition_is_refused():
    with pytest.raises(ValueError, match="no metric definition for f1"):
        metric_line(f1=0.5)


def test_sagemaker_accepts_the_definitions():
    # CreateTrainingJob: at most 40 definitions, names of 1 to 255 and expressions of 1 to 500 characters.
    assert len(METRIC_DEFINITIONS) <= 40
    assert all(
        1 <= len(name) <= 255 and 1 <= len(metric_definition) <= 500
        for name, metric_definition in METRIC_DEFINITIONS.items()
    )
