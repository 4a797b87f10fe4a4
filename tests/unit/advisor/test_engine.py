"""What rules out, what ranks, what would flip the advice."""

from __future__ import annotations

import datetime
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor import Problem, ProblemError, counterfactuals, engine, recommend, tables
from advisor.bills import MonthlyCost
from advisor.costs import monthly_cost
from advisor.problem import CHOICES, TASKS
from advisor.ranking import cost_reason, known_bills
from advisor.rules import rules

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
    assert sorted(named) == sorted(
        candidate.id for candidate in tables.candidates_for(problem.modality, problem.task)
    )
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


@given(problems())
def test_what_may_cost_more_than_the_budget_is_not_advised(problem):
    budget, volume = problem.budget_usd_per_month, problem.predictions_per_month
    for option in recommend(problem).options:
        assert budget is None or not volume or option.usd_per_month <= budget


def test_a_price_that_nobody_knows_holds_no_budget():
    problem = Problem(modality="text", task="toxicity", predictions_per_month=1_000, region="eu-west-3")
    assert "comprehend.detect_toxic_content" in ids(recommend(problem))
    advice = recommend(problem.replace(budget_usd_per_month=10_000.0))
    assert (
        "nobody can say whether the budget covers it"
        in dict(advice.ruled_out)["comprehend.detect_toxic_content"]
    )


@given(st.lists(st.floats(1, 10**7), min_size=1, max_size=5), st.integers(0, 4))
def test_a_price_that_nobody_knows_is_never_better_than_a_known_one(usd, position):
    bills = known_bills(MonthlyCost(one) for one in usd)
    lost_by = {
        cost: sum(reason.points for reason in cost_reason(cost, bills))
        for cost in (MonthlyCost(usd[position % len(usd)]), MonthlyCost(None, "a.price"))
    }
    assert lost_by[MonthlyCost(None, "a.price")] == min(lost_by.values())


@given(st.sampled_from(PAIRS), st.integers(1, 10**8), st.integers(1, 10))
def test_no_bill_falls_when_the_volume_rises(pair, volume, factor):
    problem = Problem(modality=pair[0], task=pair[1], predictions_per_month=volume)
    few, many = (
        {option.id: option.usd_per_month for option in recommend(asked).options}
        for asked in (problem, problem.replace(predictions_per_month=volume * factor))
    )
    assert all(
        few[name] <= usd * (1 + 1e-9) for name, usd in many.items() if None not in (usd, few.get(name))
    )


@pytest.mark.parametrize(
    ("answer", "serving"),
    [
        ({"offline": True}, "a LiteRT model on the device (AWS IoT Greengrass)"),
        ({"data_residency": "on_premises"}, "a container on the premises"),
    ],
)
def test_without_the_cloud_a_model_is_served_where_the_data_is(answer, serving):
    problem = Problem(modality="image", task="classification", predictions_per_month=10**6, **answer)
    (network,) = (option for option in recommend(problem).options if option.id == "cnn")
    assert network.serving == serving
    assert network.usd_per_month > 0


def test_on_premises_training_is_told_to_stay_there_too():
    advice = recommend(Problem(modality="image", task="classification", data_residency="on_premises"))
    assert any("train on the premises" in risk for risk in advice.options[0].risks)


@pytest.mark.parametrize(
    ("task", "candidate", "most"),
    [
        ("translation", "translate.translate_text", 10_000),
        ("speech_synthesis", "polly.synthesize_speech", 3_000),
        ("toxicity", "comprehend.detect_toxic_content", 10_000),
        ("classification", "comprehend.classify_document", 10_000),
        ("sentiment", "comprehend.detect_sentiment", 5_000),
    ],
)
def test_an_operation_is_advised_up_to_its_own_limit_of_text(task, candidate, most):
    fits, does_not = (
        recommend(Problem(modality="text", task=task, characters_per_item=length))
        for length in (most, most + 1)
    )
    assert candidate in ids(fits)
    assert f"takes at most {most:,} bytes" in dict(does_not.ruled_out)[candidate]


@pytest.mark.parametrize("answer", [{"offline": True}, {"data_residency": "on_premises"}])
def test_no_service_is_advised_where_no_service_can_be_reached(answer):
    advice = recommend(Problem(modality="image", task="classification", **answer))
    assert {option.family for option in advice.options} == {"cnn", "traditional"}


