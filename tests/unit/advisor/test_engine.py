"""What rules out, what ranks, what would flip the advice."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import Problem, ProblemError, engine, recommend, tables
from advisor.problem import CHOICES, TASKS

PAIRS = [(modality, task) for modality, tasks in TASKS.items() for task in tasks]


def ids(advice: engine.Advice) -> list[str]:
    return [option.id for option in advice.options]


def maybe(values):
    return st.none() | values


@st.composite
def problems(draw) -> Problem:
    modality, task = draw(st.sampled_from(PAIRS))
    answers = {
        "labelled_examples": draw(maybe(st.integers(0, 10**7))),
        "predictions_per_month": draw(maybe(st.integers(0, 10**9))),
        "max_latency_ms": draw(maybe(st.floats(1, 10**8))),
        "offline": draw(maybe(st.booleans())),
        "free_tier": draw(maybe(st.booleans())),
        "budget_usd_per_month": draw(maybe(st.floats(0, 10**6))),
        **{
            name: draw(maybe(st.sampled_from(CHOICES[name])))
            for name in ("burstiness", "explainability", "data_residency", "team")
        },
    }
    return Problem(modality=modality, task=task, **answers)


@settings(max_examples=150, deadline=None)
@given(problems())
def test_any_problem_gets_an_answer_in_which_every_candidate_is_once(problem):
    advice = recommend(problem)
    named = ids(advice) + [name for name, _ in advice.ruled_out]
    assert sorted(named) == sorted(one.id for one in tables.candidates_for(problem.modality, problem.task))
    points = [option.points for option in advice.options]
    assert points == sorted(points, reverse=True)


@settings(max_examples=150, deadline=None)
@given(problems())
def test_what_is_closed_is_never_advised_to_a_new_customer(problem):
    assert not any(tables.candidates()[name].closure for name in ids(recommend(problem)))


@settings(max_examples=60, deadline=None)
@given(problems())
def test_the_same_problem_gets_the_same_answer(problem):
    assert recommend(problem) == recommend(Problem.from_dict(problem.to_dict()))


@settings(max_examples=100, deadline=None)
@given(problems())
def test_nothing_over_the_budget_is_advised(problem):
    budget = problem.budget_usd_per_month
    for option in recommend(problem).options:
        assert budget is None or option.usd_per_month is None or option.usd_per_month <= budget


@pytest.mark.parametrize("answer", [{"offline": True}, {"data_residency": "on_premises"}])
def test_no_service_is_advised_where_no_service_can_be_reached(answer):
    advice = recommend(Problem(modality="image", task="classification", **answer))
    assert {option.family for option in advice.options} == {"cnn", "traditional"}


def test_an_existing_customer_may_stay_but_hears_that_it_closes():
    problem = Problem(
        modality="text", task="topic_modelling", existing_customer_of=("comprehend.topic_modelling",)
    )
    stay = next(
        one for one in recommend(problem).options if one.id == "comprehend.start_topics_detection_job"
    )
    assert "closed to new customers since 2026-04-30" in stay.risks[0]


def test_what_has_ended_is_advised_to_nobody():
    problem = Problem(
        modality="video", task="people_pathing", existing_customer_of=("rekognition.people_pathing",)
    )
    assert "rekognition.start_person_tracking" not in ids(recommend(problem))


def test_a_closure_is_a_date_and_a_replacement():
    for closure in tables.closures().values():
        dates = [date for date in (closure.closed_to_new_customers, closure.end_of_support) if date]
        assert dates and all(isinstance(date, datetime.date) for date in dates)
        assert closure.replacement and closure.source


def test_each_named_change_really_puts_another_candidate_first():
    problem = Problem(
        modality="image",
        task="classification",
        labels="own",
        labelled_examples=20_000,
        classes=10,
        team="software",
    )
    first = ids(recommend(problem))[0]
    flips = dict(engine.what_ifs(problem, first))
    assert flips
    for (name, value), winner in flips.items():
        assert ids(recommend(problem.replace(**{name: value})))[0] == winner != first


@settings(max_examples=25, deadline=None)
@given(problems())
def test_the_quick_way_to_try_a_change_finds_what_ranking_the_changed_problem_finds(problem):
    ranked, _ = engine.rank(problem)
    first = ranked[0][0].id if ranked else ""
    slow = {}
    for name, values in engine.alternatives().items():
        for value in values:
            if value == getattr(problem, name):
                continue
            try:
                changed, _ = engine.rank(problem.replace(**{name: value}))
            except ProblemError:
                continue
            if changed and changed[0][0].id != first:
                slow[name, value] = changed[0][0].id
    assert dict(engine.what_ifs(problem, first)) == slow


def test_every_pair_has_its_break_even_at_which_both_cost_the_same():
    problem = Problem(modality="text", task="sentiment", predictions_per_month=10_000)
    advice = recommend(problem)
    assert len({(one.below, one.above) for one in advice.break_evens}) == len(advice.break_evens) >= 3
    assert any(ids(advice)[0] not in (one.below, one.above) for one in advice.break_evens)
    for one in advice.break_evens:
        bills = [
            engine.monthly_cost(tables.candidates()[name], problem, one.volume).monthly_usd
            for name in (one.below, one.above)
        ]
        # Bills by the hour jump, so at the break-even the second is cheaper and just before it was not.
        before = [
            engine.monthly_cost(tables.candidates()[name], problem, one.volume * 0.9999).monthly_usd
            for name in (one.below, one.above)
        ]
        assert bills[0] >= bills[1] and before[0] <= before[1]


def test_the_unknown_that_matters_is_one_that_was_not_answered():
    problem = Problem(modality="text", task="classification", labels="own", labelled_examples=5_000)
    assert recommend(problem).most_wanted.split()[3] not in problem.to_dict()


@pytest.mark.parametrize("missing", ["modality", "task"])
def test_without_modality_and_task_there_is_nothing_to_choose(missing):
    answers = {"modality": "text", "task": "sentiment"}
    answers.pop(missing)
    with pytest.raises(ProblemError, match=f"{missing}: is needed"):
        recommend(Problem(**answers))


def test_every_rule_names_candidates_that_exist_and_has_a_reason_and_a_source():
    kinds = frozenset().union(*(candidate.kinds for candidate in tables.candidates().values()))
    for addressed, rule in engine.rules():
        assert addressed <= kinds, rule.id
        assert rule.reason.endswith(".") and rule.source


def test_no_rule_names_a_data_set_and_ids_are_unique():
    names = [rule.id for _, rule in engine.rules()]
    assert len(set(names)) == len(names)
    conditions = str([entry["when"] for entry in tables.read("rules.toml")["rule"]]).lower()
    assert not any(name in conditions for name in ("cifar", "imdb", "mnist", "digits"))


def test_both_sides_of_every_threshold_are_tried():
    tried = engine.alternatives()
    for _, rule in engine.rules():
        for fact, bound in rule.tests:
            if fact in tried:
                assert any(value >= bound for value in tried[fact]), (rule.id, fact)
                assert any(value < bound for value in tried[fact]) or bound <= 1, (rule.id, fact)
