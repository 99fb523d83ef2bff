"""The pages of GitHub Apps: create one with a manifest, connect one that exists, replace its private key."""

from collections.abc import Mapping
from typing import Any

from csp.decorators import csp_update
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from seatrial.control.accounts.access import (
    Action,
    find_allowed,
    require_somewhere,
    workspaces,
)
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.models import User, Workspace
from seatrial.control.forges import accounts, hooks
from seatrial.control.forges.addresses import origin
from seatrial.control.forges.connecting_pages import steps
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.github import KIND, joining
from seatrial.control.forges.github.app import app_of
from seatrial.control.forges.github.manifest import (
    converted,
    form_address,
    installing_address,
    manifest,
)
from seatrial.control.projects.models import Connection
from seatrial.control.vault.errors import VaultError

TAB = {"tab": "connections"}
USUAL = "https://github.com"
PEM = "-----BEGIN RSA PRIVATE KEY-----"


class _Pasted(forms.Textarea):
    """What was pasted is not sent back, whatever was wrong with it."""

    def get_context(self, name: str, value: object, attrs: Any) -> dict[str, Any]:
        """As if nothing had been entered."""
        return super().get_context(name, None, attrs)


class _WhereForm(forms.Form):
    explains = True  # its fields have help

    workspace: "forms.ModelChoiceField[Workspace]" = forms.ModelChoiceField(queryset=None, empty_label=None)
    base_url = forms.CharField(
        label="Address",
        required=False,
        max_length=500,
        initial=USUAL,
        help_text="Of your own server, if you have one: https://git.example.com",
    )
    name = forms.CharField(
        required=False,
        max_length=200,
        help_text="What the connection is called here. Empty: the App's name at GitHub.",
    )

    def __init__(self, user: User, data: Mapping[str, object] | None = None) -> None:
        super().__init__(data, auto_id=f"{self.prefix_of_ids}_%s")
        mine = workspaces(user, Action.MANAGE_CONNECTIONS).order_by("name")
        self.fields["workspace"].queryset = mine  # type: ignore[attr-defined]
        self.fields["workspace"].initial = mine.first()
        if mine.count() == 1:
            self.fields["workspace"].widget = forms.HiddenInput()

    prefix_of_ids = "where"


class CreateForm(_WhereForm):
    """What it takes to have GitHub create an App."""

    prefix_of_ids = "create"

    organisation = forms.RegexField(
        r"^[A-Za-z0-9][A-Za-z0-9-]{0,99}$",
        required=False,
        help_text="Of GitHub, which is to own the App. Empty: your own account owns it.",
    )


