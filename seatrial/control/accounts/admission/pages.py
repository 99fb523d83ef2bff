"""The page People: who is in a workspace, and whom its admins let in."""

from collections.abc import Mapping

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from seatrial.control.accounts.access import (
    Action,
    allowed,
    find_visible,
    require,
    require_somewhere,
    workspaces,
)
from seatrial.control.accounts.admission import invitations
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.models import Invitation, Membership, Role, User, Workspace
from seatrial.control.accounts.providers.configured import ProviderKind, usable

PAGE = "accounts/people.html"


class InviteForm(forms.Form):
    """An account of a provider that people can sign in with, and the role that it gets."""

    explains = True  # its fields have help

    workspace: "forms.ModelChoiceField[Workspace]" = forms.ModelChoiceField(queryset=None, empty_label=None)
    provider = forms.ChoiceField()
    login = forms.RegexField(
        r"^\S+$",
        label="Account",
        max_length=254,
        help_text="The username there; at Google the e-mail address.",
        error_messages={"invalid": "A username or an e-mail address has no spaces."},
    )
    role = forms.ChoiceField(choices=Role.choices, initial=Role.DEVELOPER)

    def __init__(self, user: User, data: Mapping[str, object] | None = None) -> None:
        super().__init__(data)
        self.fields["workspace"].queryset = workspaces(user, Action.MANAGE_MEMBERS).order_by("name")  # type: ignore[attr-defined]
        self.fields["provider"].choices = [(one.kind.value, one.name) for one in usable()]  # type: ignore[attr-defined]


@require_http_methods(["GET", "POST"])
@login_required
def people(request: HttpRequest) -> HttpResponse:
    """Those of every workspace whose members the person manages; a form that invites one more."""
    user = person(request)
    require_somewhere(user, Action.MANAGE_MEMBERS)
    form = InviteForm(user, request.POST if request.method == "POST" else None)
    if form.is_valid():
        _invite(request, form)
        return redirect("people")
    spaces = [
        {"workspace": space, "members": _members(space), "invitations": _invitations(user, space)}
        for space in workspaces(user, Action.MANAGE_MEMBERS).order_by("name")
    ]
    context = {"tab": "people", "spaces": spaces, "form": form if usable() else None}
    return render(request, PAGE, context, status=400 if form.is_bound else 200)


@require_POST
@login_required
def revoke(request: HttpRequest, key: str) -> HttpResponse:
    """Take an invitation back."""
    invitation = find_visible(person(request), Invitation, key, "workspace")
    require(person(request), _needed(invitation.role), invitation.workspace)
    invitations.revoke(invitation, by=actor(request))
    messages.success(request, f"{invitation} comes in no more, unless a list lets it in.")
    return redirect("people")


def _invite(request: HttpRequest, form: InviteForm) -> None:
    values = form.cleaned_data
    role, workspace = Role(values["role"]), values["workspace"]
    require(person(request), _needed(role), workspace)
    before = Invitation.objects.filter(
        provider=values["provider"], login=values["login"].lower(), workspace=workspace
    ).first()
    if before is not None:
        require(person(request), _needed(before.role), workspace)
    invitation = invitations.invite(
        ProviderKind(values["provider"]), values["login"], workspace, role, by=actor(request)
    )
    messages.success(request, f"{invitation} has a week to sign in for the first time.")


def _needed(role: str) -> Action:
    """Nobody lets in, or shuts out, somebody with more rights than their own."""
    return Action.MANAGE_WORKSPACE if role == Role.OWNER else Action.MANAGE_MEMBERS


def _members(workspace: Workspace) -> list[Membership]:
    return list(workspace.memberships.select_related("user").order_by("user__username"))


def _invitations(user: User, workspace: Workspace) -> list[dict[str, object]]:
    now, owns = timezone.now(), allowed(user, Action.MANAGE_WORKSPACE, workspace)
    return [
        {
            "row": row,
            "late": not row.uid and row.expires_at <= now,
            "revocable": owns or _needed(row.role) is Action.MANAGE_MEMBERS,
        }
        for row in workspace.invitations.order_by("provider", "login")
    ]
