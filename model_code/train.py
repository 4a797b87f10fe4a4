"""The training job's entry point under the SageMaker contract: read channels, train, survive interruption, export."""

from __future__ import annotations

import hashlib
import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from model_code.failures import JobFailed, base_directory, reported
from model_code.hyperparameters import Hyperparameters, parse
from model_code.light_import import import_tensorflow
from model_code.outputs import MODEL_FOLDER
from model_code.source import code_digest
from model_code.training import checkpoints
from model_code.training.cluster import Cluster
from model_code.training.curve import extended, write_events
from model_code.training.metrics import metric_line

STOPPED_EXIT_STATUS = 143
# Fewer validation samples choose no epoch, and the last one is exported: by 5 of them a classifier of 20 photos was
# taken from before it had learnt, and right 0.54 of the time, where a regression on the same features is right 0.68.
LEAST_TO_CHOOSE = 15


@dataclass(frozen=True)
class JobDirectories:
    """The job's directories, as the toolkit's SM_ variables name them; `pretrained` is a channel that few have."""

    train: Path
    validation: Path
    model: Path
    output: Path
    checkpoints: Path
    pretrained: Path | None = None

    @staticmethod
    def of_environment(environment: Mapping[str, str]) -> JobDirectories:
        """Reads the toolkit's variables.

        Raises:
            JobFailed: when a channel was not configured.
        """
        channels = {}
        for name in ("train", "validation"):
            channels[name] = environment.get(f"SM_CHANNEL_{name.upper()}", "")
            if not channels[name]:
                raise JobFailed(
                    f"The job has no channel '{name}'. It needs the channels train, validation and code."
                )
        base = base_directory()
        return JobDirectories(
            train=Path(channels["train"]),
            validation=Path(channels["validation"]),
            model=Path(environment.get("SM_MODEL_DIR", base / "model")),
            output=Path(environment.get("SM_OUTPUT_DATA_DIR", base / "output" / "data")),
            checkpoints=base / "checkpoints",
            pretrained=Path(weights) if (weights := environment.get("SM_CHANNEL_PRETRAINED")) else None,
        )


@dataclass
class TrainingState:
    """Where training is: the next step, this epoch's sums so far, the best validation loss at its temperature, and the
    curves by epochs and by steps.

    `seconds` is what it took and `last_step` where it is to end by the speed so far (0: not known yet). They are kept
    where the seconds are limited only: otherwise two equal runs have equal states.
    """

    step: int = 0
    seconds: float = 0.0
    last_step: int = 0
    loss_sum: float = 0.0
    right_sum: float = 0.0
    best_loss: float = math.inf
    epochs_without_better: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    curve: list[dict[str, float]] = field(default_factory=list)


