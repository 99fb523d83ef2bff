"""`manage invite`: lets in one account of a provider."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from seatrial.control.accounts.admission import invitations
from seatrial.control.accounts.models import Invitation, Role, Workspace
from seatrial.control.accounts.providers.configured import ProviderKind, find

LIKE = "github:octocat, gitlab:jane, gitea:jane or google:jane@example.com"


class Command(BaseCommand):
    """Makes an invitation, or takes one back."""

    help = "Let in one account of a provider, with a role in a workspace; it has a week to sign in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The account, its role and workspace."""
        parser.add_argument("account", help=LIKE)
        parser.add_argument("--role", choices=Role.values, default=Role.DEVELOPER.value)
        parser.add_argument("--workspace", default="default", help="its slug")
        parser.add_argument(
            "--revoke", action="store_true", help="take the invitation back: the account comes in no more"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Both are recorded in the audit log."""
        provider, login = _account(options["account"])
        workspace = Workspace.objects.filter(slug=options["workspace"]).first()
        if workspace is None:
            there = ", ".join(Workspace.objects.order_by("slug").values_list("slug", flat=True))
            raise CommandError(f"--workspace: there is no {options['workspace']!r}, only: {there or 'none'}")
        if options["revoke"]:
            self._revoke(provider, login, workspace)
            return
        invitation = invitations.invite(provider, login, workspace, Role(options["role"]))
        self.stdout.write(
            f"{invitation} may sign in until {invitation.expires_at:%Y-%m-%d %H:%M} UTC for the first time, "
            f"and becomes {invitation.role} of {workspace}"
        )
        if not find(provider).usable:
            self.stdout.write(f"Nobody can sign in with {find(provider).name} yet: see docs/sign-in.md")

    def _revoke(self, provider: ProviderKind, login: str, workspace: Workspace) -> None:
        found = Invitation.objects.filter(provider=provider, login=login, workspace=workspace).first()
        if found is None:
            raise CommandError(f"{provider}:{login} has no invitation to {workspace}")
        invitations.revoke(found)
        self.stdout.write(f"{found} comes in no more, unless a list lets it in; its sessions have ended")


def _account(text: str) -> tuple[ProviderKind, str]:
    kind, _, login = text.strip().lower().partition(":")
    provider = next((one for one in ProviderKind if one == kind), None)
    if provider is None or not login or any(character.isspace() for character in login) or len(login) > 254:
        raise CommandError(f"{text!r} is no account of a provider. Write it like {LIKE}")
    return provider, login
