"""Who may look: a user pool, its sign-in pages, the dashboard as their one client, three groups."""

import aws_cdk as cdk
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from framewatch.domain.access import Role
from infra.constructs.policy import acknowledge
from infra.constructs.removal import data_removal, pin_logical_id
from infra.constructs.sign_in import sign_in_prefix, sign_in_url
from infra.settings import StageSettings
from infra.stacks.web import WebStack

FIRST_PASSWORD_DAYS = 3
# What the groups are for, as a reader of the user pool sees it.
ROLES = {
    Role.ADMIN: "May do everything, and say who else may",
    Role.OPERATOR: "Works with what was seen",
    Role.VIEWER: "Looks, and changes nothing",
}


class IdentityStack(cdk.Stack):
    def __init__(
        self, scope: Construct, construct_id: str, *, settings: StageSettings, web: WebStack, **kwargs: object
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        page = f"{web.url}/"
        self.pool = self._pool(settings, page)
        self.client = self._client(page)
        domain = self.pool.add_domain(
            "SignIn",
            cognito_domain=cognito.CognitoDomainOptions(domain_prefix=sign_in_prefix(self, settings)),
            # The newer pages ask for a plan that costs more for each user, and for a style of one's own.
            managed_login_version=cognito.ManagedLoginVersion.CLASSIC_HOSTED_UI,
        )
        # Another logical id would ask for the same name before the old one is given back.
        pin_logical_id(domain, "SignInDomain")
        self._groups(settings)
        self.issuer = f"https://cognito-idp.{self.region}.{self.url_suffix}/{self.pool.user_pool_id}"
        cdk.CfnOutput(self, "UserPoolId", value=self.pool.user_pool_id)
        cdk.CfnOutput(self, "UserPoolClientId", value=self.client.user_pool_client_id)
        cdk.CfnOutput(self, "SignInUrl", value=sign_in_url(self, settings))
        cdk.CfnOutput(self, "Issuer", value=self.issuer)

    def _pool(self, settings: StageSettings, page: str) -> cognito.UserPool:
        """page: where the dashboard is, for the mail that invites.

        What stands here about names, sign-in and attributes can never be changed again in a pool that lives.
        """
        pool = cognito.UserPool(
            self,
            "UserPool",
            feature_plan=cognito.FeaturePlan.LITE,
            # People are invited (`admin_create_user`); nobody lets himself in.
            self_sign_up_enabled=False,
            # Cognito's own words name neither the site nor where it is.
            user_invitation=cognito.UserInvitationConfig(
                email_subject="You can sign in to Framewatch",
                email_body=f"The dashboard: {page}<br>Name: {{username}}<br>"
                f"Password for the first time, within {FIRST_PASSWORD_DAYS} days: {{####}}",
            ),
            sign_in_aliases=cognito.SignInAliases(email=True),
            sign_in_case_sensitive=False,
            standard_attributes=cognito.StandardAttributes(
                email=cognito.StandardAttribute(required=True, mutable=True)
            ),
            auto_verify=cognito.AutoVerifiedAttrs(email=True),
            # A new address counts when it has answered, so that a slip of the pen locks nobody out.
            keep_original=cognito.KeepOriginalAttrs(email=True),
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            password_policy=cognito.PasswordPolicy(
                min_length=12,
                require_lowercase=True,
                require_uppercase=True,
                require_digits=True,
                require_symbols=True,
                temp_password_validity=cdk.Duration.days(FIRST_PASSWORD_DAYS),
            ),
            mfa=cognito.Mfa.OPTIONAL,
            # An app on the phone: a code by text costs money and can be redirected.
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            deletion_protection=settings.retain_data,
            removal_policy=data_removal(settings),
        )
        pin_logical_id(pool, "UserPool")
        acknowledge(
            pool,
            {
                "AwsSolutions-COG2": "a one-time code is offered to everybody; a site whose people carry no phone at"
                " work could not sign in if it were demanded",
                "AwsSolutions-COG8": "the plan with threat protection costs more for each user than the site itself",
            },
        )
        return pool

    def _client(self, page: str) -> cognito.UserPoolClient:
        """page: where the dashboard is; the only place that a code or a sign-out leads to."""
        client = self.pool.add_client(
            "Dashboard",
            # A page can keep no secret. PKCE takes its place: only who began the sign-in can use the code.
            generate_secret=False,
            # Naming one, if only to refuse it, leaves none but the refresh: no password passes through the page.
            auth_flows=cognito.AuthFlow(user_srp=False),
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True),
                scopes=[cognito.OAuthScope.OPENID, cognito.OAuthScope.EMAIL],
                callback_urls=[page],
                logout_urls=[page],
            ),
            supported_identity_providers=[cognito.UserPoolClientIdentityProvider.COGNITO],
            access_token_validity=cdk.Duration.hours(1),
            id_token_validity=cdk.Duration.hours(1),
            # Once a week somebody types a password again.
            refresh_token_validity=cdk.Duration.days(7),
            enable_token_revocation=True,
            prevent_user_existence_errors=True,
        )
        # A new client is a new client id, and everybody is signed out.
        pin_logical_id(client, "DashboardClient")
        return client

    def _groups(self, settings: StageSettings) -> None:
        for precedence, (role, description) in enumerate(ROLES.items()):
            logical_id = f"{role.group.title()}Group"
            group = self.pool.add_group(
                logical_id, group_name=role.group, description=description, precedence=precedence
            )
            # Who is in it goes with it.
            group.apply_removal_policy(data_removal(settings))
            pin_logical_id(group, logical_id)
