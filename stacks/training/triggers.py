"""What starts the training state machine by itself: a schedule, or a marker object in the data bucket."""

from __future__ import annotations

from aws_cdk import aws_events as events
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from stacks.settings import EnvironmentSettings
from stacks.shared.state_machine import target


def add_triggers(
    scope: Construct, settings: EnvironmentSettings, machine: stepfunctions.StateMachine, data_bucket: str
) -> None:
    """Adds a rule for the marker and one for each schedule of the settings; none by default."""
    if marker := settings.training.marker_name:
        key = events.EventField.from_path("$.detail.object.key")
        events.Rule(
            scope,
            "Marker",
            description=f"An object named {marker} starts a training run on the splits beside it",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={"bucket": {"name": [data_bucket]}, "object": {"key": [{"suffix": f"/{marker}"}]}},
            ),
            targets=[target(scope, machine, {"marker_key": key})],  # pyright: ignore[reportArgumentType]  # jsii
        )
    for number, run in enumerate(settings.training.schedules, start=1):
        events.Rule(
            scope,
            f"Schedule{number}",
            description=f"Trains the {run.kind} on {run.data_prefix}",
            schedule=events.Schedule.expression(run.expression),
            targets=[
                target(  # pyright: ignore[reportArgumentType]  # jsii
                    scope,
                    machine,
                    {
                        "kind": run.kind,
                        "data_s3_uri": f"s3://{data_bucket}/{run.data_prefix}",
                        "hyperparameters": run.hyperparameters,
                        **(
                            {} if run.minimum_accuracy is None else {"minimum_accuracy": run.minimum_accuracy}
                        ),
                    },
                )
            ],
        )
