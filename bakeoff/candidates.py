"""Who takes part in a bake-off for a modality, and who does not and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bakeoff import constant, estimators, managed, network
from bakeoff.examples import Examples
from bakeoff.tasks import Answers, Report, Trial
from definitions.networks import KINDS


@dataclass(frozen=True)
class Competitor:
    """One competitor.

    Attributes:
        id: short and stable, the key in the report.
        family: `constant`, or one of the advisor's.
        advised_as: its id among the advisor's candidates; empty for the baselines, which nobody advises.
        share: its part of the time beside the others' parts.
        run: from the task to the answers, in the candidate's own process.
        stand_in: whether it stands for a service that was not asked.
    """

    id: str
    title: str
    family: str
    advised_as: str
    share: float
    run: Callable[[Trial, Report], Answers]
    stand_in: bool = False


@dataclass(frozen=True)
class Absent:
    """A competitor that takes no part."""

    title: str
    reason: str


MAJORITY = Competitor("majority_class", "majority class", "constant", "", 1.0, constant.majority_class)
SHARES = Competitor("class_shares", "class shares", "constant", "", 1.0, constant.class_shares)
LOGISTIC = Competitor(
    "logistic_regression",
    "logistic regression",
    "traditional",
    "traditional_ml",
    2.0,
    estimators.logistic_regression,
)
BOOSTING = Competitor(
    "gradient_boosting",
    "gradient boosting",
    "traditional",
    "traditional_ml",
    2.0,
    estimators.gradient_boosting,
)
MINIROCKET = Competitor(
    "minirocket", "MiniRocket", "traditional", "traditional_ml", 2.0, estimators.minirocket
)
NETWORK_SHARE = 6.0
CNN = Competitor("cnn", "CNN", "cnn", "cnn", NETWORK_SHARE, network.network)
PRETRAINED = Competitor(
    "pretrained_cnn", "pretrained CNN", "cnn", "cnn", NETWORK_SHARE, partial(network.network, pretrained=True)
)
CONV1D = Competitor(
    "conv1d", "1-D CNN", "cnn", "cnn", NETWORK_SHARE, partial(network.network, layers="conv1d")
)
GRU = Competitor("rnn", "RNN", "rnn", "rnn", NETWORK_SHARE, partial(network.network, layers="gru"))
OF_MODALITY = {
    "image": (LOGISTIC, BOOSTING, PRETRAINED, CNN),
    "text": (LOGISTIC, BOOSTING, GRU),
    "time_series": (LOGISTIC, BOOSTING, MINIROCKET, CONV1D, GRU),
    "tabular": (LOGISTIC, BOOSTING),
}
"""The candidates that learn from the training part, quick ones first."""
TRAINED = {one.id: one for several in OF_MODALITY.values() for one in several}
MANAGED = {
    "text": (
        "Comprehend DetectSentiment",
        managed.sentiment_stand_in,
        managed.sentiment_service,
    ),
    "image": ("Rekognition DetectLabels", managed.labels_stand_in, managed.labels_service),
}


def candidates_for(examples: Examples, *, own_account: bool) -> tuple[list[Competitor], list[Absent]]:
    """The competitors for these examples, quick ones first, and those that take no part.

    Args:
        examples: their modality and their classes decide.
        own_account: ask the managed service itself, with the caller's credentials, not its stand-in.
    """
    present, absent = [MAJORITY, SHARES, *OF_MODALITY[examples.modality]], []
    reason = managed.why_not(examples.modality, examples.labels, own_account=own_account)
    title, stand_in, service = MANAGED.get(examples.modality, ("managed service", None, None))
    run = service if own_account else stand_in
    if reason or run is None:
        absent.append(Absent(title, reason))
    else:
        present.append(
            Competitor(
                managed.operation_of(examples.modality).replace(".", "_"),
                title if own_account else f"{title} (stand-in)",
                "managed",
                managed.operation_of(examples.modality),
                2.0,
                run,
                stand_in=not own_account,
            )
        )
    if not any(one.family in KINDS for one in present):
        absent.append(Absent("network", network.why_none(examples.modality)))
    # A stable order by how long they take.
    return sorted(present, key=lambda one: one.share), absent