class AppForm(_WhereForm):
    """What it takes to connect an App that exists."""

    prefix_of_ids = "app"

    app_id = forms.IntegerField(
        label="App ID",
        min_value=1,
        max_value=2**63 - 1,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        help_text="The number at the top of the App's settings.",
    )
    private_key = forms.CharField(
        max_length=20_000,
        widget=_Pasted(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
        help_text=f"All of the .pem file, from {PEM} to the last line.",
    )
    webhook_secret = forms.CharField(
        required=False,
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Empty: one is made, and GitHub learns it.",
    )


class KeyForm(forms.Form):
    """Another private key of an App."""

    explains = True

    private_key = forms.CharField(
        max_length=20_000,
        widget=_Pasted(attrs={"rows": 6, "autocomplete": "off", "spellcheck": "false"}),
        help_text=f"All of the .pem file, from {PEM} to the last line.",
    )


@require_http_methods(["GET", "POST"])
@login_required
def connect(request: HttpRequest) -> HttpResponse:
    """The two ways to connect an App; a POST connects one that exists."""
    user = person(request)
    require_somewhere(user, Action.MANAGE_CONNECTIONS)
    form = AppForm(user, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            row, account = joining.connect_app(
                given["workspace"],
                app_id=given["app_id"],
                pasted_key=given["private_key"],
                webhook_secret=given["webhook_secret"],
                base_url=given["base_url"],
                name=given["name"],
                by=actor(request),
            )
        except ForgeError as error:
            form.add_error(None, str(error))
        else:
            accounts.keep(row, account)
            return redirect("connections:access", key=row.pk)
    return _shown(request, CreateForm(user), form)


@never_cache
@require_POST
@login_required
def create(request: HttpRequest) -> HttpResponse:
    """Send the browser to GitHub with our manifest. It comes back to `made`."""
    user = person(request)
    require_somewhere(user, Action.MANAGE_CONNECTIONS)
    form = CreateForm(user, request.POST)
    if not form.is_valid():
        return _shown(request, form, AppForm(user))
    given = form.cleaned_data
    try:
        begun = joining.begin(
            request.session, given["workspace"], base_url=given["base_url"], name=given["name"]
        )
    except ForgeError as error:
        form.add_error("base_url", str(error))
        return _shown(request, form, AppForm(user))
    there = form_address(begun.base_url, given["organisation"], begun.state)
    context = {
        "address": there,
        "host": origin(there),
        "manifest": _manifest(given["workspace"], begun),
        **TAB,
    }
    answer = render(request, "forges/github_app_create.html", context)
    return _sending_to(origin(there), request, answer)


@never_cache
@require_GET
@login_required
def made(request: HttpRequest) -> HttpResponse:
    """GitHub made the App: fetch its credentials, keep them, and go on to install it.

    Only in the session that began it, once, and only for somebody who may still connect for that workspace.
    """
    require_somewhere(person(request), Action.MANAGE_CONNECTIONS)
    try:
        begun = joining.taken(request.session, request.GET.get("state", ""))
        workspace = find_allowed(person(request), Action.MANAGE_CONNECTIONS, Workspace, begun.workspace)
        app = converted(begun.base_url, request.GET.get("code", ""))
        row = joining.finish(workspace, begun, app, by=actor(request))
    except ForgeError as error:
        messages.error(request, str(error))
        return redirect("connections:github-app")
    try:
        return redirect(installing_address(begun.base_url, app))
    except ForgeError as error:
        messages.warning(request, f"The App is connected. Install it at GitHub by hand: {error}.")
        return redirect("connections:connection", key=row.pk)


@require_GET
@login_required
def installed(request: HttpRequest, key: str) -> HttpResponse:
    """GitHub sends people here after they installed the App: they choose repositories next."""
    row = _manageable(request, key)
    messages.success(request, "Back from GitHub. Choose repositories of those that the App is installed on.")
    return redirect("connections:repositories", key=row.pk)


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
def replace_key(request: HttpRequest, key: str) -> HttpResponse:
    """Replace the private key of the App, once GitHub has accepted the new one."""
    row = _manageable(request, key)
    form = KeyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            account = joining.replace_key(row, form.cleaned_data["private_key"], by=actor(request))
        except ForgeError as error:
            form.add_error("private_key", str(error))
        else:
            accounts.keep(row, account)
            messages.success(request, "The new private key is in use. Delete the old one at GitHub.")
            return redirect("connections:connection", key=row.pk)
    return render(request, "forges/github_app_key.html", {"connection": row, "form": form, **TAB})


def by_app(row: Connection) -> bool:
    """Whether the connection signs in as an App. One whose credential cannot be opened shows no button for it."""
    try:
        return row.forge == KIND and app_of(str(row.credential)) is not None
    except (ForgeError, VaultError):
        return False


def _shown(request: HttpRequest, create_form: CreateForm, form: AppForm) -> HttpResponse:
    context = {"create": create_form, "form": form, "site": settings.SITE_URL, "steps": steps(1), **TAB}
    return render(request, "forges/github_app.html", context)


def _sending_to(host: str, request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """`answer`, whose forms may go to this one host, as those of no other page may."""
    csp_update({"form-action": [host]})(lambda _: answer)(request)
    return answer


def _manifest(workspace: Workspace, begun: joining.Begun) -> str:
    """The connection is not there yet, but its addresses are known."""
    soon = Connection(id=begun.connection, workspace=workspace, forge=KIND)
    return manifest(
        begun.base_url,
        f"Seatrial {workspace.name}",
        site=settings.SITE_URL,
        webhook=hooks.address(soon),
        made=settings.SITE_URL + reverse("connections:github-app-made"),
        installed=settings.SITE_URL + reverse("connections:github-app-installed", args=[soon.pk]),
    )


def _manageable(request: HttpRequest, key: str) -> Connection:
    return find_allowed(person(request), Action.MANAGE_CONNECTIONS, Connection, key, "workspace")
