"""Makes shards of one's own data: read, told what is in it, split without a leak, written, with a data card."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from definitions.counts import counted
from model_code.data.columns import Columns
from model_code.data.own_splits import FOLDER, write
from model_code.data.profile import profile_of
from model_code.data.progress import report_progress
from model_code.data.samples import Sample, UserData
from model_code.data.splits import NAMES, split_by_time, split_positions
from model_code.data.user_files import MOST_STEPS, read_data
from model_code.data.windows import require_sequences, usual_stride, windows_of, without_short
from model_code.failures import JobFailed


@dataclass(frozen=True)
class Plan:
    """How samples become splits.

    Attributes:
        validation_share, test_share: of the samples, where the data does not say its splits itself.
        window: steps of the windows that sequences are cut into; None leaves them whole.
        stride: steps from one window to the next; half a window by default.
        seed: of the split.
    """

    validation_share: float = 0.1
    test_share: float = 0.2
    window: int | None = None
    stride: int | None = None
    seed: int = 0

    @property
    def step(self) -> int:
        """Steps from one window to the next."""
        return self.stride or usual_stride(self.window or 0)


def import_own(
    source: Path,
    *,
    out: Path,
    name: str | None = None,
    licence: str | None = None,
    columns: Columns | None = None,
    plan: Plan | None = None,
) -> dict[str, Any]:
    """Writes `train/`, `validation/`, `test/` and `data_card.json` of one's own data below `out`; returns the card.

    Samples that repeat another one are left out, as are those whose copies have as many other labels. Where the samples
    have groups, no group is in two splits; windows are cut after the split, so that no recording is in two splits
    either. Images are read one at a time, so that their number takes no memory.

    Args:
        source: see `model_code.data.user_files`.
        out: an earlier data set in it is replaced; a folder with anything else in it is refused.
        name: of the set; the source's own by default.
        licence: under which terms the data may be used.
        columns: which the caller names.
        plan: of the splits.

    Raises:
        JobFailed: naming the samples that cannot be used, where they are more than one in a hundred; the class that is
            in too few samples or groups; or what is in `out`.
    """
    FOLDER.check(out)
    columns, plan = columns or Columns(), plan or Plan()
    report_progress(0.0, f"reading {source}")
    data = read_data(
        source,
        columns,
        most_steps=MOST_STEPS if plan.window is None else None,
        as_recordings=plan.window is not None,
    )
    require_learnable(data, plan)
    if plan.window is not None:
        data = without_short(data, plan.window)
    report_progress(0.1, f"looking at {counted(len(data.samples), 'sample')}")
    profile = profile_of(data)
    if plan.window is not None:
        profile["steps"] = [plan.window] * 3
    kept = distinct(data.samples)
    labels = sorted({sample.label for sample in kept})
    if len(labels) < 2:
        raise JobFailed(f"{source} has the one class '{labels[0]}'; a classifier needs two at least.")
    by_time = columns.time is not None and data.feature != "sequence"
    parts = divided(kept, plan, by_time)
    splits = parts
    if plan.window is not None:
        splits = {
            split: [one for sample in samples for one in windows_of(sample, plan.window, plan.step)]
            for split, samples in parts.items()
        }
    card = {
        "feature": data.feature,
        "classes": labels,
        "name": name or source.stem,
        "source": source.name,
        "licence": licence or "not stated",
        "split_rule": rule_in_words(parts, data.samples, plan, by_time),
        "profile": profile,
    }
    return write(out, card, splits, source)


def require_learnable(data: UserData, plan: Plan) -> None:
    """Refuses what no network learns from.

    Raises:
        JobFailed: for a table, a label that is a quantity, or windows of what is no sequence.
    """
    if data.has_quantities:
        raise JobFailed(
            f"The label of {data.source} is a number with {len({sample.label for sample in data.samples}):,} different "
            "values, a quantity rather than a class. Make classes of it, or name another column (--label)."
        )
    if data.feature == "table":
        names = ", ".join(column.name for column in data.columns[:8])
        raise JobFailed(
            f"{data.source} is a table of {len(data.columns)} columns ({names}). The networks learn from images, texts "
            f"and sequences: name the column with the text (--text) or the image (--image), or, for a row a step, the "
            "time (--time) and the steps of a window (--window). `recognition bakeoff` compares classifiers of "
            "tables, and releases the one to take (--release)."
        )
    if plan.window is not None:
        require_sequences(data)


def distinct(samples: Sequence[Sample]) -> list[Sample]:
    """One sample of each content, with the label that most of its copies have; none where that is a tie.

    Of copies in several splits the one that is tested on is kept.
    """
    copies: dict[bytes, list[Sample]] = defaultdict(list)
    for sample in samples:
        copies[sample.digest].append(sample)
    kept = []
    for same in copies.values():
        counts = Counter(sample.label for sample in same).most_common(2)
        if len(counts) == 2 and counts[0][1] == counts[1][1]:
            continue
        right = [sample for sample in same if sample.label == counts[0][0]]
        kept.append(max(right, key=lambda sample: NAMES.index(sample.split) if sample.split else 0))
    return kept


def divided(samples: Sequence[Sample], plan: Plan, by_time: bool) -> dict[str, list[Sample]]:
    """The splits: as the data says, by time, or at random by class or group.

    Raises:
        JobFailed: see `split_positions`; or when some samples have a split, a group or a time and others none.
    """
    given = every(samples, "split")
    shares = {"validation": plan.validation_share, "test": plan.test_share}
    found = {split: [sample for sample in samples if sample.split == split] for split in NAMES}
    if given and all(found.values()):
        require_classes(found)
        return found
    rest = found["train"] if given else list(samples)
    shares = {split: 0.0 if found[split] else share for split, share in shares.items()}
    groups = [str(one.group) for one in rest] if every(rest, "group") else None
    if by_time:
        every(rest, "time")
        positions = split_by_time([one.time or 0.0 for one in rest], shares, groups)
    else:
        positions = split_positions([one.label for one in rest], groups, shares=shares, seed=plan.seed)
    return {split: [rest[i] for i in positions[split]] or found[split] for split in NAMES}


def every(samples: Sequence[Sample], attribute: str) -> bool:
    """Whether all samples have an attribute, rather than none.

    Raises:
        JobFailed: naming the first that has none where others have one.
    """
    without = [sample for sample in samples if getattr(sample, attribute) is None]
    if without and len(without) < len(samples):
        raise JobFailed(
            f"{without[0].place} has no {attribute}, but other samples have one. Name one for every sample."
        )
    return not without


def require_classes(splits: dict[str, list[Sample]]) -> None:
    """Refuses splits of which one lacks a class that another has."""
    labels = {sample.label for samples in splits.values() for sample in samples}
    for split, samples in splits.items():
        if missing := sorted(labels - {sample.label for sample in samples}):
            raise JobFailed(
                f"The split {split} of the data holds no sample of the class '{missing[0]}', which others hold. Add "
                "some, or leave the class out."
            )


def rule_in_words(
    splits: dict[str, list[Sample]], samples: Sequence[Sample], plan: Plan, by_time: bool
) -> str:
    """How the splits of an imported set are told apart."""
    kept = [sample for some in splits.values() for sample in some]
    has_groups = kept[0].group is not None
    given = {sample.split for sample in kept} - {None}
    if by_time:
        rule = f"the {'groups with the latest samples' if has_groups else 'latest samples'} are held out"
    elif has_groups:
        rule = f"whole groups are held out, seed {plan.seed}"
    else:
        rule = f"each class is divided by itself, at random, seed {plan.seed}"
    if given:
        divided = "" if given == set(NAMES) else f", and of its training samples {rule}"
        torn = groups_in_several(splits)
        told = f"; {counted(torn, 'group is', 'groups are')} in more than one of them" if torn else ""
        rule = f"the splits are those of the data{divided}{told}"
    cut = (
        f"; windows of {plan.window} steps, one every {plan.step}, cut after the split" if plan.window else ""
    )
    return f"{len(samples) - len(kept)} repeated or contradicting samples left out; {rule}{cut}"


def groups_in_several(splits: dict[str, list[Sample]]) -> int:
    """How many groups are in more than one split, as only the data's own splits may have them."""
    places = Counter(
        group for some in splits.values() for group in {sample.group for sample in some} - {None}
    )
    return sum(count > 1 for count in places.values())
