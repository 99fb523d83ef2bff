"""The page Registries of a project, and of a workspace."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from seatrial.control.accounts.access import Action, allowed
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.dashboard.asking import ask
from seatrial.control.projects.models import Project, Tier
from seatrial.control.projects.scopes import FIND, Scope
from seatrial.control.registries import setting
from seatrial.control.registries.errors import BadRegistryLogin, RegistryLoginError
from seatrial.control.registries.forms import RegistryLoginForm


@require_http_methods(["GET", "POST"])
@never_cache
@login_required
def registries(request: HttpRequest, kind: str, key: str) -> HttpResponse:
    """What is set, and setting one."""
    if request.method != "POST":
        return _page(request, FIND[kind](request, key, Action.VIEW_VARIABLES), kind, RegistryLoginForm())
    scope = FIND[kind](request, key, Action.MANAGE_VARIABLES)
    form = RegistryLoginForm(request.POST)
    if form.is_valid() and _put(request, scope, form):
        return redirect("registries:registries", kind=kind, key=key)
    return _page(request, scope, kind, form)


@require_http_methods(["GET", "POST"])
@login_required
def remove(request: HttpRequest, kind: str, key: str) -> HttpResponse:
    """Ask, then remove one login."""
    scope = FIND[kind](request, key, Action.MANAGE_VARIABLES)
    named = request.POST if request.method == "POST" else request.GET
    registry, tier = named.get("registry", ""), named.get("tier", Tier.TRUSTED)
    try:
        if request.method != "POST":
            asked = {"row": setting.found(scope, registry, tier), "kind": kind, "key": key, "tab": "projects"}
            return ask(request, "registries/parts/confirm_remove.html", asked)
        setting.remove(scope, registry, tier, by=actor(request))
        messages.success(request, f"The login for {registry} is removed. Previews that run keep running.")
    except RegistryLoginError as error:
        messages.warning(request, str(error))
    return redirect("registries:registries", kind=kind, key=key)


def _put(request: HttpRequest, scope: Scope, form: RegistryLoginForm) -> bool:
    try:
        row = setting.put(scope, form.entry(), by=actor(request))
    except RegistryLoginError as error:
        form.add_error(error.field if isinstance(error, BadRegistryLogin) else None, str(error))
        return False
    messages.success(request, f"The login for {row.registry} is set. Pulls that begin use it.")
    return True


def _page(request: HttpRequest, scope: Scope, kind: str, form: RegistryLoginForm) -> HttpResponse:
    project = scope if isinstance(scope, Project) else None
    context = {
        "scope": scope,
        "project": project,
        "workspace": project.workspace if project else scope,
        "kind": kind,
        "key": project.pk if project else scope.slug,
        "rows": setting.shown(scope),
        "form": form,
        "may_change": allowed(person(request), Action.MANAGE_VARIABLES, scope),
        "tab": "projects",
    }
    return render(request, "registries/registries.html", context)
