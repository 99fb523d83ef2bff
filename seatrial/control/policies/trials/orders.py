"""What people order on pages: try a policy, run its tests, replay it, cancel that. Each leads to the page of what was ordered."""

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from seatrial.control.accounts.access import Action, allowed, find_allowed, require, workspace_named
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.errors import ControlError
from seatrial.control.policies.authoring.parameters import carried
from seatrial.control.policies.authoring.reading import MOST_SLUG, SLUG
from seatrial.control.policies.errors import NothingToTry, PolicyError
from seatrial.control.policies.models import Policy, Replay, Trial
from seatrial.control.policies.trials import replays, services
from seatrial.control.policies.trials.drafts import Draft, of_file, of_version
from seatrial.control.policies.trials.replays import MOST_COMMITS, Wanted
from seatrial.control.policies.trials.shown import trial_context
from seatrial.control.projects.errors import ProjectArchived
from seatrial.control.projects.models import Project

UNNAMED = "new-policy"
TRIED = "policies/trials/parts/tried.html"


@require_POST
@login_required
def attempt(request: HttpRequest, key: str) -> HttpResponse:
    """Try the policy, or the `code` that its editor holds, on a commit of a project."""
    policy = find_allowed(person(request), Action.TRY_POLICY, Policy, key, "workspace")

    def order() -> HttpResponse:
        project = find_allowed(
            person(request), Action.TRY_POLICY, Project, _given(request, "project"), "workspace"
        )
        if project.workspace_id != policy.workspace_id:
            raise NothingToTry("Choose a project of the policy's own workspace.")
        commit, code = _given(request, "commit"), request.POST.get("code", "").replace("\x00", "")
        if code:
            network = allowed(person(request), Action.MANAGE_POLICIES, project)
            draft = edited(policy, code)
            made = services.try_draft(draft, project, commit, by=actor(request), network=network)
        else:
            version = services.newest_version(policy)
            made = services.try_policy(version, project, commit, by=actor(request))
        return _tried(request, made)

    return _done(request, _trials_of(policy), order)


@require_POST
@login_required
def test(request: HttpRequest, key: str) -> HttpResponse:
    """Run the policy's tests, or those of the `code` that its editor holds."""
    policy = find_allowed(person(request), Action.TRY_POLICY, Policy, key, "workspace")

    def order() -> HttpResponse:
        code = request.POST.get("code", "").replace("\x00", "")
        if code:
            draft = edited(policy, code)
            made = services.run_tests(policy.workspace, [draft], by=actor(request))
        else:
            made = services.run_tests_of(services.newest_version(policy), by=actor(request))
        return _tried(request, made)

    return _done(request, _trials_of(policy), order)


@require_POST
@login_required
def attempt_new(request: HttpRequest) -> HttpResponse:
    """Try the `code` of a policy that was never saved on a commit of a project."""

    def order() -> HttpResponse:
        user = person(request)
        project = find_allowed(user, Action.TRY_POLICY, Project, _given(request, "project"), "workspace")
        network = allowed(user, Action.MANAGE_POLICIES, project)
        made = services.try_draft(
            _unsaved(request), project, _given(request, "commit"), by=actor(request), network=network
        )
        return _tried(request, made)

    return _done(request, reverse("authoring:new"), order)


@require_POST
@login_required
def test_new(request: HttpRequest) -> HttpResponse:
    """Run the tests of the `code` of a policy that was never saved."""
    workspace = workspace_named(person(request), _given(request, "workspace"))
    require(person(request), Action.TRY_POLICY, workspace)

    def order() -> HttpResponse:
        return _tried(request, services.run_tests(workspace, [_unsaved(request)], by=actor(request)))

    return _done(request, reverse("authoring:new"), order)


@require_POST
@login_required
def replay(request: HttpRequest, key: str) -> HttpResponse:
    """Replay the newest version."""
    policy = find_allowed(person(request), Action.TRY_POLICY, Policy, key, "workspace")

    def order() -> HttpResponse:
        version = services.newest_version(policy)
        wanted = Wanted(_commits(request), "pull_requests" in request.POST)
        made = replays.replay(
            policy.workspace, of_version(version), version=version, wanted=wanted, by=actor(request)
        )
        return redirect("trials:replay", key=made.pk)

    return _done(request, _trials_of(policy), order)


@require_POST
@login_required
def cancel(request: HttpRequest, key: str) -> HttpResponse:
    """Cancel a replay."""
    row = find_allowed(person(request), Action.TRY_POLICY, Replay, key)
    replays.cancel(row, by=actor(request))
    messages.success(request, "Cancelled. What was found until then is kept.")
    return redirect("trials:replay", key=row.pk)


def edited(policy: Policy, code: str) -> Draft:
    """The text of a policy's editor, with the parameters that it would have once it is saved. Raises BadMetadata, BadCriteria."""
    draft = of_file(policy.slug, code)
    return replace(draft, params=carried(services.newest_version(policy), draft.params))


def _unsaved(request: HttpRequest) -> Draft:
    """The text of a new policy's editor. Raises BadMetadata, BadCriteria, NothingToTry."""
    code, slug = request.POST.get("code", "").replace("\x00", ""), _given(request, "slug")
    if not code.strip():
        raise NothingToTry("There is no code yet: write a function evaluate(project).")
    return of_file(slug if len(slug) <= MOST_SLUG and SLUG.fullmatch(slug) else UNNAMED, code)


def _tried(request: HttpRequest, trial: Trial) -> HttpResponse:
    """In the editor in place, with the text untouched; elsewhere on the trial's page."""
    if not _in_place(request):
        return redirect("trials:trial", key=trial.pk)
    return render(request, TRIED, trial_context(person(request), trial.pk))


def _done(request: HttpRequest, back: str, order: Callable[[], HttpResponse]) -> HttpResponse:
    """Where the order leads; to where it came from, or `back`, with the reason if it cannot be done."""
    try:
        return order()
    except (PolicyError, ProjectArchived) as error:
        said = str(error)
    except ControlError as error:
        if error.status not in (403, 404):
            raise
        said = "Choose a project that you may try policies on."
    if _in_place(request):
        return render(request, TRIED, {"problem": said})
    messages.warning(request, said)
    return redirect(_from_here(request) or back)


def _trials_of(policy: Policy) -> str:
    return reverse("trials:attempts", args=[policy.workspace.slug, policy.slug])


def _in_place(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def _from_here(request: HttpRequest) -> str:
    """The page of ours that the order came from; empty if it is not known."""
    given = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(given, {request.get_host()}, request.is_secure())
    return urlsplit(given).path if ours else ""


def _given(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").replace("\x00", "").strip()


def _commits(request: HttpRequest) -> int:
    text = _given(request, "commits")
    if not text.isascii() or not text.isdecimal() or len(text) > 4 or int(text) > MOST_COMMITS:
        raise NothingToTry(f"Say how many commits of each project: 0 to {MOST_COMMITS}.")
    return int(text)
