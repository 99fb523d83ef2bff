"""Turns the payloads that only Apps get into events: requests at check runs, and what the App is installed on."""

from collections.abc import Callable, Mapping
from enum import StrEnum

from pydantic import Field

from seatrial.control.forges.github.parsing import github_id, read
from seatrial.control.forges.github.payloads import Account, Payload, Repository, Sha, Text
from seatrial.control.forges.github.statuses import POLICIES, PREVIEW
from seatrial.control.projects.events import CheckAsked, CheckOrder, ForgeEvent, ReachChanged

REREQUESTED, REQUESTED_ACTION = "rerequested", "requested_action"
AGAIN: Mapping[str, CheckOrder] = {POLICIES: CheckOrder.RERUN, PREVIEW: CheckOrder.REBUILD}


class Why(StrEnum):
    """Why repositories are reached no more, for people."""

    REMOVED = "The GitHub App is not installed there any more: install it again"
    SUSPENDED = "The installation of the GitHub App is suspended: unsuspend it at GitHub"
    TAKEN_OUT = "The repository was taken out of the GitHub App's installation: add it again"
    NONE = ""


INSTALLATIONS = {
    "created": Why.NONE,
    "deleted": Why.REMOVED,
    "suspend": Why.SUSPENDED,
    "unsuspend": Why.NONE,
    "new_permissions_accepted": Why.NONE,
}


class Run(Payload):
    """A check run."""

    name: Text = ""
    head_sha: Sha


class Suite(Payload):
    """All check runs of an App on a commit."""

    head_sha: Sha


class Pressed(Payload):
    """The button that was pressed."""

    identifier: Text = ""


class CheckRunPayload(Payload):
    """Event `check_run`."""

    action: Text
    check_run: Run
    requested_action: Pressed | None = None
    repository: Repository
    sender: Account | None = None


class CheckSuitePayload(Payload):
    """Event `check_suite`."""

    action: Text
    check_suite: Suite
    repository: Repository
    sender: Account | None = None


class Installation(Payload):
    """An App as an account has it installed."""

    account: Account | None = None


class InstallationPayload(Payload):
    """Event `installation`. When it is suspended, GitHub names no repositories."""

    action: Text
    installation: Installation
    repositories: list[Repository] = Field(default_factory=list)


class InstallationRepositoriesPayload(Payload):
    """Event `installation_repositories`."""

    action: Text
    installation: Installation
    repositories_added: list[Repository] = Field(default_factory=list)
    repositories_removed: list[Repository] = Field(default_factory=list)


def _check_run(event: str, body: bytes) -> CheckAsked | None:
    """A request at one of our check runs; GitHub tells each App about its own only, and the names are ours."""
    payload = read(CheckRunPayload, event, body)
    name, recipe = _told_apart(payload.check_run.name)
    order = AGAIN.get(name)
    if order is None:
        return None
    if payload.action == REQUESTED_ACTION and payload.requested_action is not None:
        if payload.requested_action.identifier not in set(CheckOrder):
            return None
        order = CheckOrder(payload.requested_action.identifier)
    elif payload.action != REREQUESTED:
        return None
    return _asked(payload.repository, payload.check_run.head_sha, (order,), payload.sender, recipe)


def _told_apart(name: str) -> tuple[str, str]:
    """What a check run is about, and which further recipe; see `PreviewReport.named`."""
    if name.startswith(f"{PREVIEW} (") and name.endswith(")"):
        return PREVIEW, name[len(PREVIEW) + 2 : -1]
    return name, ""


def _check_suite(event: str, body: bytes) -> CheckAsked | None:
    payload = read(CheckSuitePayload, event, body)
    if payload.action != REREQUESTED:
        return None
    return _asked(payload.repository, payload.check_suite.head_sha, tuple(AGAIN.values()), payload.sender)


def _asked(
    repository: Repository,
    commit: str,
    orders: tuple[CheckOrder, ...],
    sender: Account | None,
    recipe: str | None = None,
) -> CheckAsked:
    return CheckAsked(
        external_id=github_id(repository),
        commit=commit,
        orders=orders,
        author=sender.login if sender else "",
        recipe=recipe,
    )


def _installation(event: str, body: bytes) -> ReachChanged | None:
    payload = read(InstallationPayload, event, body)
    if payload.action not in INSTALLATIONS:
        return None
    return _reach(payload.installation, payload.repositories, INSTALLATIONS[payload.action])


def _installation_repositories(event: str, body: bytes) -> ReachChanged | None:
    payload = read(InstallationRepositoriesPayload, event, body)
    if payload.repositories_added:
        return _reach(payload.installation, payload.repositories_added, Why.NONE)
    if payload.repositories_removed:
        return _reach(payload.installation, payload.repositories_removed, Why.TAKEN_OUT)
    return None


def _reach(installation: Installation, repositories: list[Repository], why: Why) -> ReachChanged:
    return ReachChanged(
        external_id="",
        repositories=tuple(map(github_id, repositories)),
        owner=installation.account.login if installation.account else "",
        why=why,
    )


EVENTS: Mapping[str, Callable[[str, bytes], ForgeEvent | None]] = {
    "check_run": _check_run,
    "check_suite": _check_suite,
    "installation": _installation,
    "installation_repositories": _installation_repositories,
}


def parse(event: str, body: bytes) -> ForgeEvent | None:
    """The event in a delivery of one of EVENTS; None for actions that we ignore. Raises UnreadablePayload."""
    return EVENTS[event](event, body)
