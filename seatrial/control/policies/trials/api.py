"""REST: trying policies. Developers may; what comes of it counts nowhere."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Router, Schema
from pydantic import Field

from seatrial.control.accounts.access import (
    Action,
    allowed,
    find_allowed,
    find_visible,
    require,
    workspace_named,
)
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.models import Workspace
from seatrial.control.answers import ErrorAnswer
from seatrial.control.errors import NotFound
from seatrial.control.policies.models import Policy, PolicyVersion, Replay, Trial
from seatrial.control.policies.trials import replays, services
from seatrial.control.policies.trials.answers import ReplayAnswer, TrialAnswer, replay_answer, trial_answer
from seatrial.control.policies.trials.drafts import of_file, of_version
from seatrial.control.policies.trials.replays import MOST_COMMITS, Wanted
from seatrial.control.projects.models import Project

router = Router(tags=["policies"])
PolicyId = Annotated[str, Path(description="Id of a policy.")]
TrialId = Annotated[str, Path(description="Id of a trial.")]
ReplayId = Annotated[str, Path(description="Id of a replay.")]
REFUSED: dict[Any, Any] = {
    400: ErrorAnswer,
    403: ErrorAnswer,
    404: ErrorAnswer,
    409: ErrorAnswer,
    429: ErrorAnswer,
}
SLUG = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$"
MOST_FILES = 100
MOST_CODE = 200_000  # characters


class PolicyFile(Schema):
    """A policy as a file has it."""

    slug: str = Field(pattern=SLUG, description="Its name, as the file's without .py.")
    code: str = Field(max_length=MOST_CODE, description="The whole file.")


class FilesToTest(Schema):
    """Policies whose own tests are run, as one trial."""

    workspace: str = Field("", max_length=100, description="Slug of a workspace; empty: your first one.")
    files: list[PolicyFile] = Field(
        min_length=1, max_length=MOST_FILES, description="The policies. Those without TESTS are left out."
    )


class CommitToTry(Schema):
    """Where a policy is tried."""

    project: str = Field(max_length=26, description="Id of a project.")
    commit: str = Field(
        "", max_length=64, description="A commit's id, or how it begins; empty: the newest that is known."
    )
    params: dict[str, Any] = Field(default_factory=dict, description="Parameters to change, by name.")


class DraftToTry(CommitToTry):
    """A policy as a file has it, and where it is tried."""

    slug: str = Field(pattern=SLUG, description="The policy's name, as the file's without .py.")
    code: str = Field(max_length=MOST_CODE, description="The whole file.")


class ReplayAsked(Schema):
    """On which commits a policy is replayed."""

    commits: int = Field(
        20, ge=0, le=MOST_COMMITS, description="How many of each project's default branch, the newest first."
    )
    pull_requests: bool = Field(True, description="Whether also on every open pull request.")
    projects: list[str] = Field(
        default_factory=list, max_length=1_000, description="Ids of projects; empty: all of the workspace."
    )
    version: int | None = Field(None, description="Number of the policy's version; null: the newest.")


class DraftToReplay(ReplayAsked):
    """A policy as a file has it, and on which commits it is replayed."""

    workspace: str = Field("", max_length=100, description="Slug of a workspace; empty: your first one.")
    slug: str = Field(pattern=SLUG, description="The policy's name, as the file's without .py.")
    code: str = Field(max_length=MOST_CODE, description="The whole file.")


@router.post(
    "/policies/tests", response={200: TrialAnswer, **REFUSED}, summary="Run the tests of policies in files"
)
def test_files(request: HttpRequest, asked: FilesToTest) -> TrialAnswer:
    """Nothing is saved. The answer has no result yet: ask for the trial until it has ended."""
    workspace = _workspace(request, asked.workspace)
    drafts = [of_file(one.slug, one.code) for one in asked.files]
    return _fresh(services.run_tests(workspace, drafts, by=actor(request)))


@router.post(
    "/policies/trials", response={200: TrialAnswer, **REFUSED}, summary="Try a policy in a file on a commit"
)
def try_file(request: HttpRequest, asked: DraftToTry) -> TrialAnswer:
    """Nothing is saved. If the policy asks for the network, it gets it only if you manage policies: nobody else has read it."""
    project = _project(request, asked.project)
    network = allowed(person(request), Action.MANAGE_POLICIES, project)
    draft = of_file(asked.slug, asked.code, asked.params)
    return _fresh(services.try_draft(draft, project, asked.commit, by=actor(request), network=network))


@router.post(
    "/policies/replays", response={200: ReplayAnswer, **REFUSED}, summary="Replay a policy in a file"
)
def replay_file(request: HttpRequest, asked: DraftToReplay) -> ReplayAnswer:
    """Nothing is saved. It is compared with the version in force of the policy of this name, if there is one."""
    workspace = _workspace(request, asked.workspace)
    network = allowed(person(request), Action.MANAGE_POLICIES, workspace)
    draft = of_file(asked.slug, asked.code)
    read = draft if network else draft.without_network()
    return replay_answer(
        replays.replay(workspace, read, version=None, wanted=_wanted(asked), by=actor(request))
    )


@router.post(
    "/policies/{policy_id}/tests", response={200: TrialAnswer, **REFUSED}, summary="Run a policy's tests"
)
def test_policy(request: HttpRequest, policy_id: PolicyId) -> TrialAnswer:
    """Those of its newest version."""
    policy = find_allowed(person(request), Action.TRY_POLICY, Policy, policy_id, "workspace")
    return _fresh(services.run_tests_of(services.newest_version(policy), by=actor(request)))


@router.post(
    "/policies/{policy_id}/trials", response={200: TrialAnswer, **REFUSED}, summary="Try a policy on a commit"
)
def try_policy(request: HttpRequest, policy_id: PolicyId, asked: CommitToTry) -> TrialAnswer:
    """Its newest version. No code host hears of what comes of it, and it changes no verdict."""
    policy = find_allowed(person(request), Action.TRY_POLICY, Policy, policy_id)
    project = _project(request, asked.project)
    _same_workspace(policy, project)
    version = services.newest_version(policy)
    trial = services.try_policy(version, project, asked.commit, by=actor(request), params=asked.params)
    return _fresh(trial)


@router.get(
    "/policies/{policy_id}/trials",
    response={200: list[TrialAnswer], 404: ErrorAnswer},
    summary="Trials of a policy, newest first",
)
def list_trials(request: HttpRequest, policy_id: PolicyId) -> list[TrialAnswer]:
    """The newest 20, without those of replays."""
    policy = find_visible(person(request), Policy, policy_id)
    return [trial_answer(one) for one in policy.trials.filter(replay=None).order_by("-id")[:20]]


@router.get("/trials/{trial_id}", response={200: TrialAnswer, 404: ErrorAnswer}, summary="One trial")
def get_trial(request: HttpRequest, trial_id: TrialId) -> TrialAnswer:
    """The trial. Its results come all at once, when it has ended."""
    return trial_answer(find_visible(person(request), Trial, trial_id))


@router.post(
    "/policies/{policy_id}/replays", response={200: ReplayAnswer, **REFUSED}, summary="Replay a policy"
)
def replay_policy(request: HttpRequest, policy_id: PolicyId, asked: ReplayAsked) -> ReplayAnswer:
    """Tries a version on many commits, and compares it with the version in force. Nobody is notified. One at a time."""
    policy = find_allowed(person(request), Action.TRY_POLICY, Policy, policy_id, "workspace")
    version = _version(policy, asked.version)
    draft = of_version(version)
    return replay_answer(
        replays.replay(policy.workspace, draft, version=version, wanted=_wanted(asked), by=actor(request))
    )


@router.get(
    "/policies/{policy_id}/replays",
    response={200: list[ReplayAnswer], 404: ErrorAnswer},
    summary="Replays of a policy, newest first",
)
def list_replays(request: HttpRequest, policy_id: PolicyId) -> list[ReplayAnswer]:
    """The newest 20."""
    policy = find_visible(person(request), Policy, policy_id)
    return [replay_answer(one) for one in policy.replays.order_by("-id")[:20]]


@router.get("/replays/{replay_id}", response={200: ReplayAnswer, 404: ErrorAnswer}, summary="One replay")
def get_replay(request: HttpRequest, replay_id: ReplayId) -> ReplayAnswer:
    """As far as it is."""
    return replay_answer(find_visible(person(request), Replay, replay_id))


@router.get(
    "/replays/{replay_id}/trials",
    response={200: list[TrialAnswer], 404: ErrorAnswer},
    summary="What a replay says of each commit",
)
def list_replayed(request: HttpRequest, replay_id: ReplayId) -> list[TrialAnswer]:
    """Of every commit, by project: first what was replayed, then what the version in force says, where it is another."""
    replay = find_visible(person(request), Replay, replay_id)
    return [trial_answer(one) for one in replay.trials.order_by("project__name", "place", "id")]


@router.post(
    "/replays/{replay_id}/cancel", response={200: ReplayAnswer, **REFUSED}, summary="Cancel a replay"
)
def cancel_replay(request: HttpRequest, replay_id: ReplayId) -> ReplayAnswer:
    """What it has found so far is kept. Does nothing to one that has ended."""
    replay = find_allowed(person(request), Action.TRY_POLICY, Replay, replay_id)
    replays.cancel(replay, by=actor(request))
    return replay_answer(Replay.objects.get(pk=replay.pk))


def _workspace(request: HttpRequest, slug: str) -> Workspace:
    workspace = workspace_named(person(request), slug)
    require(person(request), Action.TRY_POLICY, workspace)
    return workspace


def _project(request: HttpRequest, key: str) -> Project:
    return find_allowed(person(request), Action.TRY_POLICY, Project, key, "workspace")


def _same_workspace(policy: Policy, project: Project) -> None:
    if policy.workspace_id != project.workspace_id:
        raise NotFound(f"There is no project {project.pk} in the workspace of {policy.name}.")


def _version(policy: Policy, number: int | None) -> PolicyVersion:
    if number is None:
        return services.newest_version(policy)
    version = policy.versions.filter(number=number).select_related("policy").first()
    if version is None:
        raise NotFound(f"{policy.name} has no version {number}.")
    return version


def _wanted(asked: ReplayAsked) -> Wanted:
    return Wanted(asked.commits, asked.pull_requests, tuple(asked.projects))


def _fresh(trial: Trial) -> TrialAnswer:
    return trial_answer(Trial.objects.get(pk=trial.pk))