class TimeLimit:
    """How many steps fit into the seconds that training may take, by the speed that it has shown so far."""

    def __init__(self, max_seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        """Starts the clock; 0 seconds are no limit."""
        self.max_seconds, self.now, self.started = max_seconds, now, now()
        self.first: tuple[float, int] | None = None

    def resume(self, seconds: float) -> None:
        """Counts what an interrupted run took."""
        self.started -= seconds

    def seconds(self) -> float:
        """Since the start, over all of a run's processes."""
        return self.now() - self.started

    def last_step(self, step: int, total_steps: int, planned_step: int) -> int:
        """The step to end at, `total_steps` at most, when `step` steps are done; `planned_step` until speed shows."""
        seconds = self.seconds()
        if not self.max_seconds:
            return total_steps
        if seconds >= self.max_seconds:
            return step
        if self.first is None:
            # The first steps trace and compile their functions, which says nothing of the later ones.
            self.first = (seconds, step)
        since, first_step = self.first
        if step == first_step:
            return planned_step
        seconds_a_step = max((seconds - since) / (step - first_step), 1e-9)
        return min(total_steps, step + int((self.max_seconds - seconds) / seconds_a_step))


class StopRequest:
    """Set by SIGTERM, which SageMaker sends 120 s before it takes the machine away."""

    def __init__(self) -> None:
        self.is_set = False
        signal.signal(signal.SIGTERM, self.set)

    def set(self, *_: Any) -> None:
        """Asks the training loop to save and end."""
        self.is_set = True


def run() -> None:
    """Runs the job and ends the process: 0, 1 with a failure reason, or 143 after SIGTERM."""
    stop_request = StopRequest()
    with reported("The training job"):
        finished = train(
            parse(sys.argv[1:]),
            JobDirectories.of_environment(os.environ),
            Cluster.of_environment(os.environ),
            stop_request,
        )
    sys.exit(0 if finished else STOPPED_EXIT_STATUS)


def train(
    settings: Hyperparameters, directories: JobDirectories, cluster: Cluster, stop_request: StopRequest
) -> bool:
    """Trains and exports; returns False when it was stopped (a checkpoint is saved then).

    Raises:
        JobFailed: on bad data, when the loss is no longer a number, or when another host is lost; and before anything
            else when the model directory holds what is no earlier model.
    """
    MODEL_FOLDER.check(directories.model)
    limit = TimeLimit(settings.max_seconds)
    # TensorFlow reads this when it is imported. It turns oneDNN on by itself on the newest processors only, and on
    # one with AVX2 alone both networks trained a third faster with it.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    # Imported only now, too, so that a wrong hyperparameter fails within a second.
    import_tensorflow()
    import keras
    import tensorflow as tf

    from model_code.networks.precision import precision_policy

    keras.utils.set_random_seed(settings.seed)
    if settings.deterministic:
        tf.config.experimental.enable_op_determinism()
    strategy = cluster.strategy()
    keras.config.set_dtype_policy(precision_policy(settings.mixed_precision))
    try:
        with strategy.scope():
            finished, export_result = learn(settings, directories, cluster, stop_request, limit)
        # Outside the scope: the served network belongs to the chief alone.
        if finished and cluster.is_chief:
            export_result()
        with strategy.scope():
            # A host that left earlier would look lost to the others.
            cluster.mean(0.0)
        return finished
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError) as error:
        raise JobFailed(
            f"Another host of the job no longer answers ({type(error).__name__}). The job ends here; started again, "
            "it goes on from the last checkpoint."
        ) from error


def learn(
    settings: Hyperparameters,
    directories: JobDirectories,
    cluster: Cluster,
    stop_request: StopRequest,
    limit: TimeLimit,
) -> tuple[bool, Callable[[], None]]:
    """Trains under the present strategy; returns whether to the end, and what exports the result."""
    import keras

    from model_code.data.batches import Shards
    from model_code.training.tasks import load_task
    from model_code.training.trainer import Trainer, class_weights_of

    task = load_task(settings, directories.train, directories.validation, directories.pretrained)
    weights = class_weights_of(settings, task.class_counts)
    stage = settings.of_last_stage()
    trainer = Trainer(task.build_network, stage, task.train, len(task.labels), weights)
    print(
        f"Training the {settings.kind} with {trainer.network.count_params():,} parameters on "
        f"{trainer.sample_count:,} samples of {len(task.labels)} classes in {keras.config.dtype_policy().name}, "
        f"on {trainer.strategy.num_replicas_in_sync} device(s)"
        f"{', reading its shards anew in every epoch' if isinstance(task.train, Shards) else ''}"
        f"{'' if weights is None else ', rare classes weighing more in the loss'}.",
        flush=True,
    )
    print_of_run = fingerprint(settings, task.train, trainer.network)
    has_model = (directories.model / MODEL_FOLDER.first).is_file()
    state = resume(trainer, directories.checkpoints, print_of_run, has_model=has_model)
    if cluster.mean(state.step) != state.step:
        raise JobFailed(
            "The hosts found different checkpoints. Give all of them the same files in /opt/ml/checkpoints."
        )
    limit.resume(state.seconds)
    finished = run_epochs(
        trainer, state, task, directories.checkpoints, print_of_run, cluster, stop_request, limit
    )
    if not finished:
        return False, lambda: None
    # Those of the best epoch, which early stopping and long training leave behind.
    trainer.network.set_weights(trainer.best_weights)
    calibration = fitted_calibration(trainer, task)
    return True, lambda: export(trainer, task, settings, state, calibration, directories)


def fitted_calibration(trainer: Any, task: Any) -> Any:
    """The network's calibration, from what it says of the validation split."""
    from model_code.training.calibration import calibrate, metric_of

    logits, targets = trainer.answer(task.validation)
    return calibrate(
        logits,
        targets,
        class_counts=task.class_counts,
        offsets=trainer.offsets,
        metric=metric_of(trainer.settings, task.class_counts),
    )


