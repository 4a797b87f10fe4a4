"""The learning curve by steps: few points however long a run is, the same in equal runs, and for TensorBoard."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

MOST_POINTS = 200
# In the job's output folder.
EVENTS_FILE = "tensorboard/events.out.tfevents.0.recognition"
Point = dict[str, float]
"""`step`, the last of its `steps`; over those the mean `train_loss` (plain log loss), `train_objective` (what training
lowers: with label smoothing and class weights) and `train_accuracy`; and the last `learning_rate`."""


def extended(curve: Sequence[Point], point: Point) -> list[Point]:
    """The curve with one point more; all but the last are of as many steps, and there are MOST_POINTS at most."""
    if curve and curve[-1]["steps"] < curve[0]["steps"]:
        return [*curve[:-1], joined(curve[-1], point)]
    if len(curve) < MOST_POINTS:
        return [*curve, point]
    halved = [joined(first, second) for first, second in zip(curve[::2], curve[1::2], strict=True)]
    return [*halved, point]


def joined(first: Point, second: Point) -> Point:
    """Two points, one after the other, as one."""
    steps = first["steps"] + second["steps"]
    means = {
        name: (first[name] * first["steps"] + second[name] * second["steps"]) / steps
        for name in ("train_loss", "train_objective", "train_accuracy")
    }
    return {**second, **means, "steps": steps}


def write_events(
    curve: Sequence[Point], history: Sequence[dict[str, float]], steps_per_epoch: int, directory: Path
) -> None:
    """Writes EVENTS_FILE: the curve, and what was measured at the end of each epoch.

    Args:
        curve: by steps.
        history: by epochs, with `epoch`, and a share of the last one where it was cut.
        steps_per_epoch: how they go together.
        directory: the job's output folder.
    """
    import tensorflow as tf
    from tensorflow.core.framework.summary_pb2 import Summary
    from tensorflow.core.util.event_pb2 import Event

    def events() -> Iterator[Event]:
        now = time.time()
        yield Event(wall_time=now, file_version="brain.Event:2")
        by_step = [
            (point["step"], point, ("train_loss", "train_objective", "train_accuracy", "learning_rate"))
            for point in curve
        ]
        by_epoch = [
            (round(row["epoch"] * steps_per_epoch), row, ("validation_loss", "validation_accuracy"))
            for row in history
        ]
        for step, values, names in [*by_step, *by_epoch]:
            shown = [
                Summary.Value(tag=name.replace("_", "/", 1), simple_value=values[name]) for name in names
            ]
            yield Event(wall_time=now, step=int(step), summary=Summary(value=shown))

    file = directory / EVENTS_FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(file)) as writer:
        for event in events():
            writer.write(event.SerializeToString())
