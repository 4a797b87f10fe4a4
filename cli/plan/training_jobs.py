"""What training on many images meets: the job's time, the hosts' disks, what a run's record covers."""

from __future__ import annotations

from advisor.prices import price_table
from advisor.tables import assumptions
from cli.plan.checks import Check, ScalePlan, charge, duration, quota, setting
from definitions.counts import counted
from definitions.names import LISTED_OBJECTS
from definitions.networks import RECORDS_PER_SHARD, kind_of_feature
from model_code.hyperparameters import KINDS
from stacks.settings import EnvironmentSettings
from stacks.settings.instance_families import has_gpu, has_local_storage, virtual_processors

BASE_PIXELS = 32
KB, MB, GB = 1_000, 1_000_000, 1_000_000_000
SECONDS_AN_HOUR = 3_600
# The data, and as much again for checkpoints, the validation split and what TensorFlow writes.
DISK_SHARE = 1.25


def plan(
    images: int,
    kilobytes: float,
    pixels: int,
    epochs: int | None,
    hosts: int | None,
    settings: EnvironmentSettings,
) -> ScalePlan:
    """Training the CNN on so many images in shards.

    Args:
        images: of the training split.
        kilobytes: of an image's file.
        pixels: a side of what the network reads.
        epochs: None for the CNN's own.
        hosts: None for the settings' own.
        settings: of the environment.
    """
    scale, training = assumptions()["scale"], settings.training
    instance, hosts = training.instance_type, hosts or training.instance_count
    epochs = epochs or KINDS[kind_of_feature("image")]().epochs
    size = images * kilobytes * KB
    speed, slower = images_a_second(instance, kilobytes, pixels)
    speed *= 1 + (hosts - 1) * scale["host_efficiency"]
    parts = {
        "download": size / MB / scale["downloaded_megabytes_per_second"],
        "check": size / MB / scale["checked_megabytes_per_second"],
        "train": images * epochs / speed,
    }
    seconds = sum(parts.values())
    shards = -(-images // RECORDS_PER_SHARD)
    runtime = ("training.max_runtime_seconds", seconds, training.max_runtime_seconds, "s")
    checks = [
        setting(*runtime, runtime_change(seconds)),
        quota("sagemaker.training_seconds", seconds, "Take more hosts, or fewer epochs."),
        quota("sagemaker.instances_of_a_training_job", hosts),
        Check(
            "Objects that a run's data_version covers, of this project",
            shards,
            LISTED_OBJECTS,
            "objects",
            f"A change in a shard behind the first {LISTED_OBJECTS} leaves data_version as it is: write larger shards.",
        ),
    ]
    disk = size * DISK_SHARE / GB
    if not has_local_storage(instance):
        checks.append(setting("training.volume_gigabytes", disk, training.volume_gigabytes, "GB"))
    if training.use_spot:
        checks.append(setting("training.max_wait_seconds", seconds, training.max_wait_seconds, "s"))
    hours = hosts * seconds / SECONDS_AN_HOUR
    usd = charge(price_table(settings.region), f"sagemaker.{instance}.training", hours)
    of_each = ", ".join(f"{name} {duration(part)}" for name, part in parts.items())
    assumed = [
        f"Of it {of_each}. Every host downloads and checks all of the data; "
        f"{counted(epochs, 'epoch')} at {speed:,.0f} images a second over {counted(hosts, 'host')}, "
        f"bounded by {slower} ([scale] of advisor/data/assumptions.toml, on demand, without a spot discount).",
    ]
    if has_local_storage(instance):
        assumed.append(
            f"Each host needs {disk:,.0f} GB of disk. {instance} has disks of its own, whose size no setting changes: "
            "compare it with EC2's list of instance types."
        )
    task = (
        f"{counted(images, 'image')} of {kilobytes:g} KB, {pixels} × {pixels} pixels, on {hosts} × {instance}"
    )
    return ScalePlan(task, checks, {f"{hosts} × {instance}": usd}, "training", seconds, assumed)


def images_a_second(instance: str, kilobytes: float, pixels: int) -> tuple[float, str]:
    """How many images one host trains on, and what holds it to that."""
    scale, cores = assumptions()["scale"], virtual_processors(instance)
    computed = scale["trained_images_per_second"]["gpu" if has_gpu(instance) else "cpu"]
    computed *= (BASE_PIXELS / pixels) ** 2
    decoded = scale["decoded_megabytes_per_second_per_core"] * cores * MB / (kilobytes * KB)
    return (decoded, "decoding on its processors") if decoded < computed else (computed, "computing")


def runtime_change(seconds: float) -> str:
    """What to do where the job is ended too early."""
    return (
        f"Set it to {seconds:,.0f} or more (432,000 at most), or take more hosts "
        "(training.instance_count) or a faster training.instance_type."
    )
