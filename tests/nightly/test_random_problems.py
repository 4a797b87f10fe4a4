"""Ten thousand random problems a night: what would change the advice does, and no option breaks a constraint."""

from __future__ import annotations

import datetime
import math
import random
import re

from advisor import Problem, ProblemError, recommend, tables
from advisor.problem import CHOICES, COUNTS, NUMBERS, ON_PREMISES, ONLY_FOR, SWITCHES, TASKS
from advisor.ranking import first_of

PROBLEMS = 10_000
# Another one each night; a failure names the answers.
SEED = datetime.date.today().toordinal()
SENTENCE = re.compile(r"If (\w+) were (.+) \(it is .+\), (.+) would come first\.")
IN_THE_CLOUD = {"managed", "managed_custom", "foundation", "hybrid"}


def answer(name: str, generator: random.Random) -> object:
    """Any value of an answer; numbers by their magnitude."""
    if name in CHOICES:
        return generator.choice(CHOICES[name])
    if name in SWITCHES:
        return generator.random() < 0.5
    low, high = COUNTS.get(name) or NUMBERS[name]
    if high == 1.0:
        return generator.random()
    value = math.exp(generator.uniform(math.log(max(low, 0.01)), math.log(min(high, 1e9))))
    return max(low, int(value)) if name in COUNTS else value


def problem(generator: random.Random) -> Problem | None:
    """Some answers to a random task, from few to all; None where two of them contradict each other."""
    modality = generator.choice(list(TASKS))
    known = generator.random()
    answers: dict[str, object] = {"modality": modality, "task": generator.choice(TASKS[modality])}
    for name in (*CHOICES, *COUNTS, *NUMBERS, *SWITCHES):
        if name not in answers and modality in ONLY_FOR.get(name, (modality,)) and generator.random() < known:
            answers[name] = answer(name, generator)
    try:
        return Problem.from_dict(answers)
    except ProblemError:
        return None


def changed(one: Problem, name: str, words: str) -> Problem:
    """The problem with the answer that a sentence names."""
    now = getattr(one, name)
    value = words == "True" if isinstance(now, bool) else words if isinstance(now, str) else None
    return one.replace(**{name: type(now)(words.replace(",", "")) if value is None else value})


def test_what_would_change_it_does_and_no_option_breaks_a_constraint():
    generator = random.Random(SEED)
    asked = sentences = 0
    while asked < PROBLEMS:
        if (one := problem(generator)) is None:
            continue
        asked += 1
        advice = recommend(one)
        first = advice.options[0].id if advice.options else ""
        for option in advice.options:
            if one.predictions_per_month and one.budget_usd_per_month is not None:
                assert option.usd_per_month is not None, one
                assert option.usd_per_month <= one.budget_usd_per_month, one
            if one.offline or one.data_residency == ON_PREMISES:
                assert option.family not in IN_THE_CLOUD, one
            between = option.cost_range
            if between and between.high_usd is not None and option.usd_per_month is not None:
                assert between.low_usd <= option.usd_per_month * (1 + 1e-9), one
                assert option.usd_per_month <= between.high_usd * (1 + 1e-9), one
        for sentence in advice.counterfactuals:
            sentences += 1
            found = SENTENCE.fullmatch(sentence)
            assert found, sentence
            name, words, winner = found.groups()
            there = first_of(changed(one, name, words))
            assert there not in ("", first) and tables.candidates()[there].title == winner, (sentence, one)
    assert sentences > PROBLEMS / 10
