"""Where people sign in: a name that several stacks know before the thing itself is there."""

import aws_cdk as cdk

from infra.settings import StageSettings


def sign_in_prefix(stack: cdk.Stack, settings: StageSettings) -> str:
    """Unique in a region over all accounts, hence the account in it."""
    return settings.deployment.sign_in_prefix or f"framewatch-{settings.stage}-{stack.account}"


def sign_in_url(stack: cdk.Stack, settings: StageSettings) -> str:
    """Worked out, not read from the user pool: the pages' security policy names it, and the pool names the pages."""
    return f"https://{sign_in_prefix(stack, settings)}.auth.{stack.region}.amazoncognito.com"
