"""The pages of authorizations: ask for one, go to the forge, come back."""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from seatrial.control.accounts.access import Action, find_allowed, require, require_somewhere
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.providers.pages import led_on
from seatrial.control.forges.connecting_pages import steps
from seatrial.control.forges.connection_forms import ConnectForm
from seatrial.control.forges.errors import ForgeError, NotAuthorized
from seatrial.control.forges.oauth import authorizing
from seatrial.control.forges.oauth.forms import ApplicationForm, AuthorizeForm, asking
from seatrial.control.forges.oauth.host import redirect_uri
from seatrial.control.forges.oauth.models import AuthorizationRequest, RequestState
from seatrial.control.forges.oauth.pair import OAuthPair, pair_of
from seatrial.control.forges.registry import registered
from seatrial.control.projects.models import Connection
from seatrial.control.vault.errors import VaultError

TAB = {"tab": "connections"}


@never_cache
@require_POST
@login_required
def begin(request: HttpRequest, kind: str) -> HttpResponse:
    """Ask for the authorization of a new connection, and lead the browser to the forge."""
    user = person(request)
    require_somewhere(user, Action.MANAGE_CONNECTIONS)
    host = authorizing.host_of(kind)
    registration = registered(kind)
    form = AuthorizeForm(user, registration, request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            row = authorizing.ask(
                given["workspace"],
                kind,
                client_id=given["client_id"],
                client_secret=given["client_secret"],
                base_url="" if given.get("of_sign_in") else given["base_url"],
                name=given["name"],
                by=actor(request),
            )
            return _led(request, row)
        except ForgeError as error:
            form.add_error(None, str(error))
    hosting = registration.hosting
    assert hosting is not None
    context = {"form": ConnectForm(user, hosting), "kind": registration, "steps": steps(1), **TAB}
    return render(request, "forges/connect.html", {**context, **asking(host, form)})


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
def again(request: HttpRequest, key: str) -> HttpResponse:
    """Have a connection authorized again, or by an authorization in place of its token."""
    row = find_allowed(person(request), Action.MANAGE_CONNECTIONS, Connection, key, "workspace", "account")
    host = authorizing.host_of(row.forge)
    pair = _known(row)
    known = {"client_id": pair.client_id, "of_sign_in": not pair.client_id} if pair is not None else {}
    data = request.POST if request.method == "POST" else None
    form = ApplicationForm(row.forge, data, initial=known, keeps_secret=bool(pair and pair.client_id))
    if request.method == "POST" and form.is_valid():
        try:
            asked = authorizing.ask(
                row.workspace,
                row.forge,
                client_id=form.cleaned_data["client_id"],
                client_secret=form.cleaned_data["client_secret"],
                connection=row,
                by=actor(request),
            )
            return _led(request, asked)
        except ForgeError as error:
            form.add_error(None, str(error))
    context = {"connection": row, "account": getattr(row, "account", None), **asking(host, form), **TAB}
    return render(request, "forges/authorize.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
def go_on(request: HttpRequest, key: str) -> HttpResponse:
    """What somebody asked for in a terminal: it begins with a form of ours, and not with a link."""
    row = _request(request, key)
    if request.method == "POST":
        try:
            return _led(request, row)
        except ForgeError as error:
            return _problem(request, error, row)
    host = authorizing.host_of(row.forge)
    waiting = row.outcome is RequestState.WAITING
    context = {"asked": row, "oauth": host, "waiting": waiting, "redirect_uri": redirect_uri()}
    return render(request, "forges/authorization.html", {**context, **TAB})


@never_cache
@require_GET
@login_required
def authorized(request: HttpRequest) -> HttpResponse:
    """The forge sent the browser back. Only in the session that was led there, once, and for who may still connect."""
    require_somewhere(person(request), Action.MANAGE_CONNECTIONS)
    row = None
    try:
        row = authorizing.taken(request.session, request.GET.get("state", ""))
        require(person(request), Action.MANAGE_CONNECTIONS, row.workspace)
        known = row.connection is not None
        connection = authorizing.finish(row, request.GET.dict(), by=actor(request))
    except ForgeError as error:
        return _problem(request, error, row)
    if not known:
        return redirect("connections:access", key=connection.pk)
    messages.success(request, f"{connection.name} is authorized. What waited is done within minutes.")
    return redirect("connections:connection", key=connection.pk)


def _known(row: Connection) -> OAuthPair | None:
    """What it is authorized by now; None also where that cannot be read, because authorizing again mends it."""
    try:
        return pair_of(str(row.credential))
    except (ForgeError, VaultError):
        return None


def _led(request: HttpRequest, row: AuthorizationRequest) -> HttpResponse:
    """To the forge; first to SITE_URL, where people come back to, if they are at another address with other cookies."""
    if request.get_host() != urlsplit(settings.SITE_URL).netloc:
        here = reverse("connections:authorization", args=[row.pk])
        return led_on(request, f"{settings.SITE_URL}{here}", settings.SITE_URL)
    return led_on(request, authorizing.lead(row, request.session), authorizing.host_of(row.forge).title)


def _problem(request: HttpRequest, error: ForgeError, row: AuthorizationRequest | None) -> HttpResponse:
    title = error.title if isinstance(error, NotAuthorized) else "This server was not authorized"
    text = error.fix if isinstance(error, NotAuthorized) else str(error)
    context = {"title": title, "text": text, "asked": row, **TAB}
    return render(request, "forges/authorization_problem.html", context, status=error.status)


def _request(request: HttpRequest, key: str) -> AuthorizationRequest:
    return find_allowed(
        person(request), Action.MANAGE_CONNECTIONS, AuthorizationRequest, key, "workspace", "connection"
    )
