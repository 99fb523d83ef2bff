"""Which providers there are, and what the settings say about each."""

from dataclasses import dataclass, field
from enum import StrEnum

from django.conf import settings

from seatrial.control.configuration import Configuration

GITHUB, GITLAB, GOOGLE = "https://github.com", "https://gitlab.com", "https://accounts.google.com"


class ProviderKind(StrEnum):
    """The kinds of provider, as they are in addresses and in the settings' names."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    GOOGLE = "google"


@dataclass(frozen=True)
class Provider:
    """One provider. `missing` names the settings that it still needs; while it does, nobody can sign in with it."""

    kind: ProviderKind
    name: str
    enabled: bool
    url: str
    client_id: str
    client_secret: str = field(repr=False)

    @property
    def missing(self) -> tuple[str, ...]:
        """The settings without a value."""
        needed = {"URL": self.url, "CLIENT_ID": self.client_id, "CLIENT_SECRET": self.client_secret}
        return tuple(f"{self.kind.upper()}_{name}" for name, value in needed.items() if not value)

    @property
    def usable(self) -> bool:
        """Whether people can sign in with it."""
        return self.enabled and not self.missing

    @property
    def switch(self) -> str:
        """The setting that turns it on and off."""
        return f"AUTH_PROVIDER_{self.kind.upper()}_ENABLED"

    @property
    def callback(self) -> str:
        """Where it sends people back to; its application must name exactly this address."""
        return f"{settings.SITE_URL}/accounts/{self.kind}/login/callback/"


def providers(configuration: Configuration) -> list[Provider]:
    """Every provider, also those that are off."""
    outside = "" if configuration.airgapped else GITLAB
    return [
        _provider(
            configuration,
            ProviderKind.GITHUB,
            "GitHub",
            configuration.auth_provider_github_enabled,
            configuration.github_url,
            configuration.github_client_id,
            configuration.github_client_secret.get_secret_value(),
        ),
        _provider(
            configuration,
            ProviderKind.GITLAB,
            "GitLab",
            configuration.auth_provider_gitlab_enabled,
            configuration.gitlab_url or outside,
            configuration.gitlab_client_id,
            configuration.gitlab_client_secret.get_secret_value(),
        ),
        _provider(
            configuration,
            ProviderKind.GITEA,
            "Gitea",
            configuration.auth_provider_gitea_enabled,
            configuration.gitea_url,
            configuration.gitea_client_id,
            configuration.gitea_client_secret.get_secret_value(),
        ),
        _provider(
            configuration,
            ProviderKind.GOOGLE,
            "Google",
            configuration.auth_provider_google_enabled,
            GOOGLE,
            configuration.google_client_id,
            configuration.google_client_secret.get_secret_value(),
        ),
    ]


def find(kind: str) -> Provider:
    """The provider of this kind, as the settings are now."""
    return next(one for one in providers(settings.CONFIGURATION) if one.kind == kind)


def usable() -> list[Provider]:
    """The providers that people can sign in with."""
    return [one for one in providers(settings.CONFIGURATION) if one.usable]


def incomplete() -> list[str]:
    """For each provider that is on but cannot be used, a sentence that says what to do."""
    return [
        f"Nobody can sign in with {one.name}: set {' and '.join(one.missing)}, or set {one.switch}=False"
        for one in providers(settings.CONFIGURATION)
        if one.enabled and one.missing
    ]


def _provider(
    configuration: Configuration,
    kind: ProviderKind,
    name: str,
    enabled: bool | None,
    url: str,
    client_id: str,
    client_secret: str,
) -> Provider:
    """Without a word of the operator: on if it can be used; with AIRGAPPED only GitLab, which is the one inside."""
    if enabled is None:
        known = bool(url and client_id and client_secret)
        enabled = kind is ProviderKind.GITLAB if configuration.airgapped else known
    return Provider(kind, name, enabled, url, client_id, client_secret)
