"""What variables and registry logins belong to: a workspace, or one of its projects."""

from collections.abc import Callable, Mapping

from django.http import HttpRequest
from django.urls import register_converter
from django.urls.converters import StringConverter

from seatrial.control.accounts.access import Action, find_visible, require, workspace_named
from seatrial.control.accounts.authentication import person
from seatrial.control.accounts.models import Workspace
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.projects.models import Project

Scope = Workspace | Project
Find = Callable[[HttpRequest, str, Action], Scope]


def of_project(request: HttpRequest, key: str, action: Action) -> Scope:
    """The project of that id. Raises NotFound, AccessDenied."""
    row = find_visible(person(request), Project, key, "workspace")
    require(person(request), action, row)
    return row


def of_workspace(request: HttpRequest, key: str, action: Action) -> Scope:
    """The workspace of that slug. Raises NotFound, AccessDenied."""
    row = workspace_named(person(request), key)
    require(person(request), action, row)
    return row


FIND: Mapping[str, Find] = {"projects": of_project, "workspaces": of_workspace}  # by the word in addresses


class _Kind(StringConverter):
    regex = "|".join(FIND)


register_converter(_Kind, "scope")  # of addresses


def record(action: str, scope: Scope, by: Actor, details: dict[str, object]) -> None:
    """Write the audit log."""
    target = f"project/{scope.pk}" if isinstance(scope, Project) else f"workspace/{scope.pk}"
    audit.record(action, target, by=by, workspace=workspace_id(scope), details=details)


def workspace_id(scope: Scope) -> str:
    """The id of the workspace that it is, or that it belongs to."""
    return str(scope.workspace_id if isinstance(scope, Project) else scope.pk)


def lock(scope: Scope) -> None:
    """Two people who set the same take turns, until the transaction ends."""
    type(scope)._default_manager.select_for_update(no_key=True).get(pk=scope.pk)
