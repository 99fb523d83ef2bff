"""The pages Preview access of a project and Guests of a preview."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from seatrial.control.accounts.access import Action, allowed, find_allowed, find_visible
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.entrance import bypass, guests, rules
from seatrial.control.entrance.errors import BadGate, EntranceError
from seatrial.control.entrance.forms import GuestForm, form_of
from seatrial.control.entrance.models import BypassToken, GuestLink
from seatrial.control.previews.models import Environment
from seatrial.control.projects.gates import newest
from seatrial.control.projects.models import Project


@require_http_methods(["GET", "POST"])
@login_required
def access(request: HttpRequest, key: str) -> HttpResponse:
    """Who gets into the previews of a project."""
    project = _managed(request, key)
    form = form_of(project, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            saved = rules.decide(project, by=actor(request), **form.decision())
        except BadGate as error:
            form.add_error(error.field, str(error))
        else:
            said = (
                "Saved. It counts from each preview's next deployment on."
                if saved
                else "Nothing was changed."
            )
            messages.success(request, said)
            return redirect("entrance:access", key=project.pk)
    return _page(request, project, form)


@require_POST
@login_required
def apply(request: HttpRequest, key: str) -> HttpResponse:
    """Have the previews that run ask for it, too."""
    changed = rules.apply(_managed(request, key), by=actor(request))
    messages.success(
        request, f"Applied to {changed} preview{'' if changed == 1 else 's'}: it counts within a second."
    )
    return redirect("entrance:access", key=key)


@require_POST
@never_cache
@login_required
def rotate(request: HttpRequest, key: str) -> HttpResponse:
    """Make a bypass token, or another one."""
    project = _managed(request, key)
    return _page(request, project, form_of(project), token=bypass.rotate(project, by=actor(request)))


@require_POST
@never_cache
@login_required
def show(request: HttpRequest, key: str) -> HttpResponse:
    """Show the bypass token, which the audit log tells."""
    project = _managed(request, key)
    try:
        token = bypass.read(project, by=actor(request))
    except EntranceError as error:
        messages.warning(request, str(error))
        return redirect("entrance:access", key=key)
    return _page(request, project, form_of(project), token=token)


@require_POST
@login_required
def revoke(request: HttpRequest, key: str) -> HttpResponse:
    """End the bypass token."""
    try:
        bypass.revoke(_managed(request, key), by=actor(request))
        messages.success(request, "Revoked: programs that show it stay out from now on.")
    except EntranceError as error:
        messages.warning(request, str(error))
    return redirect("entrance:access", key=key)


@require_http_methods(["GET", "POST"])
@never_cache
@login_required
def guest_links(request: HttpRequest, key: str) -> HttpResponse:
    """The guests of one preview."""
    environment = find_visible(person(request), Environment, key, "project", "live__gate", "candidate__gate")
    may = allowed(person(request), Action.INVITE_GUEST, environment)
    form, made = GuestForm(request.POST if request.method == "POST" else None), ""
    if request.method == "POST" and form.is_valid():
        environment = find_allowed(person(request), Action.INVITE_GUEST, Environment, key, "project")
        try:
            _, made = guests.invite(environment, **form.cleaned_data, by=actor(request))
            form = GuestForm()
        except EntranceError as error:
            form.add_error(None, str(error))
    context = {
        "environment": environment,
        "project": environment.project,
        "form": form,
        "made": made,
        "links": guests.valid(environment),
        "may_invite": may,
        "tab": "projects",
    }
    return render(request, "entrance/guests.html", context)


@require_POST
@login_required
def revoke_guest(request: HttpRequest, key: str) -> HttpResponse:
    """End one guest link."""
    link = find_allowed(person(request), Action.INVITE_GUEST, GuestLink, key, "environment__project")
    guests.revoke(link, by=actor(request))
    messages.success(request, "Revoked: whoever came by this link stays out from now on.")
    return redirect("entrance:guests", key=link.environment_id)


def _managed(request: HttpRequest, key: str) -> Project:
    return find_allowed(person(request), Action.MANAGE_PROJECTS, Project, key, "workspace")


def _page(request: HttpRequest, project: Project, form: object, *, token: str = "") -> HttpResponse:
    context = {
        "project": project,
        "form": form,
        "gate": newest(project),
        "behind": rules.behind(project).count(),
        "bypass": BypassToken.objects.filter(project=project).defer("token").first(),
        "token": token,
        "tab": "projects",
    }
    return render(request, "entrance/access.html", context)
