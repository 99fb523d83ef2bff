"""The pages of connections: the list, and each one's settings (Settings, Git connection)."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, F, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from seatrial.control.accounts.access import Action, find_allowed, require_somewhere, visible
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.dashboard.asking import ask
from seatrial.control.forges import accounts, budget_answers, drift, hooks
from seatrial.control.forges.account_answers import ends_soon
from seatrial.control.forges.connected import OF_WEB
from seatrial.control.forges.connecting import rename, replace_credential
from seatrial.control.forges.connection_answers import previous_until
from seatrial.control.forges.connection_forms import CredentialForm, NameForm
from seatrial.control.forges.errors import ForgeError, UnfitConnection
from seatrial.control.forges.github.app_pages import by_app
from seatrial.control.forges.models import Drift
from seatrial.control.forges.registry import FORGES, registered
from seatrial.control.projects.models import Connection

TAB = {"tab": "connections"}


@require_GET
@login_required
def connections(request: HttpRequest) -> HttpResponse:
    """Every connection that the reader may manage."""
    user = person(request)
    require_somewhere(user, Action.MANAGE_CONNECTIONS)
    rows = visible(user, Connection).select_related("workspace", "account", "authorization")
    rows = rows.order_by("name", "id")
    rows = rows.annotate(under_trial=Count("projects", Q(projects__archived_at=None)))
    listed = [(row, FORGES.get(row.forge), _ends_soon(row)) for row in rows]
    return render(request, "forges/connections.html", {"connections": listed, **TAB})


@require_GET
@login_required
def connection(request: HttpRequest, key: str) -> HttpResponse:
    """One connection: account, credential, webhooks, projects. Its forge is not asked."""
    row = _found(request, key)
    return render(request, "forges/connection.html", _context(row))


def _context(row: Connection) -> dict[str, Any]:
    kind = registered(row.forge)
    projects = row.projects.select_related("hook").order_by(
        F("archived_at").asc(nulls_first=True), "name", "id"
    )
    rows = list(projects)
    return {
        "connection": row,
        "kind": kind,
        "hosting": kind.hosting,
        "budgets": budget_answers.budgets(row),
        "account": getattr(row, "account", None),
        "ends_soon": _ends_soon(row),
        "previous_until": previous_until(row),
        "by_app": by_app(row),
        "webhook_url": hooks.address(row),
        "drifted": drift.drifted(Drift.objects.filter(project__connection=row)),
        "manages": True,
        "projects": rows,
        "troubled": [one for one in rows if one.archived_at is None and _problem(one)],
        "name_form": NameForm(initial={"name": row.name}),
        **TAB,
    }


def _problem(project: Any) -> str:
    hook = getattr(project, "hook", None)
    return hook.problem if hook is not None else ""


def _ends_soon(row: Connection) -> bool:
    account = getattr(row, "account", None)
    return account is not None and ends_soon(account.expires_at)


@require_POST
@login_required
def test(request: HttpRequest, key: str) -> HttpResponse:
    """Ask the forge whom the connection acts as."""
    row = _found(request, key)

    def told() -> str:
        account = accounts.look(OF_WEB, row)
        lacks = f" Its credential lacks {', '.join(account.missing)}." if account.missing else ""
        return f"{registered(row.forge).title} answers. The connection acts as {account.login}.{lacks}"

    return _told(request, row, told)


@require_POST
@login_required
def name(request: HttpRequest, key: str) -> HttpResponse:
    """Call the connection something else."""
    row = _found(request, key)

    def told() -> str:
        rename(row, request.POST.get("name", ""), by=actor(request))
        return f"The connection is called {row.name}."

    return _told(request, row, told)


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
def credential(request: HttpRequest, key: str) -> HttpResponse:
    """Another credential in place of the present one. It is tried at the forge before it is kept."""
    row = _found(request, key)
    hosting = registered(row.forge).hosting
    if hosting is None:
        raise UnfitConnection(f"{row.name} needs no credential: it is on this server.")
    form = CredentialForm(hosting, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            account = replace_credential(row, form.cleaned_data["credential"], by=actor(request))
        except ForgeError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"The credential was replaced. The connection acts as {account.login}.")
            return redirect("connections:connection", key=row.pk)
    return render(request, "forges/credential.html", {"connection": row, "form": form, **TAB})


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
def rotate(request: HttpRequest, key: str) -> HttpResponse:
    """Ask, then sign with a new webhook secret, which is shown once."""
    row = _found(request, key)
    if request.method == "GET":
        return ask(request, "forges/parts/confirm_rotate.html", {"connection": row, **TAB})
    secret = hooks.rotate_secret(row, by=actor(request))
    context = {"connection": row, "secret": secret, "previous_until": previous_until(row), **TAB}
    return render(request, "forges/rotated.html", context)


def _told(request: HttpRequest, row: Connection, act: Callable[[], str]) -> HttpResponse:
    try:
        messages.success(request, act())
    except ForgeError as error:
        messages.warning(request, str(error))
    return redirect("connections:connection", key=row.pk)


def _found(request: HttpRequest, key: str) -> Connection:
    return find_allowed(person(request), Action.MANAGE_CONNECTIONS, Connection, key, "workspace", "account")
