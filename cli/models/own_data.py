"""Brings the caller's own data to where a run can train on it: read, split, written as shards, uploaded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.models import data, training
from cli.shared.consoles import say
from cli.shared.errors import CommandFailed
from cli.shared.local_copies import on_this_machine
from cli.shared.progress import Progress
from cli.shared.project import OWN_DATA
from cli.shared.target import Target
from definitions.metrics import AUTO, metric_for
from definitions.networks import kind_of_feature
from model_code.fitted import fitted_to_card

CARD = "data_card.json"
FOLDER = OWN_DATA


@dataclass(frozen=True)
class OwnData:
    """A data set that is ready for training.

    Attributes:
        directory: with its splits and its card.
        card: what is in it.
    """

    directory: Path
    card: dict[str, Any]

    @property
    def kind(self) -> str:
        """The network that reads it."""
        return kind_of_feature(self.card["feature"])

    @property
    def name(self) -> str:
        """By which it lies in the data bucket."""
        return f"own/{slug(self.card['name'])}"

    def least_score(self, metric: str) -> float:
        """That of always answering the test split's most frequent class: a network has to be better.

        Args:
            metric: that the run is judged by, or AUTO.
        """
        counts = list(self.card["counts_by_class"]["test"].values())
        share, classes = max(counts) / sum(counts), len(counts)
        scores = {
            "accuracy": share,
            "balanced_accuracy": 1 / classes,
            "macro_f1": 2 * share / (1 + share) / classes,
            "auc": 0.5,
            "average_precision": min(counts) / sum(counts),
            "log_loss": 1 / classes,
        }
        return min(1.0, round(scores[metric_for(counts) if metric == AUTO else metric] + 0.0001, 4))

    def told(self) -> str:
        """What was found and made of it, in lines."""
        from model_code.data.profile import in_words

        counts = ", ".join(f"{split} {count:,}" for split, count in self.card["counts"].items())
        return "\n".join([*in_words(self.card["profile"]), f"Split: {counts}; {self.card['split_rule']}."])


def refuse_without_data(columns: Mapping[str, Any], pretrained: bool | None) -> None:
    """Refuses options that say how own data is to be read where there is none, or what a public set is not for.

    Raises:
        CommandFailed: naming the first.
    """
    if pretrained:
        raise CommandFailed(
            "--pretrained is for your own images: name them with --data. On its public set a network learns from "
            "scratch."
        )
    if given := [name for name, value in columns.items() if value is not None]:
        raise CommandFailed(f"--{given[0]} says how your own data is to be read: name it with --data.")


def ready_for(
    kind: str | None,
    source: str,
    columns: Mapping[str, Any],
    changes: dict[str, str],
    pretrained: bool | None = None,
) -> training.MakeReady:
    """What prepares one's own data, tells what is in it, and chooses the hyperparameters that fit it.

    Args:
        kind: of network that the caller wants; the data's own by default.
        source: see `prepare`.
        columns: how it is to be read.
        changes: of hyperparameters, by the caller.
        pretrained: whether the network starts from weights that were learnt elsewhere; by default those of images do.

    Raises:
        CommandFailed: when there is nothing at `source`, or no network has such a hyperparameter.
    """
    if not source.startswith("s3://") and not Path(source).exists():
        raise CommandFailed(f"There is no folder or file {source}.")
    if kind is not None:
        fit_to(kind, {}, changes, pretrained)

    def make_ready(target: Target, progress: Progress) -> training.Ready:
        with progress.step(f"Reading and splitting {source}") as detail:
            own = prepare(source, columns, target, detail)
        say(own.told(), err=True)
        if kind not in (None, own.kind):
            raise CommandFailed(
                f"{source} holds samples of the feature '{own.card['feature']}', which the {own.kind} reads, and not "
                f"the {kind}."
            )
        starts_from_weights = has_weights(own.kind, pretrained)
        fitting = fitted_to_card(own.card, pretrained=starts_from_weights)
        chosen = fit_to(own.kind, fitting, changes, pretrained)
        if starts_from_weights:
            with progress.step("Fetching the weights that the network starts from"):
                data.fetch_weights()
        with progress.step("Writing the data to the data bucket") as detail:
            uri = data.upload_dataset(target, own.directory, own.name, detail)
        return training.Ready(own.kind, uri, chosen, own.least_score(chosen.get("metric", AUTO)))

    return make_ready


def has_weights(kind: str, pretrained: bool | None) -> bool:
    """Whether a kind of network starts from weights that were learnt elsewhere: as the caller says, or if it can."""
    can = kind == kind_of_feature("image")
    if pretrained and not can:
        raise CommandFailed(
            f"--pretrained is for images; the {kind} learns from scratch. Leave it out. Nothing was started."
        )
    return can and pretrained is not False


def fit_to(
    kind: str, fitting: dict[str, str], changes: dict[str, str], pretrained: bool | None
) -> dict[str, str]:
    """The hyperparameters that fit the data, with the caller's changes.

    Raises:
        CommandFailed: naming one that the network has not or that is out of its range, and where the other network of
            images has it, the option that chooses that one.
    """
    starts_from_weights = has_weights(kind, pretrained)
    chosen = {**fitting, **({"pretrained": "true"} if starts_from_weights else {}), **changes}
    try:
        return training.checked(kind, chosen)
    except CommandFailed as refusal:
        if starts_from_weights:
            raise CommandFailed(
                f"{refusal} It is the pretrained network that is meant; --from-scratch trains the other one."
            ) from refusal
        raise


def slug(name: str) -> str:
    """A name as a part of paths and S3 keys."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.") or "data"


def prepare(
    source: str, words: Mapping[str, Any], target: Target, on_detail: Callable[[str], None]
) -> OwnData:
    """Reads and splits the data, unless that was done before, and writes its shards in build/data/own.

    Args:
        source: a folder or file, an S3 URI of one, or the folder of an earlier import.
        words: options of `model_code.data.prepare import` by their names; None leaves one out.
        target: whose S3 is meant.
        on_detail: hears how far it is.

    Raises:
        CommandFailed: with the sentence that names what is wrong with the data.
    """
    with on_this_machine(source, lambda: target, on_detail) as place:
        if (place / CARD).is_file():
            return OwnData(place, read_card(place / CARD))
        name = slug(source.rstrip("/").rsplit("/", 1)[-1] if source.startswith("s3://") else place.stem)
        directory = FOLDER / name
        options = [
            word for key, value in words.items() if value is not None for word in (f"--{key}", str(value))
        ]
        data.run_prepare(
            ["import", str(place), "--out", str(directory), "--name", name, *options],
            purpose=f"Reading {source}",
            on_detail=on_detail,
        )
        return OwnData(directory, read_card(directory / CARD))


def read_card(file: Path) -> dict[str, Any]:
    """The card of a data set of one's own.

    Raises:
        CommandFailed: when it is the card of something else.
    """
    refusal = f"{file} is not the card of a whole import of own data. Give the data itself, or --dataset."
    try:
        card = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise CommandFailed(refusal) from error
    if not isinstance(card, dict) or "profile" not in card or "counts" not in card:
        raise CommandFailed(refusal)
    return card