def export(
    trainer: Any,
    task: Any,
    settings: Hyperparameters,
    state: TrainingState,
    calibration: Any,
    directories: JobDirectories,
) -> None:
    """Writes the curves and the artefact."""
    from model_code.export.saved_model import export_model

    directories.output.mkdir(parents=True, exist_ok=True)
    (directories.output / "history.json").write_text(json.dumps(state.history), encoding="utf-8")
    write_events(state.curve, state.history, trainer.steps_per_epoch, directories.output)
    export_model(trainer.network, task, settings, state.history, calibration, directories.model, state.curve)
    print(f"The model is in {directories.model}.", flush=True)


def fingerprint(settings: Hyperparameters, samples: Any, network: Any) -> str:
    """A digest of what makes a checkpoint another run's: hyperparameters, training samples, network and code."""
    shapes = [list(variable.shape) for variable in network.variables]
    content = json.dumps([asdict(settings), samples.digest, shapes, code_digest()], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def resume(trainer: Any, directory: Path, run_fingerprint: str, *, has_model: bool = False) -> TrainingState:
    """Sets the trainer to the newest valid checkpoint of this run, if there is one.

    Args:
        learner: at its start.
        directory: of the checkpoints.
        run_fingerprint: of this run.
        has_model: whether its model is there already. A run that had come to its end is then trained anew.
    """
    checkpoint = checkpoints.load_newest(directory, run_fingerprint)
    if checkpoint is None:
        return TrainingState()
    if has_model and checkpoint.state["is_last"]:
        print("This run had come to its end and its model is there: it is trained anew.", flush=True)
        checkpoints.remove(directory, run_fingerprint)
        return TrainingState()
    variables = trainer.variables()
    for variable, array in zip(variables, checkpoint.arrays[: len(variables)], strict=True):
        variable.assign(array)
    trainer.best_weights = checkpoint.arrays[len(variables) :]
    own = ("fingerprint", "is_last")
    values = {name: value for name, value in checkpoint.state.items() if name not in own}
    state = TrainingState(**values)
    trainer.total_steps = state.last_step or trainer.total_steps
    print(f"Resuming at step {state.step} of {trainer.total_steps}.", flush=True)
    return state


def save(trainer: Any, state: TrainingState, directory: Path, run_fingerprint: str) -> None:
    """Writes a checkpoint of the trainer and the state."""
    arrays = [np.asarray(variable.numpy()) for variable in trainer.variables()] + trainer.best_weights
    is_last = state.step >= trainer.total_steps or has_stalled(state, trainer.settings)
    facts = {**asdict(state), "fingerprint": run_fingerprint, "is_last": is_last}
    checkpoints.save(directory, checkpoints.Checkpoint(arrays, facts))


def run_epochs(
    trainer: Any,
    state: TrainingState,
    task: Any,
    directory: Path,
    run_fingerprint: str,
    cluster: Cluster,
    stop_request: StopRequest,
    limit: TimeLimit,
) -> bool:
    """Trains to the end; returns False when a stop was asked for. See `train` for what is raised."""
    settings = trainer.settings
    wanted_steps = trainer.steps_per_epoch * settings.epochs
    checkpoint = checkpoints.Due(
        state.step, settings.checkpoint_every_steps, settings.checkpoint_every_seconds
    )
    while state.step < trainer.total_steps and not has_stalled(state, settings):
        epoch = state.step // trainer.steps_per_epoch
        started, first_step = time.monotonic(), state.step
        batches = trainer.batches_of_epoch(epoch)
        end = min((epoch + 1) * trainer.steps_per_epoch, trainer.total_steps)
        while state.step < end:
            advance(trainer, state, batches)
            if limit.max_seconds:
                state.seconds = limit.seconds()
                # The hosts' clocks differ, and all have to end at one step.
                last_step = limit.last_step(state.step, wanted_steps, trainer.total_steps)
                state.last_step = trainer.total_steps = int(cluster.mean(last_step))
                end = min(end, trainer.total_steps)
            if state.step == end:
                # Before the checkpoint: one of the epoch's last step without its measurements would lose them.
                rate = (end - first_step) * trainer.batch_size / (time.monotonic() - started)
                end_epoch(trainer, state, task, epoch, rate, cluster)
            stopping = cluster.mean(stop_request.is_set) > 0
            if checkpoint.is_due(state.step) or state.step == end or stopping:
                if cluster.is_chief:
                    save(trainer, state, directory, run_fingerprint)
                checkpoint.saved(state.step)
            if stopping:
                print(f"Stopped on request at step {state.step}; a checkpoint is saved.", flush=True)
                return False
    if trainer.total_steps < wanted_steps:
        print(f"The time limit left {state.step} of {wanted_steps} steps.", flush=True)
    return True


def advance(trainer: Any, state: TrainingState, batches: Any) -> None:
    """Runs the next few steps of the epoch whose batches these are.

    The calls always begin at the same steps of an epoch, wherever a run was resumed, so that their sums are equal.

    Raises:
        JobFailed: when the loss or a weight is no longer a number.
    """
    from model_code.training.trainer import STEPS_PER_CALL

    position = state.step % trainer.steps_per_epoch
    until_checkpoint = (
        trainer.settings.checkpoint_every_steps - position % trainer.settings.checkpoint_every_steps
    )
    until_end = trainer.total_steps - state.step
    count = min(STEPS_PER_CALL - position % STEPS_PER_CALL, until_checkpoint, until_end)
    inputs, targets = batches[position : position + count]
    sums = trainer.advance((inputs, targets), state.step)
    if not (math.isfinite(sums.loss) and trainer.has_finite_weights()):
        raise JobFailed(
            f"The loss or a weight was no longer a number by step {state.step + len(targets)}. Lower the "
            f"learning_rate (it is {trainer.settings.learning_rate}), or check the data for damaged samples."
        )
    state.step += len(targets)
    state.loss_sum += sums.loss
    state.right_sum += sums.right
    point = {
        "step": state.step,
        "steps": len(targets),
        "train_loss": sums.loss / len(targets),
        "train_objective": sums.objective / len(targets),
        "train_accuracy": sums.right / targets.size,
        "learning_rate": trainer.learning_rate(state.step - 1),
    }
    state.curve = extended(state.curve, point)


def end_epoch(
    trainer: Any, state: TrainingState, task: Any, epoch: int, samples_per_second: float, cluster: Cluster
) -> None:
    """Measures the validation split, prints the metric line and starts the next epoch's sums.

    An epoch that the time limit cut is reported as the share of it that was run.
    """
    from model_code.training.calibration import mean_loss, refined_loss

    logits, targets = trainer.answer(task.validation)
    shifted = logits + trainer.offsets
    measured = (
        mean_loss(shifted, targets),
        float(np.mean(shifted.argmax(axis=1) == targets)),
        refined_loss(logits, targets, trainer.offsets),
        float(len(targets)),
    )
    # The mean over the hosts, whose last bits may differ: all have to agree on when to stop early.
    validation_loss, validation_accuracy, loss, count = map(cluster.mean, measured)
    steps = state.step - epoch * trainer.steps_per_epoch
    whole = steps == trainer.steps_per_epoch
    row = {
        "epoch": epoch + 1 if whole else round(epoch + steps / trainer.steps_per_epoch, 2),
        "train_loss": state.loss_sum / steps,
        "train_accuracy": state.right_sum / (steps * trainer.batch_size),
        "validation_loss": validation_loss,
        "validation_accuracy": validation_accuracy,
    }
    state.history.append(row)
    state.loss_sum = state.right_sum = 0.0
    better = not trainer.best_weights or loss < state.best_loss or count < LEAST_TO_CHOOSE
    if better:
        state.best_loss, trainer.best_weights = loss, trainer.network.get_weights()
    state.epochs_without_better = 0 if better else state.epochs_without_better + 1
    if cluster.is_chief:
        print(metric_line(**row, samples_per_second=samples_per_second), flush=True)


def has_stalled(state: TrainingState, settings: Hyperparameters) -> bool:
    """Whether early stopping is on and the validation loss has not improved for `patience_epochs` epochs."""
    return 0 < settings.patience_epochs <= state.epochs_without_better


if __name__ == "__main__":
    run()
