"""The steps to a first result: connect a forge, see what it may do, choose repositories.

Each step is a page of its own that reads what it needs from the rows, so whoever leaves in the middle loses nothing and
goes on from the connection's page. The last step, which shows previews and verdicts, is in `home.first`.
"""

from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from seatrial.control.accounts.access import Action, find_allowed, require, require_somewhere
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.forges import choosing
from seatrial.control.forges.connected import OF_WEB
from seatrial.control.forges.connecting import connect_hosted
from seatrial.control.forges.connection_forms import ConnectForm
from seatrial.control.forges.errors import ForgeError, NoSuchForge
from seatrial.control.forges.github import KIND as GITHUB
from seatrial.control.forges.listings import LISTINGS_OF_WEB
from seatrial.control.forges.oauth.forms import AuthorizeForm, asking
from seatrial.control.forges.registry import FORGES, registered
from seatrial.control.projects.models import Connection

MOST_PICKED = 100  # at once
STEPS = ("Connect", "Access", "Repositories", "First result")


@dataclass(frozen=True)
class Step:
    """One step as the list of steps shows it."""

    number: int
    word: str
    current: bool
    done: bool


def steps(current: int) -> list[Step]:
    """All steps, while step number `current` is shown."""
    return [
        Step(number, word, number == current, number < current) for number, word in enumerate(STEPS, start=1)
    ]


@require_GET
@login_required
def kinds(request: HttpRequest) -> HttpResponse:
    """A card for every kind of forge that this release speaks to."""
    require_somewhere(person(request), Action.MANAGE_CONNECTIONS)
    context: dict[str, object] = {
        "kinds": sorted(FORGES.values(), key=lambda one: (one.hosting is None, one.title))
    }
    context |= {"github": GITHUB, "steps": steps(1), "tab": "connections"}
    return render(request, "forges/kinds.html", context)


@require_http_methods(["GET", "POST"])
@login_required
def connect(request: HttpRequest, kind: str) -> HttpResponse:
    """The form for one kind. What is entered is tried at the forge before it is kept."""
    user = person(request)
    require_somewhere(user, Action.MANAGE_CONNECTIONS)
    registration = registered(kind)
    if registration.hosting is None:
        raise NoSuchForge(f"Nothing is entered for {registration.title}: it is on this server.")
    form = ConnectForm(user, registration.hosting, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            connection, _ = connect_hosted(
                form.cleaned_data["workspace"],
                kind,
                form.cleaned_data["name"],
                base_url=form.cleaned_data["base_url"],
                credential=form.cleaned_data["credential"],
                by=actor(request),
            )
        except ForgeError as error:
            form.add_error(None, str(error))
        else:
            return redirect("connections:access", key=connection.pk)
    context = {"form": form, "kind": registration, "github": GITHUB, "site": settings.SITE_URL}
    context |= {"steps": steps(1), "tab": "connections"}
    if registration.hosting.oauth is not None:
        context |= asking(registration.hosting.oauth, AuthorizeForm(user, registration))
    return render(request, "forges/connect.html", context)


@require_GET
@login_required
def access(request: HttpRequest, key: str) -> HttpResponse:
    """What the connection may do, as its forge last said, and what each missing right costs."""
    row = _hosted(request, key, Action.MANAGE_CONNECTIONS)
    context = {
        "connection": row,
        "account": getattr(row, "account", None),
        "kind": registered(row.forge),
        "steps": steps(2),
        "tab": "connections",
    }
    return render(request, "forges/access.html", context)


@require_http_methods(["GET", "POST"])
@login_required
def repositories(request: HttpRequest, key: str) -> HttpResponse:
    """Search and choose repositories, many at once.

    One form holds the search, the page and what was picked so far. Both its buttons to look further and the script that
    searches as somebody types send all of it, and it is kept in the session, so nothing that was picked is lost, nor when
    they leave and come back. `?search=` leads to a search.
    """
    row = _hosted(request, key, Action.MANAGE_CONNECTIONS)
    require(person(request), Action.MANAGE_PROJECTS, row)
    asked = request.POST if request.method == "POST" else request.GET
    picked = _picked(request, row)
    if request.method == "POST" and "choose" in request.POST and _chosen(request, row, picked):
        request.session.pop(_kept_under(row), None)
        return redirect("home:first", key=row.pk)
    if request.method == "POST":
        request.session[_kept_under(row)] = picked
    if "keep" in request.POST:
        return HttpResponse(status=204)
    context = {"connection": row, "steps": steps(3), "tab": "connections"}
    context |= _shown(row, asked.get("search", "")[:200], asked.get("page", "1"), picked, "afresh" in asked)
    whole = "forges/repositories.html"
    return render(request, "forges/parts/repositories.html" if _is_part(request) else whole, context)


def _picked(request: HttpRequest, row: Connection) -> list[str]:
    """What is ticked now, or was when they left."""
    names: list[str] = request.session.get(_kept_under(row), [])
    if request.method == "POST":
        names = request.POST.getlist("repository")
    return [name for name in dict.fromkeys(names) if name][:MOST_PICKED]


def _kept_under(row: Connection) -> str:
    return f"picked of {row.pk}"


def _shown(row: Connection, search: str, page: str, picked: list[str], afresh: bool) -> dict[str, object]:
    number = min(max(int(page), 1), 10_000) if page.isdecimal() and len(page) < 6 else 1
    found = choosing.Picking([], more=False, problem="")
    try:
        found = choosing.picking(LISTINGS_OF_WEB, row, search=search, number=number, afresh=afresh)
    except ForgeError as error:
        found = choosing.Picking([], more=False, problem=str(error))
    shown = {one.repository.full_name for one in found.choices}
    return {
        "choices": found.choices,
        "more": found.more,
        "problem": found.problem,
        "search": search,
        "number": number,
        "picked": picked,
        "elsewhere": [name for name in picked if name not in shown],
    }


def _chosen(request: HttpRequest, row: Connection, picked: list[str]) -> bool:
    """Put `picked` under trial; False when none of them could be had. What was refused is said with the reason."""
    if not picked:
        messages.warning(request, "No repository was chosen.")
        return False
    try:
        made, refused = choosing.choose(OF_WEB, row, picked, by=actor(request))
    except ForgeError as error:
        messages.warning(request, str(error))
        return False
    for one in refused:
        messages.warning(request, f"{one.full_name}: {one.why}")
    if made:
        messages.success(request, f"Under trial: {', '.join(one.full_name for one in made)}.")
    return bool(made)


def _is_part(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))


def _hosted(request: HttpRequest, key: str, action: Action) -> Connection:
    """The connection, if it is to a forge on a server of its own. Raises NotFound, AccessDenied, NoSuchForge."""
    row = find_allowed(person(request), action, Connection, key, "workspace", "account")
    if registered(row.forge).hosting is None:
        raise NoSuchForge(f"{row.name} is on this server: it has no account and no list of repositories.")
    return row
