"""The list of policies, and the catalogue of packs."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from seatrial.control.accounts.access import Action, allowed_somewhere, visible, workspaces
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.policies.authoring import shelf
from seatrial.control.policies.authoring.finding import managed, newest_of, with_newest
from seatrial.control.policies.authoring.standing import judged
from seatrial.control.policies.errors import PolicyError
from seatrial.control.policies.models import Policy
from seatrial.wire.counted import counted

TAB = {"tab": "policies"}


@require_GET
@login_required
def policies(request: HttpRequest) -> HttpResponse:
    """Every policy that the reader may see."""
    user = person(request)
    search = request.GET.get("search", "").replace("\x00", "")
    every = visible(user, Policy)
    found = every.filter(Q(name__icontains=search) | Q(slug__icontains=search)) if search else every
    rows = list(with_newest(found.exclude(versions=None)).order_by("workspace__name", "name", "id"))
    counts = judged(user, rows)
    context = {
        "listed": [(row, newest_of(row), counts.get(row.pk)) for row in rows],
        "search": search,
        "there_are": bool(rows) or every.exists(),
        "several": workspaces(user).count() > 1,
        "may_write": allowed_somewhere(user, Action.MANAGE_POLICIES),
        **TAB,
    }
    return render(request, "policies/policies.html", context)


@require_GET
@login_required
def catalogue(request: HttpRequest) -> HttpResponse:
    """The packs that come with the platform, and what of them a workspace has."""
    user = person(request)
    spaces = list(workspaces(user).order_by("name"))
    asked = request.GET.get("workspace", "").replace("\x00", "")
    workspace = next((one for one in spaces if one.slug == asked), next(iter(spaces), None))
    mine = workspace is not None and workspaces(user, Action.MANAGE_POLICIES).filter(pk=workspace.pk).exists()
    context = {
        "workspace": workspace,
        "spaces": spaces,
        "shelves": shelf.shelves(workspace) if workspace is not None else [],
        "may_write": mine,
        **TAB,
    }
    return render(request, "policies/catalogue.html", context)


@require_POST
@login_required
def install(request: HttpRequest, workspace: str, pack: str) -> HttpResponse:
    """Install or update a pack, or the one policy of it that the form names."""
    space = managed(person(request), workspace)
    slug = request.POST.get("policy", "")
    replace = bool(request.POST.get("replace"))
    try:
        changed = shelf.install(space, pack, [slug] if slug else [], by=actor(request), replace=replace)
    except PolicyError as error:
        messages.error(request, str(error))
    else:
        number = counted(len(changed), "policy", "policies")
        said = (
            f"{number} installed or updated in {space.name}."
            if changed
            else "Everything is as the pack has it."
        )
        messages.success(request, said)
    return redirect(f"{reverse('authoring:catalogue')}?workspace={space.slug}#{pack}")
