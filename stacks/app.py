"""Puts the stacks of one environment together, with what holds for all of them: names, tags, order, checks."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from aws_cdk import Annotations, App, Environment, Stack, Tags, Validations
from aws_cdk import aws_iam as iam
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

from definitions.names import PROJECT, stack_name
from stacks.api.stack import ApiStack
from stacks.bulk.stack import BulkStack
from stacks.console.edge import EDGE_REGION, EdgeStack
from stacks.console.stack import ConsoleStack
from stacks.inference.stack import InferenceStack
from stacks.monitoring.budget import add_budget
from stacks.monitoring.stack import MonitoringStack
from stacks.release.shutdown import ScheduledShutdown
from stacks.release.stack import ReleaseStack
from stacks.settings import EnvironmentSettings, load_settings, warnings_of
from stacks.storage.stack import StorageStack
from stacks.training.stack import TrainingStack

RULE_PACKS = (AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks)


def compose(app: App) -> dict[str, Stack]:
    """Adds the stacks of the environment that the context names to `app`; cdk.json's context names the default.

    Synths may run at the same time: each lays its assets out in a folder of its own, which goes again, because the CDK
    copies an asset into the assembly when it is added.

    Raises:
        PartMissing: when what the console is made of is not there.
        SettingsRefused: when cdk.json's settings are wrong.
        VendoringFailed: when the Lambdas' dependencies cannot be installed.
    """
    context = app.node.try_get_context
    settings = load_settings(context("environment"), context("environments"))
    with TemporaryDirectory(prefix="recognition-synth-") as folder:
        stacks = add_stacks(app, settings, Path(folder))
    # They look at the end of the synth, which fails at a finding that nobody has acknowledged.
    Validations.of(app).add_plugins(*(pack(app) for pack in RULE_PACKS))
    return stacks


def add_stacks(app: App, settings: EnvironmentSettings, build_directory: Path) -> dict[str, Stack]:
    """The stacks by part, with their order, tags and checks; see `compose` for what is raised."""
    inference = InferenceStack(
        app, **named(settings, "Inference", "Endpoints of the released versions"), settings=settings
    )
    release = ReleaseStack(
        app,
        **named(settings, "Release", "From an approved version to its endpoint"),
        settings=settings,
        configurations=inference.configurations(),
    )
    topic = None
    stacks: dict[str, Stack] = {
        "Storage": StorageStack(app, **named(settings, "Storage", "Key and buckets"), settings=settings),
        "Training": TrainingStack(
            app,
            **named(settings, "Training", "From data to a registered model version"),
            settings=settings,
            build_directory=build_directory,
            inference_stack=stack_name(settings.name, "Inference"),
        ),
        "Inference": inference,
        "Release": release,
        "Api": ApiStack(
            app,
            **named(settings, "Api", "The recognition API and its functions"),
            settings=settings,
            build_directory=build_directory,
        ),
    }
    if settings.console:
        edge = None
        if settings.api.firewall and settings.region != EDGE_REGION:
            described = named(settings, "Edge", "The firewall before the console")
            stacks["Edge"] = edge = EdgeStack(app, **described, settings=settings)
        stacks["Console"] = ConsoleStack(
            app,
            **named(settings, "Console", "A page to try and compare"),
            settings=settings,
            build_directory=build_directory,
            edge=edge,
        )
        # It reads where the API is, and which machines train and release.
        for part in ("Training", "Api", "Release"):
            stacks["Console"].add_stack_dependency(stacks[part])
    if settings.monitoring:
        stacks["Watching"] = monitoring = MonitoringStack(
            app,
            **named(settings, "Watching", "Who hears of alarms, drift and failed runs"),
            settings=settings,
            build_directory=build_directory,
            alarm_prefix=stack_name(settings.name, ""),
            inference_stack=inference.stack_name,
        )
        topic = monitoring.topic
    if settings.scheduled_shutdown:
        ScheduledShutdown(release, "Rests", settings=settings, release=release)
    stacks["Bulk"] = BulkStack(
        app,
        **named(settings, "Bulk", "Any operation over millions of objects"),
        settings=settings,
        build_directory=build_directory,
    )
    if settings.monitoring:
        # It listens to their machines, which it knows by what they published.
        for part in ("Training", "Release", "Bulk"):
            stacks["Watching"].add_stack_dependency(stacks[part])
    if settings.budget:
        # Beside the topic that hears of it, where there is one.
        holder = stacks["Watching" if settings.monitoring else "Storage"]
        tags = {"project": PROJECT, "environment": settings.name}
        add_budget(holder, settings.budget, tags, topic)
    # They read what storage published, which CDK cannot see by itself.
    for reader in ("Training", "Inference", "Release", "Api", "Bulk"):
        stacks[reader].add_stack_dependency(stacks["Storage"])
    # Its machine hands the models' role on.
    stacks["Release"].add_stack_dependency(stacks["Inference"])
    # A released version's group has to outlive its endpoint.
    stacks["Inference"].add_stack_dependency(stacks["Training"])
    for stack in stacks.values():
        Tags.of(stack).add("project", PROJECT)
        Tags.of(stack).add("environment", settings.name)
        for warning in warnings_of(settings):
            Annotations.of(stack).add_warning_v2("recognition:chosen-settings", warning)
        if settings.permissions_boundary:
            bound(stack, settings.permissions_boundary)
    return stacks


def named(settings: EnvironmentSettings, part: str, description: str) -> dict:
    """The arguments that every stack takes."""
    name = stack_name(settings.name, part)
    return {
        "construct_id": name,
        "stack_name": name,
        "description": f"{description} ({settings.name})",
        "env": Environment(account=settings.account, region=settings.region),
        "termination_protection": settings.termination_protection,
    }


def bound(stack: Stack, policy_arn: str) -> None:
    """Bounds every role of a stack, those that CDK adds included."""
    policy = iam.ManagedPolicy.from_managed_policy_arn(stack, "Boundary", policy_arn)
    iam.PermissionsBoundary.of(stack).apply(policy)
