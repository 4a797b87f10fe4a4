"""The problem as data: every question the advisor may ask, its bounds and its contradictions.

Every field is optional. ``None`` means unknown; the engine treats unknown as a value of its own: no rule
fires on it, and the advice says which unknown matters most.
"""

from __future__ import annotations

import dataclasses
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast


class ProblemError(ValueError):
    """A problem that cannot be advised on. ``field`` names the offending field, the message is a sentence."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}")
        self.field = field


TASKS: dict[str, tuple[str, ...]] = {
    "image": (
        "classification",
        "object_detection",
        "segmentation",
        "similarity",
        "moderation",
        "face_detection",
        "face_comparison",
        "face_search",
        "face_liveness",
        "celebrity",
        "protective_equipment",
        "text_in_image",
        "document_text",
        "document_fields",
        "expense_document",
        "identity_document",
        "description",
    ),
    "video": (
        "classification",
        "object_detection",
        "moderation",
        "face_search",
        "people_pathing",
        "streaming_labels",
    ),
    "text": (
        "classification",
        "sentiment",
        "targeted_sentiment",
        "language",
        "entities",
        "key_phrases",
        "personal_data",
        "toxicity",
        "syntax",
        "medical_entities",
        "topic_modelling",
        "event_detection",
        "prompt_safety",
        "translation",
        "summarization",
        "question_answering",
        "speech_synthesis",
    ),
    "audio": ("transcription", "classification"),
    "time_series": ("classification", "regression", "forecasting", "anomaly_detection"),
    "tabular": ("classification", "regression", "anomaly_detection", "recommendation"),
}
"""The tasks that make sense for each modality."""

CHOICES: dict[str, tuple[str, ...]] = {
    "modality": tuple(TASKS),
    "task": tuple(sorted({task for tasks in TASKS.values() for task in tasks})),
    "labels": ("generic", "own", "mixed"),
    "image_kind": ("natural", "uniform"),
    "dependence": ("none", "local", "long"),
    "features": ("none", "derivable", "available"),
    "burstiness": ("steady", "business_hours", "spiky"),
    "explainability": ("none", "desirable", "required"),
    "data_residency": ("none", "region", "on_premises"),
    "team": ("none", "software", "machine_learning"),
}

COUNTS: dict[str, tuple[int, int]] = {
    "labelled_examples": (0, 10**12),
    "classes": (2, 10**7),
    "sequence_length": (1, 10**9),
    "image_side_pixels": (1, 10**5),
    "predictions_per_month": (0, 10**12),
    "operations_per_item": (1, 50),
    "characters_per_item": (1, 10**7),
}
"""Whole numbers with their inclusive bounds."""

NUMBERS: dict[str, tuple[float, float]] = {
    "accuracy_needed": (0.0, 1.0),
    "baseline_accuracy": (0.0, 1.0),
    "max_latency_ms": (1.0, 2.7e9),
    "minutes_per_item": (0.001, 1440.0),
    "budget_usd_per_month": (0.0, 1e12),
    "upkeep_usd_per_month": (0.0, 1e12),
    "weeks_to_market": (0.0, 1040.0),
}
"""Real numbers with their inclusive bounds."""

SWITCHES = ("offline", "free_tier")
LONGEST_NAME = max(map(len, (*CHOICES, *COUNTS, *NUMBERS, *SWITCHES, "existing_customer_of")))
LONGEST_SHOWN = 60
ON_PREMISES = "on_premises"

ONLY_FOR: dict[str, tuple[str, ...]] = {
    "image_kind": ("image", "video"),
    "image_side_pixels": ("image", "video"),
    "sequence_length": ("text", "audio", "time_series"),
    "dependence": ("text", "audio", "time_series", "video"),
    "characters_per_item": ("text",),
    "minutes_per_item": ("audio", "video"),
}
"""Fields that only some modalities have; given for another they contradict it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One recognition problem; validated when it is made.

    Units: ``sequence_length`` in tokens or time steps; ``max_latency_ms`` is how long one answer may take
    (an hour and more means a batch will do); ``predictions_per_month`` counts items; ``operations_per_item``
    is how many operations of a managed service each item needs (each is billed); ``upkeep_usd_per_month``
    is what looking after an own model costs in people; ``free_tier`` says that the account still has its
    free-tier allowances; ``existing_customer_of`` lists ids of ``data/closures.toml`` the account uses.

    Raises ProblemError with the field's name for an impossible value or a contradiction.
    """

    modality: str | None = None
    task: str | None = None
    labels: str | None = None
    labelled_examples: int | None = None
    classes: int | None = None
    image_kind: str | None = None
    image_side_pixels: int | None = None
    sequence_length: int | None = None
    dependence: str | None = None
    features: str | None = None
    accuracy_needed: float | None = None
    baseline_accuracy: float | None = None
    max_latency_ms: float | None = None
    predictions_per_month: int | None = None
    operations_per_item: int | None = None
    characters_per_item: int | None = None
    minutes_per_item: float | None = None
    burstiness: str | None = None
    explainability: str | None = None
    data_residency: str | None = None
    offline: bool | None = None
    budget_usd_per_month: float | None = None
    upkeep_usd_per_month: float | None = None
    team: str | None = None
    weeks_to_market: float | None = None
    free_tier: bool | None = None
    existing_customer_of: tuple[str, ...] = ()
    region: str = "us-east-1"

    def __post_init__(self) -> None:
        _check_values(self)
        if reason := contradiction(self):
            raise reason

    @classmethod
    def from_dict(cls, answers: Mapping[str, Any]) -> Problem:
        """A problem from plain answers (a request's JSON, a catalogue entry, flags).

        Raises ProblemError for an unknown key, naming it and the keys there are.
        """
        # JSON may hold anything.
        if not isinstance(answers, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ProblemError("problem", f"must be an object of answers, got {type(answers).__name__}.")
        for key in answers:
            if key not in FIELDS:
                name = key if len(key) <= LONGEST_NAME else f"{key[:LONGEST_NAME]}…"
                raise ProblemError(name, f"is not a question of the advisor; it asks {', '.join(FIELDS)}.")
        values = dict(answers)
        if isinstance(values.get("existing_customer_of"), list):
            values["existing_customer_of"] = tuple(values["existing_customer_of"])
        return cls(**values)

    def replace(self, **changes: Any) -> Problem:
        """The same problem with some answers changed; raises ProblemError like the constructor."""
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """The known answers only, as plain JSON values; ``from_dict`` reads them back."""
        known = {name: getattr(self, name) for name in FIELDS}
        known = {name: value for name, value in known.items() if value is not None and value != ()}
        if "existing_customer_of" in known:
            known["existing_customer_of"] = list(known["existing_customer_of"])
        return known


FIELDS: tuple[str, ...] = tuple(field.name for field in dataclasses.fields(Problem))


def shown(value: Any) -> str:
    """A wrong value in a sentence, cut where it is long: an answer does not grow with its request."""
    whole = f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else repr(value)
    return whole if len(whole) <= LONGEST_SHOWN else reprlib.repr(value)


def _check_values(problem: Problem) -> None:
    """Types and bounds of each field on its own."""
    for name, choices in CHOICES.items():
        value = getattr(problem, name)
        if value is not None and value not in choices:
            raise ProblemError(name, f"must be one of {', '.join(choices)} or left out, got {shown(value)}.")
    for name, bounds in COUNTS.items():
        value = getattr(problem, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise ProblemError(name, f"must be a whole number, got {shown(value)}.")
        _check_bounds(name, value, bounds)
    for name, bounds in NUMBERS.items():
        value = getattr(problem, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise ProblemError(name, f"must be a number, got {shown(value)}.")
        _check_bounds(name, value, bounds)
    for name in SWITCHES:
        value = getattr(problem, name)
        if value is not None and not isinstance(value, bool):
            raise ProblemError(name, f"must be true or false, got {shown(value)}.")
    # What a caller without types hands in is checked too.
    customers = cast(Any, problem.existing_customer_of)
    if not isinstance(customers, tuple) or not all(
        isinstance(item, str) for item in cast(tuple[Any, ...], customers)
    ):
        raise ProblemError("existing_customer_of", f"must be a list of service ids, got {shown(customers)}.")
    region = cast(Any, problem.region)
    if not isinstance(region, str) or not region:
        raise ProblemError("region", f"must be the name of an AWS region, got {shown(region)}.")


def _check_bounds(name: str, value: float | None, bounds: tuple[float, float]) -> None:
    low, high = bounds
    if value is not None and not low <= value <= high:
        raise ProblemError(name, f"must lie between {low:,} and {high:,}, got {shown(value)}.")


def contradiction(problem: Problem) -> ProblemError | None:
    """The first two answers that cannot both be true."""
    modality, task = problem.modality, problem.task
    if modality and task and task not in TASKS[modality]:
        return ProblemError(
            "task", f"{task!r} is not a task for {modality}; it has {', '.join(TASKS[modality])}."
        )
    for name, modalities in ONLY_FOR.items():
        if modality and getattr(problem, name) is not None and modality not in modalities:
            return ProblemError(name, f"belongs to {', '.join(modalities)}, but modality is {modality!r}.")
    if modality in ("tabular", "time_series") and problem.labels in ("generic", "mixed"):
        return ProblemError(
            "labels", f"{modality} data has no vendor vocabulary, so labels can only be 'own'."
        )
    examples, classes = problem.labelled_examples, problem.classes
    if examples and classes and classes > examples:
        return ProblemError(
            "classes", f"{classes:,} classes cannot come from {examples:,} labelled examples."
        )
    needed, baseline = problem.accuracy_needed, problem.baseline_accuracy
    if needed is not None and baseline is not None and baseline > needed:
        return ProblemError(
            "accuracy_needed",
            f"{needed} lies below baseline_accuracy {baseline}: today's method already does better.",
        )
    if task in ("regression", "forecasting") and classes is not None:
        return ProblemError("classes", f"{task} predicts a number and has no classes.")
    return None
