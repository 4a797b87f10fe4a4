"""Answers that cannot be are refused by the name of the question."""

from __future__ import annotations

import pytest

from advisor import Problem, ProblemError


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({"modality": "smell"}, "modality"),
        ({"modality": "image", "task": "sentiment"}, "task"),
        ({"predictions_per_month": -1}, "predictions_per_month"),
        ({"labelled_examples": 2.5}, "labelled_examples"),
        ({"classes": 1}, "classes"),
        ({"classes": True}, "classes"),
        ({"accuracy_needed": float("nan")}, "accuracy_needed"),
        ({"labelled_examples": 5, "classes": 6}, "classes"),
        ({"accuracy_needed": 0.8, "baseline_accuracy": 0.9}, "accuracy_needed"),
        ({"modality": "tabular", "labels": "generic"}, "labels"),
        ({"modality": "text", "image_kind": "natural"}, "image_kind"),
        ({"task": "regression", "classes": 3}, "classes"),
        ({"offline": "no"}, "offline"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_an_impossible_answer_is_refused_by_its_question(answers, field):
    with pytest.raises(ProblemError, match=rf"^{field}: .*\.$") as refused:
        Problem.from_dict(answers)
    assert refused.value.field == field


def test_nothing_has_to_be_known():
    assert Problem().to_dict() == {"region": "us-east-1"}
