"""What the rules say of single problems, and that each has a reason and a source."""

from __future__ import annotations

import pytest

from advisor import Problem, engine, recommend, tables
from advisor.rules import rules


def ids(advice: engine.Advice) -> list[str]:
    return [option.id for option in advice.options]


@pytest.mark.parametrize(
    ("milliseconds", "way"), [(100, "an endpoint on processors"), (4e6, "batch transform")]
)
def test_a_built_in_algorithm_is_served_where_its_container_runs(milliseconds, way):
    problem = Problem(modality="time_series", task="forecasting", max_latency_ms=float(milliseconds))
    for volume in (None, 1_000, 10**8):
        advice = recommend(problem.replace(predictions_per_month=volume))
        assert next(option for option in advice.options if option.id == "sagemaker.deepar").serving == way


@pytest.mark.parametrize("answer", [{"offline": True}, {"data_residency": "on_premises"}])
def test_a_built_in_algorithm_is_not_advised_where_no_service_can_be_reached(answer):
    advice = recommend(Problem(modality="time_series", task="forecasting", **answer))
    assert ids(advice) == ["traditional_ml"]


def test_series_without_known_features_go_to_whom_comparisons_found_better():
    for task in ("regression", "anomaly_detection"):
        answers = {"modality": "time_series", "task": task, "labelled_examples": 5_000}
        assert ids(recommend(Problem(features="none", **answers)))[0] == "traditional_ml"
        # What lies far back is a judgement that no comparison refutes.
        far = Problem(features="none", dependence="long", **answers)
        assert ids(recommend(far))[0] == "rnn"


def test_of_equals_the_one_comes_first_that_leaves_less_to_look_after():
    problem = Problem(
        modality="time_series", task="classification", labelled_examples=200, classes=2, dependence="long"
    )
    first, second, *_ = recommend(problem).options
    assert (first.points, first.family, second.family) == (second.points, "traditional", "rnn")


def test_that_boosting_wins_on_tables_is_said_of_what_was_compared():
    assert (
        ids(recommend(Problem(modality="tabular", task="recommendation")))[0]
        == "personalize.get_recommendations"
    )
    assert recommend(Problem(modality="tabular", task="regression")).options[0].points == 5


def test_every_rule_names_candidates_that_exist_and_has_a_reason_and_a_source():
    kinds = frozenset().union(*(candidate.kinds for candidate in tables.candidates().values()))
    for addressed, rule in rules():
        assert addressed <= kinds, rule.id
        assert rule.reason.endswith(".") and rule.source


def test_no_rule_names_a_data_set_and_ids_are_unique():
    names = [rule.id for _, rule in rules()]
    assert len(set(names)) == len(names)
    conditions = str([entry["when"] for entry in tables.read("rules.toml")["rule"]]).lower()
    assert not any(name in conditions for name in ("cifar", "imdb", "mnist", "digits"))
