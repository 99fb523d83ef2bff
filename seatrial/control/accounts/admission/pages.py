"""The page People: who is in a workspace, and whom its admins let in."""

from collections.abc import Mapping

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from seatrial.control.accounts import members
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
from seatrial.control.accounts.members import needed
from seatrial.control.accounts.models import Invitation, Role, User, Workspace
from seatrial.control.accounts.providers.configured import usable

PAGE = "accounts/people.html"


class InviteForm(forms.Form):
    """An account of a provider that people can sign in with, and the role that it gets."""

    explains = True  # its fields have help

    workspace: "forms.ModelChoiceField[Workspace]" = forms.ModelChoiceField(queryset=None, empty_label=None)
    provider = forms.ChoiceField(label="Account of")
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
        offered = [(one.kind.value, one.name) for one in usable()]
        self.fields["provider"].choices = [(invitations.HERE, "this server"), *offered]  # type: ignore[attr-defined]


@require_http_methods(["GET", "POST"])
@login_required
def people(request: HttpRequest) -> HttpResponse:
    """Those of every workspace whose members the person manages; a form that invites one more."""
    user = person(request)
    require_somewhere(user, Action.MANAGE_MEMBERS)
    form = InviteForm(user, request.POST if request.method == "POST" else None)
    if form.is_valid() and _invite(request, form):
        return redirect("people")
    spaces = [
        {
            "workspace": space,
            "roles": _roles(user, space),
            "members": _members(user, space),
            "invitations": _invitations(user, space),
        }
        for space in workspaces(user, Action.MANAGE_MEMBERS).order_by("name")
    ]
    context = {"tab": "people", "spaces": spaces, "form": form, "providers": bool(usable())}
    return render(request, PAGE, context, status=400 if form.is_bound else 200)


@require_POST
@login_required
def revoke(request: HttpRequest, key: str) -> HttpResponse:
    """Take an invitation back."""
    invitation = find_visible(person(request), Invitation, key, "workspace")
    require(person(request), needed(invitation.role), invitation.workspace)
    invitations.revoke(invitation, by=actor(request))
    messages.success(request, f"{invitation} comes in no more, unless a list lets it in.")
    return redirect("people")


def _invite(request: HttpRequest, form: InviteForm) -> bool:
    values = form.cleaned_data
    account = f"{values['provider']}:{values['login']}"
    try:
        invitation = invitations.invite_account(
            account, values["workspace"], Role(values["role"]), asking=person(request), by=actor(request)
        )
    except invitations.Unanswerable as error:
        form.add_error("login", str(error))
        return False
    messages.success(request, f"{invitation} has a week to accept.")
    return True


def _members(user: User, workspace: Workspace) -> list[dict[str, object]]:
    owns = allowed(user, Action.MANAGE_WORKSPACE, workspace)
    return [
        {"row": row, "changeable": owns or needed(row.role) is Action.MANAGE_MEMBERS}
        for row in members.of(workspace)
    ]


def _invitations(user: User, workspace: Workspace) -> list[dict[str, object]]:
    now, owns = timezone.now(), allowed(user, Action.MANAGE_WORKSPACE, workspace)
    return [
        {
            "row": row,
            "late": row.accepted_at is None and row.expires_at <= now,
            "revocable": owns or needed(row.role) is Action.MANAGE_MEMBERS,
        }
        for row in workspace.invitations.order_by("provider", "login")
    ]


def _roles(user: User, workspace: Workspace) -> list[Role]:
    """Those that `user` may give."""
    owns = allowed(user, Action.MANAGE_WORKSPACE, workspace)
    return [role for role in Role if owns or needed(role) is Action.MANAGE_MEMBERS]
