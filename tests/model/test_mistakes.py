"""What the evaluation points at: sure answers that are wrong, labels that may be wrong, and what an answer rests on."""

from __future__ import annotations

import json

import numpy as np
import pytest

from model_code.data.images import png
from model_code.data.own_splits import PLACES_FILE
from model_code.data.records import Split
from model_code.evaluation import importance
from model_code.evaluation.evaluate import told_of_samples
from model_code.evaluation.mistakes import MOST_LISTED, listed, suspected_labels, worst_mistakes
from model_code.evaluation.report_page import Evaluated, page
from model_code.scores import Predictions

LABELS = ["cat", "dog", "eel"]


def answered(count: int = 600, wrong: int = 30) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities that follow the true classes, labels of which some are wrong, and where those are."""
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 3, count)
    logits = generator.normal(size=(count, 3)) + 4.0 * np.eye(3)[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets, places = truth.copy(), generator.choice(count, wrong, replace=False)
    targets[places] = (truth[places] + 1) % 3
    return probabilities, targets, places


def test_labels_that_were_changed_are_those_that_are_suspected():
    probabilities, targets, changed = answered()

    suspected, likelier = suspected_labels(probabilities, targets)

    assert MOST_LISTED >= len(suspected) > len(changed) / 2
    assert np.isin(suspected, changed).mean() > 0.9
    assert (likelier != targets[suspected]).all()


def test_right_labels_and_classes_without_samples_are_not_suspected():
    probabilities = np.array([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0], [0.3, 0.7, 0.0], [0.05, 0.05, 0.9]])
    targets = np.array([0, 0, 1, 1])

    suspected, _ = suspected_labels(probabilities, targets)

    assert suspected.tolist() == []


def test_the_surest_wrong_answer_comes_first():
    probabilities = np.array([[0.6, 0.4], [0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])

    assert worst_mistakes(Predictions.likeliest(probabilities), np.array([1, 1, 1, 1])).tolist() == [1, 3, 0]


def test_samples_are_named_by_where_they_came_from(tmp_path):
    (tmp_path / PLACES_FILE).write_text(json.dumps(["a.jpg", "b.jpg"]))
    predictions = Predictions.likeliest(np.array([[0.9, 0.1, 0.0], [0.9, 0.1, 0.0]]))

    found = listed(predictions, np.array([0, 1]), LABELS, told_of_samples(tmp_path, PLACES_FILE, 2))

    assert found["worst_mistakes"] == [
        {"position": 1, "place": "b.jpg", "label": "dog", "answer": "cat", "score": 0.9}
    ]
    assert told_of_samples(tmp_path, PLACES_FILE, 3) is None


def test_an_image_answer_rests_on_the_part_that_decides_it():
    pixels = np.full((64, 96, 3), 90, np.uint8)
    pixels[8:16, 72:84] = 255

    def brightest(files: list[bytes]) -> np.ndarray:
        bright = np.array([(importance.upright_pixels(file) > 200).mean() * 60 for file in files])
        return np.stack([1 - bright, bright], axis=1)

    falls = importance.of_image(brightest, png(pixels), 1)

    row, column = np.unravel_index(falls.argmax(), falls.shape)
    assert (row, column) == (1, 6)
    assert abs(falls[5:, :4]).max() < 0.01


def test_a_text_answer_rests_on_the_word_that_decides_it():
    def ask(texts: list[bytes]) -> np.ndarray:
        good = np.array([0.9 if b"wonderful" in text else 0.4 for text in texts])
        return np.stack([1 - good, good], axis=1)

    falls = dict(importance.of_text(ask, "A wonderful, long film", 1))

    assert falls["wonderful"] == pytest.approx(0.5)
    assert falls["long"] == pytest.approx(0.0)


def test_a_rows_answer_rests_on_the_value_that_decides_it():
    def ask(lines: list[bytes]) -> np.ndarray:
        late = np.array([0.9 if b'"12, late"' in line else 0.4 for line in lines])
        assert all(line.count(b'"') == 6 for line in lines), "every line has three values"
        return np.stack([1 - late, late], axis=1)

    falls = importance.of_row(ask, 'Ulm,"12, late",', 1)

    assert [word for word, _ in falls] == ["Ulm", "12, late", ""]
    assert [fall for _, fall in falls] == pytest.approx([0.0, 0.5, 0.0])


def test_the_page_shows_samples_and_nothing_of_the_data_runs_in_it(tmp_path):
    texts = [b"<script>alert(1)</script> bad", b"fine"]
    split = Split(texts, np.array([1, 0]), ["<b>neg</b>", "pos"], "text")
    report = {
        "metric": "accuracy",
        "score": 0.5,
        "samples": 2,
        "binary_classification_metrics": {"accuracy": {"value": 0.5, "interval_95": [0.1, 0.9]}},
        "worst_mistakes": [{"position": 0, "label": "pos", "answer": "<b>neg</b>", "score": 0.9}],
        "suspected_labels": [{"position": 1, "label": "<b>neg</b>", "likelier": "pos", "score": 0.8}],
    }

    def ask(samples: list[bytes]) -> np.ndarray:
        return np.array([[0.9, 0.1] if b"bad" in sample else [0.2, 0.8] for sample in samples])

    html = page(Evaluated(split, report, ask, "A <title>"), tmp_path)

    assert "&lt;b&gt;neg&lt;/b&gt; (0.90), labelled pos" in html
    assert 'rgba(220,38,38,0.60)">bad</span>' in html
    assert "labelled &lt;b&gt;neg&lt;/b&gt;, likelier pos (0.80)" in html
    assert "<b>" not in html and "<script" not in html
