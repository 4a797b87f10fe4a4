"""The files of their own that README and docs speak of: a few photos, reviews and a sensor's readings, made up.

Example: python -m tools.reader_files FOLDER
"""

from __future__ import annotations

import argparse
import csv
import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

EXAMPLES = 60
STEPS, CHANNELS = 100, 6
GOOD = ("moving", "funny", "tender", "brilliant", "warm")
BAD = ("dull", "clumsy", "endless", "boring", "cold")
# Run with the clone's own Python; prints the data bucket's name.
DATA_BUCKET_TEXTS = (
    "from cli.shared.embedded import choose_target; from cli.shared.project import default_environment; "
    "target = choose_target(default_environment(), own_account=False); "
    "bucket = target.parameter('data-bucket'); "
    "[target.client('s3').put_object(Bucket=bucket, Key=f'reviews/{n}.txt', Body=b'A film.') for n in range(5)]; "
    "print(bucket)"
)


def write_reader_files(folder: Path) -> list[str]:
    """Makes labels.csv, photo.jpg, photos/, reviews.csv, reviews.jsonl, walk.npy, wrist.jsonl; returns what was made.

    What has such a name already is left alone.
    """
    generator = random.Random(0)
    reviews = [review(generator, ("negative", "positive")[number % 2]) for number in range(4 * EXAMPLES)]
    label = {"request_id": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", "label": "positive"}
    writers: dict[str, Callable[[Path], object]] = {
        "labels.csv": lambda place: write_table(place, [label]),
        "photo.jpg": photo(generator, "circle").save,
        "photos": lambda place: write_photos(place, generator),
        "reviews.csv": lambda place: write_table(place, reviews),
        "reviews.jsonl": lambda place: lines(place, [{"text": review["text"]} for review in reviews[:20]]),
        "walk.npy": lambda place: np.save(place, wave(generator, 0.5)),
        "wrist.jsonl": lambda place: lines(place, recordings(generator)),
    }
    missing = [name for name in writers if not (folder / name).exists()]
    for name in missing:
        writers[name](folder / name)
    return missing


def write_photos(folder: Path, generator: random.Random) -> None:
    """A folder for each shape."""
    for name in ("circle", "square"):
        (folder / name).mkdir(parents=True)
        for number in range(EXAMPLES):
            photo(generator, name).save(folder / name / f"{number}.jpg")


def write_table(file: Path, rows: list[dict[str, str]]) -> None:
    """Rows of the same columns, as CSV."""
    with file.open("w", newline="", encoding="utf-8") as table:
        writer = csv.DictWriter(table, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def recordings(generator: random.Random) -> list[dict[str, object]]:
    """Slow and quick waves of a sensor, a sequence each."""
    return [
        {"sequence": wave(generator, speed).round(4).tolist(), "label": label}
        for _ in range(EXAMPLES)
        for label, speed in (("slow", 0.1), ("quick", 0.5))
    ]


def photo(generator: random.Random, shape: str) -> Image.Image:
    """A circle or a square somewhere, 96 × 96 pixels."""
    image = Image.new("RGB", (96, 96), tuple(generator.randrange(80) for _ in "rgb"))
    left, top = generator.randrange(40), generator.randrange(40)
    draw = ImageDraw.Draw(image)
    (draw.ellipse if shape == "circle" else draw.rectangle)((left, top, left + 50, top + 50), fill="white")
    return image


def review(generator: random.Random, label: str) -> dict[str, str]:
    """A sentence whose words tell the label."""
    words = generator.sample(GOOD if label == "positive" else BAD, 3)
    text = f"A {words[0]}, {words[1]} and {words[2]} film, number {generator.randrange(10**6)}."
    return {"text": text, "label": label}


def wave(generator: random.Random, speed: float) -> np.ndarray:
    """Readings of a sensor, [STEPS, CHANNELS], that repeat at a speed in radians a step."""
    phases = np.array([generator.uniform(0, 6) for _ in range(CHANNELS)])
    return np.sin(np.arange(STEPS)[:, None] * speed + phases)


def lines(file: Path, objects: list[dict]) -> None:
    """Writes JSON Lines."""
    file.write_text("".join(json.dumps(record) + "\n" for record in objects), encoding="utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", default=Path(), help="where; here by default")
    folder = parser.parse_args().folder
    if not folder.is_dir():
        parser.error(f"there is no folder {folder}")
    written = ", ".join(write_reader_files(folder)) or "nothing, for all of them are there"
    print(f"Written to {folder.resolve()}: {written}.")


if __name__ == "__main__":
    main()
