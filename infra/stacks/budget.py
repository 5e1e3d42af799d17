"""A mail before the bill is a surprise. Alone in its stack: an emulator of AWS knows no budgets."""

import aws_cdk as cdk
from aws_cdk import aws_budgets as budgets
from constructs import Construct

from infra.settings import StageSettings

# Percent of the budget.
SPENT = (50, 80, 100)
FORECAST = (100,)


class BudgetStack(cdk.Stack):
    """Over the whole account. A filter by the tags of the stacks would leave out what costs most when it goes wrong:
    DetectLabels and texts belong to no resource, so they carry no tag."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: StageSettings, **kwargs: object) -> None:
        super().__init__(scope, construct_id, **kwargs)
        subscribers = [
            budgets.CfnBudget.SubscriberProperty(subscription_type="EMAIL", address=address)
            for address in settings.deployment.alarm_emails
        ]
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=f"framewatch-{settings.stage}",
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(
                    amount=settings.deployment.monthly_budget_usd, unit="USD"
                ),
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        notification_type=kind,
                        comparison_operator="GREATER_THAN",
                        threshold=percent,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=subscribers,
                )
                for kind, percents in (("ACTUAL", SPENT), ("FORECASTED", FORECAST))
                for percent in percents
            ],
        )
