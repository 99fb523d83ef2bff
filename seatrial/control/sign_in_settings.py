"""The settings of sign-in, a part of `Configuration`: providers, who may sign in, second factors."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings

from seatrial.control import listed
from seatrial.control.listed import Listed, RoleRule
from seatrial.environ import shapes
from seatrial.environ.wanted import Wanted


def _domains(text: str) -> str:
    listed.domains(text)
    return text


def _organisations(text: str) -> str:
    listed.organisations(text)
    return text


def _groups(text: str) -> str:
    listed.groups(text)
    return text


def _role_map(text: str) -> str:
    listed.role_rules(text)
    return text


DECIDED = "`True` or `False`, in exactly these letters. Unset: on if the id and the secret of its application are set"
APPLICATION = "of the OAuth application there, whose callback is `${{SITE_URL}}/accounts/{}/login/callback/`."


class SignInSettings(BaseSettings):
    """Fields of `Configuration`. With AIRGAPPED the defaults of the switches are others; `accounts.providers` decides."""

    auth_provider_github_enabled: shapes.Switch = Field(
        None, description=f"Sign-in with GitHub: {DECIDED}; with AIRGAPPED: off."
    )
    github_url: shapes.ForgeAddress = Field(
        "https://github.com", description="GitHub for sign-in: github.com, or an Enterprise Server."
    )
    github_client_id: shapes.ClientId = Field("", description=f"Client id {APPLICATION.format('github')}")
    github_client_secret: shapes.ClientSecret = Field(
        SecretStr(""), description="The client secret that goes with it."
    )
    auth_provider_gitlab_enabled: shapes.Switch = Field(
        None, description=f"Sign-in with GitLab: {DECIDED}; with AIRGAPPED: on."
    )
    gitlab_url: shapes.ForgeAddress = Field(
        "",
        description="GitLab for sign-in: its root, without a slash at the end. Unset: https://gitlab.com; with AIRGAPPED it must be set.",
    )
    gitlab_client_id: shapes.ClientId = Field("", description=f"Client id {APPLICATION.format('gitlab')}")
    gitlab_client_secret: shapes.ClientSecret = Field(
        SecretStr(""), description="The client secret that goes with it."
    )
    auth_provider_google_enabled: shapes.Switch = Field(
        None, description=f"Sign-in with Google: {DECIDED}; with AIRGAPPED: off."
    )
    google_client_id: shapes.ClientId = Field("", description=f"Client id {APPLICATION.format('google')}")
    google_client_secret: shapes.ClientSecret = Field(
        SecretStr(""), description="The client secret that goes with it."
    )
    auth_provider_gitea_enabled: shapes.Switch = Field(
        None, description=f"Sign-in with Gitea or Forgejo: {DECIDED}, and GITEA_URL; with AIRGAPPED: off."
    )
    gitea_url: shapes.ForgeAddress = Field("", description="Gitea or Forgejo for sign-in: its root.")
    gitea_client_id: shapes.ClientId = Field("", description=f"Client id {APPLICATION.format('gitea')}")
    gitea_client_secret: shapes.ClientSecret = Field(
        SecretStr(""), description="The client secret that goes with it."
    )
    auth_allowed_domains: Annotated[
        str, AfterValidator(_domains), Wanted("e-mail domains with commas between", "example.com")
    ] = Field(
        "",
        description="Whoever has a verified e-mail address there may sign in with a provider: example.com, comma-separated.",
    )
    auth_allowed_organisations: Annotated[
        str, AfterValidator(_organisations), Wanted("organisations with commas between", "github:acme")
    ] = Field(
        "",
        description="Whose members may sign in: github:acme, gitea:acme, comma-separated.",
    )
    auth_allowed_groups: Annotated[
        str, AfterValidator(_groups), Wanted("GitLab groups with commas between", "acme/platform")
    ] = Field(
        "",
        description="GitLab groups whose members may sign in, by their full paths: acme/platform, or acme/* for all groups below "
        "acme, comma-separated.",
    )
    auth_role_map: Annotated[
        str,
        AfterValidator(_role_map),
        Wanted("rules with commas between", "gitlab:acme/platform#maintainer=default:admin"),
    ] = Field(
        "",
        description="The roles that people get at each sign-in: gitlab:acme/platform#maintainer=default:admin, github:acme=default:developer, "
        "@example.com=default:viewer, comma-separated. After # stands what somebody must at least be there, after = workspace and role.",
    )
    auth_session_hours: Annotated[int, shapes.Between(1, 720, "a number of hours")] = Field(
        12,
        description="Hours after which whoever came through a provider has to sign in again, and is asked for once more there.",
    )
    auth_require_second_factor: shapes.Switch = Field(
        False,
        description="`True`: whoever signs in with a password must have a passkey or an authenticator app, and can do nothing before.",
    )

    @property
    def allowed(self) -> tuple[Listed, ...]:
        """Everything whose people may sign in."""
        return (
            *listed.domains(self.auth_allowed_domains),
            *listed.organisations(self.auth_allowed_organisations),
            *listed.groups(self.auth_allowed_groups),
        )

    @property
    def role_rules(self) -> tuple[RoleRule, ...]:
        """Who gets which role."""
        return listed.role_rules(self.auth_role_map)
