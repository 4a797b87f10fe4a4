"""What a bake-off ends with: the artefact of the candidate to take, and the line or the release that serves it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bakeoff.artefact import Artefact, served_as, why_none, write_artefact
from bakeoff.contest import Contest, ContestSettings
from bakeoff.examples import Examples
from bakeoff.isolation import run_isolated
from bakeoff.results import Result
from bakeoff.splits import at_most
from bakeoff.tasks import Trial
from bakeoff.time_split import rounds_of
from cli.bakeoff import progress as baking
from cli.models import release_steps as steps
from cli.models.archive import Model
from cli.shared.progress import Progress
from cli.shared.project import default_environment
from cli.shared.target import Target
from definitions.networks import kind_of_feature
from stacks.settings import EnvironmentSettings

OF_JOBS = (
    "The candidates' jobs keep no artefact: hold the bake-off on this machine (--on here) to release what wins, or "
    "train the network as a run with the same data: recognition train --data."
)
# What fitting once more and the evaluation may take.
SECONDS = 1_800.0


@dataclass(frozen=True)
class Winner:
    """What can be released of a bake-off.

    Attributes:
        sentences: what a person should know of it.
        kind: of the endpoint that serves it; empty where nothing can be released.
        artefact: the one to release; None where nothing can be.
    """

    sentences: tuple[str, ...]
    kind: str = ""
    artefact: Artefact | None = None

    def line(self, target: Target | None, environment: str) -> str:
        """The command that releases it, in the deployment that was spoken to, if any; empty where none can."""
        if self.artefact is None:
            return ""
        words = f"release {self.kind} --from {self.artefact.model} --evaluation {self.artefact.evaluation}"
        elsewhere = "" if environment == default_environment() else f" --environment {environment}"
        return target.command(words) if target else f"recognition {words}{elsewhere}"

    def release(
        self, target: Target, settings: EnvironmentSettings, progress: Progress, *, approve: bool
    ) -> dict[str, str] | None:
        """Registers the artefact with its evaluation and releases it; None where nothing can be released.

        Raises:
            CommandFailed: see `cli.models.release_steps`.
        """
        if self.artefact is None:
            return None
        version = steps.register(
            target,
            self.kind,
            Model(self.artefact.model),
            settings,
            progress,
            approve=approve,
            evaluation=self.artefact.evaluation,
        )
        return steps.release(target, self.kind, version, progress, approve=approve)


def chosen(held: Contest, examples: Examples) -> tuple[Result | None, list[str]]:
    """The best candidate that can be released, the one that the verdict takes before all; and why others cannot."""
    verdict, sentences = held.verdict, []
    if verdict is None:
        return None, []
    candidates = [result for result in baking.ranked(held) if result.candidate.family != "constant"]
    candidates.sort(key=lambda result: result.candidate.id != verdict.choice)
    for result in candidates:
        if result.candidate.stand_in:
            continue
        reason = why_none(result.candidate, examples)
        if not reason:
            return result, sentences
        sentences.append(reason)
    return None, list(dict.fromkeys(sentences))


def winner_of(
    held: Contest, examples: Examples, limits: ContestSettings, directory: Path, progress: Progress
) -> Winner:
    """Writes the artefact of the candidate to take, and evaluates it.

    Args:
        held: the bake-off, which ran here.
        examples: that it was held with.
        limits: likewise.
        directory: with a folder of each candidate.
        progress: shows how far it is.
    """
    best, sentences = chosen(held, examples)
    if best is None:
        return Winner(tuple(sentences))
    # What the first round trained is what its folder holds.
    chosen_examples = at_most(examples, limits.examples_most, limits.seed)
    parts = rounds_of(chosen_examples, limits.seed, limits.seconds)[0]
    candidate = best.candidate
    # What it prints is kept beside what the candidate printed.
    folder = directory / candidate.id / "artefact"
    folder.mkdir(parents=True, exist_ok=True)
    task = Trial(parts.train, parts.validation, parts.test, SECONDS, limits.seed, folder)
    with progress.step(f"Writing and evaluating the artefact of {candidate.title}") as detail:
        outcome = run_isolated(partial(write_artefact, candidate), task, lambda _, words: detail(words))
    if outcome.answers is None:
        return Winner((*sentences, f"Its artefact could not be written: {outcome.reason}"))
    if examples.columns:
        sentences.append(how_a_row_is_asked_for(chosen_examples))
    return Winner(tuple(sentences), kind_of_feature(served_as(chosen_examples)), outcome.answers)


def how_a_row_is_asked_for(table: Examples) -> str:
    """What a request for a row of a table holds, as a sentence."""
    names = f"{', '.join(table.columns)}, in this order"
    if served_as(table) == "sequence":
        return f"It is asked for a row by sequences/class: one step with the numbers of {names}."
    return (
        f"It is asked for a row by texts/class: a line of CSV with {names}; what is missing stays empty, and numbers "
        "have a decimal point and nothing beside them."
    )
