"""The page Git: where each workspace keeps its policies, and what was taken of it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from seatrial.control.accounts.access import Action, allowed, find_allowed, find_visible, workspaces
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.models import User, Workspace
from seatrial.control.errors import NotFound
from seatrial.control.policies.authoring.finding import policy_at
from seatrial.control.policies.errors import PolicyError
from seatrial.control.policies.models import Policy
from seatrial.control.policies.source import services
from seatrial.control.policies.source.forms import SourceForm
from seatrial.control.policies.source.models import Kept, PolicySource, SourceReview
from seatrial.control.policies.source.telling import described
from seatrial.control.policies.source.words import file_page, why_rewound
from seatrial.control.projects.errors import ProjectArchived
from seatrial.wire.states import EvaluationState

SHOWN = 10  # reviews of a source


@require_GET
@login_required
def source(request: HttpRequest) -> HttpResponse:
    """Every workspace that the person is in."""
    return _page(request)


@require_GET
@login_required
def review(request: HttpRequest, key: str) -> HttpResponse:
    """What one commit of a pull request would make of the policies."""
    row = find_visible(person(request), SourceReview, key, "pull_request__project", "source__workspace")
    known = Policy.objects.filter(workspace=row.source.workspace_id).values_list("slug", flat=True)
    context = {
        "review": row,
        "said": described(row),
        "known": set(known),
        "open": not EvaluationState(row.state).terminal,
        "tab": "policies",
    }
    return render(request, "source/review.html", context)


@require_POST
@login_required
def set_source(request: HttpRequest, key: str) -> HttpResponse:
    """Take the workspace's policies from there from now on."""
    space = find_allowed(person(request), Action.MANAGE_POLICIES, Workspace, key)
    form = SourceForm(space, services.source_of(space), request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            services.set_source(space, form.chosen(), given["branch"], given["folder"], by=actor(request))
        except (PolicyError, ProjectArchived) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Saved. The branch is read now.")
            return redirect("source:source")
    return _page(request, {space.pk: form}, status=400)


@require_POST
@login_required
def sync(request: HttpRequest, key: str) -> HttpResponse:
    """Have the branch read now."""
    services.ask(_source(request, key), by=actor(request))
    messages.success(request, "The branch is read now.")
    return redirect("source:source")


@require_POST
@login_required
def remove(request: HttpRequest, key: str) -> HttpResponse:
    """Keep the policies only here from now on."""
    services.remove_source(_source(request, key), by=actor(request))
    messages.success(request, "Policies are kept here only. They stay as they are.")
    return redirect("source:source")


@require_POST
@login_required
def stand(request: HttpRequest, workspace: str, slug: str) -> HttpResponse:
    """Take a policy over into the editor, or give it back to its file."""
    policy = policy_at(person(request), workspace, slug, Action.MANAGE_POLICIES)
    try:
        if request.POST.get("kept") == "yes":
            services.give_back(policy, by=actor(request))
            messages.success(request, "Its file decides again. The branch is read now.")
        else:
            services.release(policy, by=actor(request))
            messages.success(request, "It is changed here from now on. Its file is not looked at any more.")
    except PolicyError as error:
        messages.warning(request, str(error))
    return redirect("authoring:policy", workspace, slug)


def _source(request: HttpRequest, key: str) -> PolicySource:
    space = find_allowed(person(request), Action.MANAGE_POLICIES, Workspace, key)
    row = services.source_of(space)
    if row is None:
        raise NotFound(f"{space.name} keeps no policies in git.")
    return row


def _page(
    request: HttpRequest, forms: dict[str, SourceForm] | None = None, status: int = 200
) -> HttpResponse:
    user = person(request)
    spaces = [_space(user, one, forms or {}) for one in workspaces(user, Action.VIEW).order_by("name")]
    return render(request, "source/source.html", {"tab": "policies", "spaces": spaces}, status=status)


def _space(user: User, workspace: Workspace, forms: dict[str, SourceForm]) -> dict[str, Any]:
    row = services.source_of(workspace)
    shown: dict[str, Any] = {
        "workspace": workspace,
        "source": row,
        "may_write": allowed(user, Action.MANAGE_POLICIES, workspace),
        "form": forms.get(workspace.pk) or SourceForm(workspace, row),
        "changing": workspace.pk in forms,
    }
    if row is not None:
        kept = row.kept.select_related("policy").order_by("policy__slug")
        shown |= {
            "rewound": why_rewound(row),
            "files": [(one, file_page(row, one["path"])) for one in row.files],
            "reviews": row.reviews.select_related("pull_request").order_by("-id")[:SHOWN],
            "apart": [one for one in kept if one.standing != Kept.KEPT],
        }
    return shown
