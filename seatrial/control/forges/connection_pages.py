"""The pages of connections: connect a forge, see what it may do, choose repositories, rotate the webhook secret."""

from collections.abc import Callable, Mapping

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from seatrial.control.accounts.access import (
    Action,
    find_visible,
    require,
    require_somewhere,
    visible,
    workspaces,
)
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.models import User, Workspace
from seatrial.control.dashboard.asking import ask
from seatrial.control.forges import budget_answers, choosing, hooks
from seatrial.control.forges.connected import OF_WEB
from seatrial.control.forges.connecting import connect_hosted
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.registry import FORGES, registered
from seatrial.control.projects.models import Connection

TAB = {"tab": "connections"}


class ConnectForm(forms.Form):
    """What it takes to connect a forge."""

    explains = True  # its fields have help

    workspace: "forms.ModelChoiceField[Workspace]" = forms.ModelChoiceField(queryset=None, empty_label=None)
    forge = forms.ChoiceField(label="Kind")
    base_url = forms.CharField(
        label="Address", required=False, max_length=500, help_text="Empty: the kind's usual address."
    )
    name = forms.CharField(
        required=False, max_length=200, help_text="Empty: the account's name at the code host."
    )
    credential = forms.CharField(
        label="Token", max_length=2000, widget=forms.PasswordInput(attrs={"autocomplete": "off"})
    )

    def __init__(self, user: User, data: Mapping[str, object] | None = None) -> None:
        super().__init__(data)
        self.fields["workspace"].queryset = workspaces(user, Action.MANAGE_CONNECTIONS).order_by("name")  # type: ignore[attr-defined]
        hosted = [(kind, one.title) for kind, one in sorted(FORGES.items()) if one.hosting is not None]
        self.fields["forge"].choices = hosted  # type: ignore[attr-defined]
        kinds = [one.hosting for one in FORGES.values() if one.hosting is not None]
        self.fields["credential"].help_text = " ".join(one.credential for one in kinds)


@require_http_methods(["GET", "POST"])
@login_required
def connections(request: HttpRequest) -> HttpResponse:
    """Every connection that the reader may manage, and the form for another one."""
    user = person(request)
    require_somewhere(user, Action.MANAGE_CONNECTIONS)
    form = ConnectForm(user, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            connection, account = connect_hosted(
                form.cleaned_data["workspace"],
                form.cleaned_data["forge"],
                form.cleaned_data["name"],
                base_url=form.cleaned_data["base_url"],
                credential=form.cleaned_data["credential"],
                by=actor(request),
            )
        except ForgeError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"Connected as {account.login}. Choose repositories now.")
            return redirect("connections:connection", key=connection.pk)
    rows = visible(user, Connection).select_related("workspace").order_by("name", "id")
    context = {"connections": [(row, FORGES.get(row.forge)) for row in rows], "form": form, **TAB}
    return render(request, "forges/connections.html", context)


@require_GET
@login_required
def connection(request: HttpRequest, key: str) -> HttpResponse:
    """One connection: its projects with their webhooks, and with `?search=` the repositories that it reaches."""
    row = _manageable(request, key)
    hosting = registered(row.forge).hosting
    budget = budget_answers.budget(row)
    search = request.GET.get("search")
    context: dict[str, object] = {
        "connection": row,
        "hosting": hosting,
        "budget": budget,
        "webhook_url": hooks.address(row),
        "projects": row.projects.filter(archived_at=None).select_related("hook").order_by("name", "id"),
        "search": search,
        **TAB,
    }
    if hosting is not None and search is not None:
        try:
            context["choices"] = choosing.choices(OF_WEB, row, search)
        except ForgeError as error:
            context["problem"] = str(error)
    return render(request, "forges/connection.html", context)


@require_POST
@login_required
def choose(request: HttpRequest, key: str) -> HttpResponse:
    """Put the chosen repositories under trial."""
    row = _manageable(request, key)
    require(person(request), Action.MANAGE_PROJECTS, row)
    names = [name for name in request.POST.getlist("repository") if name]
    if not names:
        messages.warning(request, "No repository was chosen.")
        return redirect("connections:connection", key=row.pk)
    return _told(request, row, lambda: _chosen(request, row, names))


def _chosen(request: HttpRequest, row: Connection, names: list[str]) -> str:
    made, refused = choosing.choose(OF_WEB, row, names, by=actor(request))
    for one in refused:
        messages.warning(request, f"{one.full_name}: {one.why}")
    return f"Under trial: {', '.join(one.full_name for one in made)}." if made else ""


@require_POST
@login_required
def test(request: HttpRequest, key: str) -> HttpResponse:
    """Ask the forge whom the connection acts as."""
    row = _manageable(request, key)

    def told() -> str:
        account = OF_WEB.hosted(row).account()
        lacks = f" Its credential lacks {', '.join(account.missing)}." if account.missing else ""
        return f"The forge answers. The connection acts as {account.login}.{lacks}"

    return _told(request, row, told)


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
def rotate(request: HttpRequest, key: str) -> HttpResponse:
    """Ask, then sign with a new webhook secret, which is shown once."""
    row = _manageable(request, key)
    if request.method == "GET":
        return ask(request, "forges/parts/confirm_rotate.html", {"connection": row, **TAB})
    secret = hooks.rotate_secret(row, by=actor(request))
    return render(request, "forges/rotated.html", {"connection": row, "secret": secret, **TAB})


def _told(request: HttpRequest, row: Connection, act: Callable[[], str]) -> HttpResponse:
    try:
        if done := act():
            messages.success(request, done)
    except ForgeError as error:
        messages.warning(request, str(error))
    return redirect("connections:connection", key=row.pk)


def _manageable(request: HttpRequest, key: str) -> Connection:
    row = find_visible(person(request), Connection, key, "workspace")
    require(person(request), Action.MANAGE_CONNECTIONS, row)
    return row
