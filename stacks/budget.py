"""A monthly budget for what bears the environment's tags; it costs nothing and tells before the money is spent."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import aws_budgets as budgets
from constructs import Construct

from stacks.settings.watching import BudgetSettings

properties = budgets.CfnBudget


def add_budget(scope: Construct, settings: BudgetSettings, tags: Mapping[str, str]) -> None:
    """Adds the budget; the tags have to be activated as cost allocation tags in the account's billing console."""
    percents = [("ACTUAL", percent) for percent in settings.percents]
    budgets.CfnBudget(
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
            notification(kind, percent, settings.email) for kind, percent in [*percents, ("FORECASTED", 100)]
        ],
    )


def notification(kind: str, percent: int, email: str) -> properties.NotificationWithSubscribersProperty:
    """One mail when so many percent are spent, or will be by the month's end."""
    return properties.NotificationWithSubscribersProperty(
        notification=properties.NotificationProperty(
            notification_type=kind,
            comparison_operator="GREATER_THAN",
            threshold=percent,
            threshold_type="PERCENTAGE",
        ),
        subscribers=[properties.SubscriberProperty(subscription_type="EMAIL", address=email)],
    )
