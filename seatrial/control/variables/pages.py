"""The page Variables of a project, and of a workspace."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from seatrial.control.accounts.access import Action, allowed
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.dashboard.asking import ask
from seatrial.control.projects.models import Project, Tier, Variable
from seatrial.control.projects.scopes import FIND, Scope
from seatrial.control.variables import setting
from seatrial.control.variables.errors import BadVariable, VariableError
from seatrial.control.variables.forms import FileForm, VariableForm
from seatrial.control.variables.redeploying import behind, redeploy
from seatrial.control.variables.shown import shown
from seatrial.wire.counted import counted


@require_http_methods(["GET", "POST"])
@never_cache
@login_required
def variables(request: HttpRequest, kind: str, key: str) -> HttpResponse:
    """What is set, and setting one."""
    if request.method != "POST":
        return _page(request, FIND[kind](request, key, Action.VIEW_VARIABLES), kind)
    scope = FIND[kind](request, key, Action.MANAGE_VARIABLES)
    one = None if "file-text" in request.POST else VariableForm(request.POST)
    file = FileForm(request.POST) if one is None else None
    form = one or file
    assert form is not None
    if form.is_valid() and _put(request, scope, form):
        return redirect("variables:variables", kind=kind, key=key)
    return _page(request, scope, kind, one=one, file=file)


@require_POST
@never_cache
@login_required
def reveal(request: HttpRequest, kind: str, key: str) -> HttpResponse:
    """Show the value of one variable, once."""
    scope = FIND[kind](request, key, Action.MANAGE_VARIABLES)
    try:
        row = setting.reveal(scope, *_named(request), by=actor(request))
    except VariableError as error:
        messages.warning(request, str(error))
        return redirect("variables:variables", kind=kind, key=key)
    return _page(request, scope, kind, revealed=row)


@require_http_methods(["GET", "POST"])
@login_required
def unset(request: HttpRequest, kind: str, key: str) -> HttpResponse:
    """Ask, then end one variable."""
    scope = FIND[kind](request, key, Action.MANAGE_VARIABLES)
    name, tier = _named(request)
    try:
        if request.method != "POST":
            asked = {"row": setting.found(scope, name, tier), "kind": kind, "key": key, "tab": "projects"}
            return ask(request, "variables/parts/confirm_unset.html", asked)
        setting.unset(scope, name, tier, by=actor(request))
        messages.success(
            request, f"{name} is unset. Previews that have it keep it until their next deployment."
        )
    except VariableError as error:
        messages.warning(request, str(error))
    return redirect("variables:variables", kind=kind, key=key)


@require_POST
@login_required
def again(request: HttpRequest, kind: str, key: str) -> HttpResponse:
    """Deploy again what runs with what was set before."""
    begun = redeploy(FIND[kind](request, key, Action.MANAGE_VARIABLES), by=actor(request))
    messages.success(request, f"{counted(begun, 'preview')} deployed again, each its own commit.")
    return redirect("variables:variables", kind=kind, key=key)


def _put(request: HttpRequest, scope: Scope, form: VariableForm | FileForm) -> bool:
    try:
        changed = setting.put(scope, form.entries(), by=actor(request))
    except VariableError as error:
        field = error.field if isinstance(error, BadVariable) else None
        form.add_error(field if field in form.fields else None, str(error))
        return False
    messages.success(request, f"Set: {', '.join(changed)}." if changed else "Nothing was different.")
    return True


def _named(request: HttpRequest) -> tuple[str, str]:
    given = request.POST if request.method == "POST" else request.GET
    return given.get("name", ""), given.get("tier", Tier.TRUSTED)


def _page(
    request: HttpRequest,
    scope: Scope,
    kind: str,
    *,
    one: VariableForm | None = None,
    file: FileForm | None = None,
    revealed: Variable | None = None,
) -> HttpResponse:
    project = scope if isinstance(scope, Project) else None
    context = {
        "scope": scope,
        "project": project,
        "workspace": project.workspace if project else scope,
        "kind": kind,
        "key": project.pk if project else scope.slug,
        "rows": shown(scope),
        "one": one or VariableForm(),
        "file": file or FileForm(),
        "revealed": revealed,
        "behind": len(behind(scope)),
        "may_change": allowed(person(request), Action.MANAGE_VARIABLES, scope),
        "tab": "projects",
    }
    return render(request, "variables/variables.html", context)