def test_an_existing_customer_may_stay_but_hears_that_it_closes():
    problem = Problem(
        modality="text", task="topic_modelling", existing_customer_of=("comprehend.topic_modelling",)
    )
    stay = next(
        option
        for option in recommend(problem).options
        if option.id == "comprehend.start_topics_detection_job"
    )
    assert "closed to new customers since 2026-04-30" in stay.risks[0]


def test_what_has_ended_is_advised_to_nobody():
    problem = Problem(
        modality="video", task="people_pathing", existing_customer_of=("rekognition.people_pathing",)
    )
    assert "rekognition.start_person_tracking" not in ids(recommend(problem))


def test_a_closure_has_a_replacement_and_a_date_where_aws_states_one():
    for closure in tables.closures().values():
        dates = [date for date in (closure.closed_to_new_customers, closure.end_of_support) if date]
        assert all(isinstance(date, datetime.date) for date in dates)
        assert dates or "no date was found" in closure.source
        assert closure.replacement and closure.source
        assert "None" not in closure.sentence()


SENTENCE = re.compile(r"If (\w+) were (.+) \(it is .+\), (.+) would come first\.")


def changed(problem: Problem, name: str, words: str) -> Problem:
    """The problem with the answer that a sentence names."""
    kind = type(getattr(problem, name))
    values = {bool: lambda text: text == "True", str: str}
    return problem.replace(**{name: values.get(kind, lambda text: kind(text.replace(",", "")))(words)})


@given(problems())
def test_each_sentence_about_what_would_change_it_is_true(problem):
    advice = recommend(problem)
    for sentence in advice.counterfactuals:
        name, words, winner = SENTENCE.fullmatch(sentence).groups()
        first = ids(recommend(changed(problem, name, words)))[0]
        assert tables.candidates()[first].title == winner
        assert first != (ids(advice) or [""])[0]


@pytest.mark.parametrize(("volume", "just_before"), [(10_000, 0.9), (1_000_000, 1.1)], ids=["above", "below"])
def test_the_volume_that_would_change_it_is_the_nearest_one(volume, just_before):
    problem = Problem(modality="image", task="moderation", labels="own", predictions_per_month=volume)
    flips = [SENTENCE.fullmatch(sentence).groups() for sentence in recommend(problem).counterfactuals]
    (told,) = (int(words.replace(",", "")) for name, words, _ in flips if name == "predictions_per_month")
    # It is told with two digits, so that a tenth before it nothing changes yet.
    nearer = counterfactuals.first_with(problem, "predictions_per_month", int(told * just_before))
    assert nearer == ids(recommend(problem))[0]


@given(problems())
def test_the_unknown_that_matters_most_does_change_the_advice(problem):
    if found := re.match(r"The answer to (\w+) matters most", recommend(problem).most_wanted):
        flips = dict(counterfactuals.what_ifs(problem, (ids(recommend(problem)) or [""])[0]))
        assert found[1] in {name for name, _ in flips} and getattr(problem, found[1]) is None


def test_every_pair_has_its_break_even_at_which_both_cost_the_same():
    problem = Problem(modality="text", task="sentiment", predictions_per_month=10_000)
    advice = recommend(problem)
    assert (
        len({(break_even.below, break_even.above) for break_even in advice.break_evens})
        == len(advice.break_evens)
        >= 3
    )
    assert any(
        ids(advice)[0] not in (break_even.below, break_even.above) for break_even in advice.break_evens
    )
    for break_even in advice.break_evens:
        bills = [
            monthly_cost(tables.candidates()[name], problem, break_even.volume).monthly_usd
            for name in (break_even.below, break_even.above)
        ]
        # Bills by the hour jump, so at the break-even the second is cheaper and just before it was not.
        before = [
            monthly_cost(tables.candidates()[name], problem, break_even.volume * 0.9999).monthly_usd
            for name in (break_even.below, break_even.above)
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


def test_both_sides_of_every_threshold_are_tried():
    tried = counterfactuals.alternatives()
    for _, rule in rules():
        for fact, bound in rule.tests:
            if fact in tried:
                assert any(value >= bound for value in tried[fact]), (rule.id, fact)
                assert any(value < bound for value in tried[fact]) or bound <= 1, (rule.id, fact)
