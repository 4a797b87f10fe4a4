"""A monthly budget for what bears the environment's tags; it costs nothing and tells before the money is spent."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.settings.monitoring import BudgetSettings
from stacks.shared.iam import let_budgets

properties = budgets.CfnBudget


def add_budget(
    scope: Construct, settings: BudgetSettings, tags: Mapping[str, str], topic: sns.Topic | None
) -> None:
    """Adds the budget; the tags have to be activated as cost allocation tags in the account's billing console.

    Args:
        scope: the stack that it is part of.
        settings: how much, and who hears of it.
        tags: of what it counts.
        topic: which hears of it too; None where there is none.
    """
    percents = [("ACTUAL", percent) for percent in settings.percents]
    subscribers = [properties.SubscriberProperty(subscription_type="EMAIL", address=settings.email)]
    if topic:
        topic.add_to_resource_policy(let_budgets(scope, "sns:Publish", resource=topic.topic_arn))
        subscribers.append(properties.SubscriberProperty(subscription_type="SNS", address=topic.topic_arn))
    budget = budgets.CfnBudget(
        scope,
        "Budget",
        budget=properties.BudgetDataProperty(
            budget_type="COST",
            time_unit="MONTHLY",
            budget_limit=properties.SpendProperty(amount=settings.monthly_us_dollars, unit="USD"),
            filter_expression=properties.ExpressionProperty(
                and_=[
                    properties.ExpressionProperty(tags=properties.TagValuesProperty(key=key, values=[value]))
                    for key, value in tags.items()
                ]
            ),
            # A filter expression wants the metric named (CreateBudget, Metrics).
            metrics=["UnblendedCost"],
        ),
        notifications_with_subscribers=[
            notification(kind, percent, subscribers) for kind, percent in [*percents, ("FORECASTED", 100)]
        ],
    )
    if topic:
        # With the policy, without which nothing could be told.
        budget.node.add_dependency(topic)


def notification(
    kind: str, percent: int, subscribers: list[properties.SubscriberProperty]
) -> properties.NotificationWithSubscribersProperty:
    """One notice when so many percent are spent, or will be by the month's end."""
    return properties.NotificationWithSubscribersProperty(
        notification=properties.NotificationProperty(
            notification_type=kind,
            comparison_operator="GREATER_THAN",
            threshold=percent,
            threshold_type="PERCENTAGE",
        ),
        subscribers=subscribers,
    )
