"""The benchmark of the advice: its arithmetic, and that the rules and the page are honest about it."""

from __future__ import annotations

import re

import pytest

from advisor import tables
from benchmarks import regret
from benchmarks.packaged_sets import CITED, SETS
from tools import write_regret


def one(modality: str = "image", examples: int = 20_000, code: str = "", **accuracies: float) -> dict:
    split = {name: {"value": value} for name, value in {"majority_class": 0.1, **accuracies}.items()}
    answers = {
        "modality": modality,
        "task": "classification",
        "labels": "own",
        "labelled_examples": examples,
        "classes": 10,
    }
    return {
        "answers": answers,
        "splits": [split],
        "failed": {},
        "candidates": code or regret.candidates_digest(modality),
    }


def test_regret_is_what_the_best_family_has_more_than_the_advised_one():
    """A CNN is advised for 2,000 images a class, whatever comes of it."""
    found = regret.regrets_of(one(gradient_boosting=0.9, logistic_regression=0.8, cnn=0.85))
    assert (found["advised"], found["best"], found["regret"]) == ("cnn", "traditional", 0.05)
    assert found["traditional always"] == 0 and found["CNN for images, else traditional"] == 0.05
    assert found["managed always"] == pytest.approx(0.8), "it has no words for these classes"
    assert found["contested"]


def test_a_set_is_contested_where_two_families_are_above_chance_and_within_reach():
    assert not regret.regrets_of(one(gradient_boosting=0.5, cnn=0.9))["contested"]
    assert not regret.regrets_of(one(gradient_boosting=0.12, cnn=0.14))["contested"]
    assert not regret.regrets_of(one(gradient_boosting=0.9))["contested"]


def test_a_familys_accuracy_is_that_of_its_best_candidate_over_the_splits():
    measured = one(gradient_boosting=0.9, logistic_regression=0.8, cnn=0.7)
    measured["splits"].append({name: {"value": 0.6} for name in measured["splits"][0]})
    assert regret.families_of(measured) == pytest.approx({"traditional": 0.75, "cnn": 0.65})


def test_a_policys_costs_are_told_by_their_mean_their_middle_and_their_largest():
    found = [{"regret": cost, **dict.fromkeys(regret.POLICIES, 0.0)} for cost in (0.0, 0.01, 0.08)]
    expected = {"mean": 0.03, "median": 0.01, "largest": 0.08, "within_one_point": 0.667}
    assert regret.costs(found)["the advice"] == expected


def test_sets_that_a_rule_cites_and_older_results_are_told_apart():
    fine = one(gradient_boosting=0.8, cnn=0.85)
    summary = regret.summary({CITED[0]: fine, "digits": fine, "mnist": {**fine, "candidates": "another"}})
    assert [summary[part]["sets"] for part in ("all", "contested", "contested_and_not_cited")] == [3, 3, 2]
    assert summary["older_than_the_candidates"] == ["mnist"]
    found = {"mean": 0.0, "median": 0.0, "largest": 0.0, "within_one_point": 1.0}
    assert summary["contested"]["the advice"] == found
    assert summary["contested"]["traditional always"]["mean"] == 0.05


def test_the_digest_is_of_what_candidates_do_and_not_of_what_is_said(tmp_path, monkeypatch):
    sources = {"a.py": '"""Says."""\n\ndef f():\n    """Says."""\n    return open(1)  # why\n'}
    sources["b.py"] = sources["a.py"].replace("Says", "Says more").replace("why", "because")
    sources["b.py"] = sources["b.py"].replace("open(1)", 'open(1, encoding="utf-8")')
    sources["b.py"] += 'import os\n\ndef notes_about():\n    return "more"\n'
    sources["c.py"] = sources["a.py"].replace("open(1)", "open(2)")
    digests = []
    monkeypatch.setattr(regret, "SOURCES", {"image": ("code.py",), "text": ("code.py",)})
    monkeypatch.setattr(regret, "ROOT", tmp_path)
    for text in sources.values():
        (tmp_path / "code.py").write_text(text)
        digests.append(regret.candidates_digest("image"))
    assert digests[0] == digests[1] != digests[2]
    assert regret.candidates_digest("text") != digests[2], "other candidates compete for texts"


def test_how_image_files_are_read_changes_no_other_candidates_answers(tmp_path, monkeypatch):
    monkeypatch.setattr(regret, "SOURCES", {"image": ("code.py",), "text": ("code.py",)})
    monkeypatch.setattr(regret, "ROOT", tmp_path)
    digests = []
    for side in (1, 2):
        (tmp_path / "code.py").write_text(f"def decode_images():\n    return {side}\n")
        digests.append([regret.candidates_digest(modality) for modality in ("image", "text")])
    assert digests[0][0] != digests[1][0]
    assert digests[0][1] == digests[1][1]


def test_no_rule_names_a_set_of_the_benchmark():
    rules = (tables.DATA / "rules.toml").read_text().lower()
    assert not [name for name in SETS if re.search(rf"\b{name.replace('_', '[ _-]?')}\b", rules)]


def test_the_page_says_what_the_committed_result_says_and_which_of_it_is_older():
    words = write_regret.PAGE.read_text()
    assert write_regret.page(words) == words
    assert "Measured by older candidates" in words
