"""Who may do what. Every view, API call and stream asks here, and nowhere else.

| role      | may                                                                    |
|-----------|------------------------------------------------------------------------|
| viewer    | look                                                                   |
| developer | also open, rebuild, extend and stop previews, invite guests to them,   |
|           | run commands in them, connect to their ports,                          |
|           | look at variables, approve what comes from forks, run evaluations,     |
|           | request waivers, try policies                                          |
| admin     | also projects, variables, policies, waivers, broken glass,             |
|           | connections, deliveries, members, audit log                            |
| owner     | also the workspace itself                                              |

The instance admin (`is_superuser`) may do everything everywhere, and alone may manage agents and keys, and permit a project's previews private
networks, which are those of the hosts. Things of the whole
instance (agents) may be looked at by everybody who can sign in.

A token with scopes may do what its owner may, as far as one of its scopes allows it: see SCOPES.
"""

from enum import StrEnum
from typing import Any, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q, QuerySet

from seatrial.control.accounts.models import Membership, Role, User, Workspace
from seatrial.control.errors import ControlError, NotFound

Somebody = User | AnonymousUser
M = TypeVar("M", bound=models.Model)


class Action(StrEnum):
    """Everything that can be asked for."""

    VIEW = "view"
    OPEN_PULL_REQUEST = "open pull requests"
    REBUILD_PREVIEW = "rebuild previews"
    STOP_PREVIEW = "stop previews"
    EXTEND_PREVIEW = "extend previews"
    RESET_PREVIEW_DATA = "reset the data of previews"
    APPROVE_FORK = "approve commits from forks"
    OPEN_TUNNEL = "run commands in previews or connect to their ports"
    INVITE_GUEST = "invite guests to previews"
    VIEW_VARIABLES = "view variables of previews"
    MANAGE_VARIABLES = "manage variables of previews"
    RUN_EVALUATION = "run evaluations"
    REQUEST_WAIVER = "request waivers"
    TRY_POLICY = "try policies"
    DECIDE_WAIVER = "approve or reject waivers"
    BREAK_GLASS = "let a commit pass in an emergency"
    VIEW_DELIVERIES = "view deliveries"
    REPLAY_DELIVERIES = "replay deliveries"
    VIEW_AUDIT = "view the audit log"
    MANAGE_PROJECTS = "manage projects"
    MANAGE_POLICIES = "manage policies"
    MANAGE_CONNECTIONS = "manage connections"
    MANAGE_MEMBERS = "manage members"
    MANAGE_WORKSPACE = "manage the workspace"
    MANAGE_AGENTS = "manage agents"
    MANAGE_KEYS = "manage the keys of this server"
    PERMIT_NETWORKS = "permit previews to connect to private networks"


_VIEWER = frozenset({Action.VIEW})
_DEVELOPER = _VIEWER | {
    Action.OPEN_PULL_REQUEST,
    Action.REBUILD_PREVIEW,
    Action.STOP_PREVIEW,
    Action.EXTEND_PREVIEW,
    Action.RESET_PREVIEW_DATA,
    Action.APPROVE_FORK,
    Action.INVITE_GUEST,
    Action.OPEN_TUNNEL,
    Action.VIEW_VARIABLES,
    Action.RUN_EVALUATION,
    Action.REQUEST_WAIVER,
    Action.TRY_POLICY,
}
_ADMIN = _DEVELOPER | {
    Action.DECIDE_WAIVER,
    Action.BREAK_GLASS,
    Action.MANAGE_VARIABLES,
    Action.VIEW_DELIVERIES,
    Action.REPLAY_DELIVERIES,
    Action.VIEW_AUDIT,
    Action.MANAGE_PROJECTS,
    Action.MANAGE_POLICIES,
    Action.MANAGE_CONNECTIONS,
    Action.MANAGE_MEMBERS,
}
ALLOWED: dict[Role, frozenset[Action]] = {
    Role.VIEWER: _VIEWER,
    Role.DEVELOPER: _DEVELOPER,
    Role.ADMIN: _ADMIN,
    Role.OWNER: _ADMIN | {Action.MANAGE_WORKSPACE},
}


class Scope(StrEnum):
    """What a token may be limited to. What people decide (waivers, glass, members, projects, connections) is in none."""

    READ = "read"
    POLICIES_RUN = "policies:run"
    POLICIES_WRITE = "policies:write"
    PREVIEWS_WRITE = "previews:write"
    WAIVERS_REQUEST = "waivers:request"


# Every scope lets a program look: without that it could not name what it means.
SCOPES: dict[Scope, frozenset[Action]] = {
    Scope.READ: _VIEWER,
    Scope.POLICIES_RUN: _VIEWER | {Action.RUN_EVALUATION, Action.TRY_POLICY},
    Scope.POLICIES_WRITE: _VIEWER | {Action.MANAGE_POLICIES},
    Scope.PREVIEWS_WRITE: _VIEWER
    | {
        Action.OPEN_PULL_REQUEST,
        Action.REBUILD_PREVIEW,
        Action.STOP_PREVIEW,
        Action.EXTEND_PREVIEW,
        Action.RESET_PREVIEW_DATA,
    },
    Scope.WAIVERS_REQUEST: _VIEWER | {Action.REQUEST_WAIVER},
}

# Models that may not be looked at with VIEW alone, and the action it takes. By label, because these models belong to
# apps above this one.
LOOKING_AT: dict[str, Action] = {
    "forges.Delivery": Action.VIEW_DELIVERIES,
    "forges.Attempt": Action.VIEW_DELIVERIES,
    "forges.DriftTotal": Action.MANAGE_CONNECTIONS,
    "forge_oauth.Authorization": Action.MANAGE_CONNECTIONS,
    "forge_oauth.AuthorizationRequest": Action.MANAGE_CONNECTIONS,
    "audit.AuditEntry": Action.VIEW_AUDIT,
    "notices.Subscription": Action.MANAGE_POLICIES,
    "projects.Connection": Action.MANAGE_CONNECTIONS,
    "projects.Variable": Action.VIEW_VARIABLES,
    "fleet.BootstrapToken": Action.MANAGE_AGENTS,
    "accounts.Invitation": Action.MANAGE_MEMBERS,
}

# Models without a workspace that everybody who can sign in may look at. All other models without a workspace (users,
# tokens, the outbox) are for the instance admin only, so a model that is missing here leaks nothing.
OPEN_TO_ALL = frozenset({"fleet.Agent"})

# How to get from a row to its workspace: follow the first of these foreign keys that its model has.
_TOWARDS_WORKSPACE = (
    "workspace",
    "project",
    "connection",
    "environment",
    "deployment",
    "policy",
    "evaluation",
    "pull_request",
    "delivery",
)


class AccessDenied(ControlError):
    """The user may not do this.

    `hidden`: they may not even know that the thing exists, so the answer is "not found".
    """

    def __init__(self, message: str, *, hidden: bool) -> None:
        super().__init__(message)
        self.hidden = hidden
        self.code, self.status = ("not_found", 404) if hidden else ("access_denied", 403)


def require(user: Somebody, action: Action, thing: models.Model | None) -> None:
    """Return when `user` may do `action` to `thing` (None: the whole instance); else raise AccessDenied."""
    if not user.is_authenticated or not user.is_active:
        raise AccessDenied("Sign in first.", hidden=True)
    if isinstance(thing, models.Model) and action is Action.VIEW:
        action = LOOKING_AT.get(type(thing)._meta.label, action)
    if allowed(user, action, thing):
        return
    hidden = thing is not None and not _may_see_around(user, thing)
    if hidden:
        raise AccessDenied("It does not exist, or you may not see it.", hidden=True)
    if not _within_scopes(user, action):
        raise AccessDenied(f"This token may not {action}{_which_scope(action)}", hidden=False)
    raise AccessDenied(f"You may not {action}{_who_may(action)}", hidden=False)


def allowed(user: Somebody, action: Action, thing: models.Model | None) -> bool:
    """True when `user` may do `action` to `thing`. Pages use it to decide whether to show a button."""
    if not isinstance(user, User) or not user.is_active or not _within_scopes(user, action):
        return False
    if user.is_superuser:
        return True
    workspace = None if thing is None else workspace_of(thing)
    if workspace is None:
        return action is Action.VIEW and thing is not None and thing._meta.label in OPEN_TO_ALL
    role = Membership.objects.filter(user=user, workspace_id=workspace).values_list("role", flat=True).first()
    return role is not None and action in ALLOWED[Role(role)]


def visible(user: Somebody, model: type[M]) -> QuerySet[M]:
    """The rows of `model` that `user` may look at."""
    rows = model._default_manager.all()
    action = LOOKING_AT.get(model._meta.label, Action.VIEW)
    if not isinstance(user, User) or not user.is_active or not _within_scopes(user, action):
        return rows.none()
    if user.is_superuser:
        return rows
    path = workspace_path(model)
    if path is None:
        return rows if model._meta.label in OPEN_TO_ALL else rows.none()
    return rows.filter(Q(**{f"{path}__in": _workspaces_where(user, action)}))


def find_visible(user: Somebody, model: type[M], key: str, *related: str) -> M:
    """The row with this id, if `user` may look at it, with its `related` rows.

    Otherwise raises NotFound, which pages and the REST API answer with 404: a hidden row and a missing row look the
    same. `key` may be any text; text that cannot be an id raises NotFound as well.
    """
    rows = visible(user, model).select_related(*related) if related else visible(user, model)
    row = rows.filter(pk=key.replace("\x00", "")).first()
    if row is None:
        raise NotFound(f"There is no {model._meta.verbose_name} {key}.")
    return row


def find_allowed(user: Somebody, action: Action, model: type[M], key: str, *related: str) -> M:
    """`find_visible`, for somebody who may do `action` to the row. Raises NotFound, AccessDenied."""
    row = find_visible(user, model, key, *related)
    require(user, action, row)
    return row


def require_whole(user: User, what: str) -> None:
    """For what is no action of a workspace: raise AccessDenied where a scoped token speaks for `user`."""
    if user.limited_to is not None:
        raise AccessDenied(f"A token with scopes may not {what}: no scope allows it.", hidden=False)


def require_somewhere(user: Somebody, action: Action) -> None:
    """For tables that span workspaces: raise AccessDenied unless `user` may do `action` in at least one of them."""
    if not allowed_somewhere(user, action):
        raise AccessDenied(f"You may not {action}: that takes the role admin in a workspace.", hidden=False)


def allowed_somewhere(user: Somebody, action: Action) -> bool:
    """True when `user` may do `action` in at least one workspace; always true for the instance admin."""
    if not isinstance(user, User) or not user.is_active or not _within_scopes(user, action):
        return False
    return user.is_superuser or workspaces(user, action).exists()


def workspaces(user: Somebody, action: Action = Action.VIEW) -> QuerySet[Workspace]:
    """The workspaces where `user` may do `action`."""
    if not isinstance(user, User) or not user.is_active or not _within_scopes(user, action):
        return Workspace.objects.none()
    if user.is_superuser:
        return Workspace.objects.all()
    return Workspace.objects.filter(pk__in=_workspaces_where(user, action))


def workspace_named(user: User, slug: str) -> Workspace:
    """The user's workspace with this slug; without one, their first. Raises NotFound."""
    mine = workspaces(user).order_by("id")
    workspace = (mine.filter(slug=slug) if slug else mine).first()
    if workspace is None:
        raise NotFound(f"You are in no workspace {slug}." if slug else "You are in no workspace.")
    return workspace


def workspace_path(model: type[models.Model]) -> str | None:
    """The lookup from `model` to its workspace's id, e.g. `project__workspace`; None if it has no workspace."""
    if model is Workspace:
        return "pk"
    names = {field.name: field for field in model._meta.get_fields() if isinstance(field, models.Field)}
    for name in _TOWARDS_WORKSPACE:
        field = names.get(name)
        if field is None:
            continue
        if not field.is_relation:
            return name  # the audit log keeps the id itself, because its entries outlive what they name
        further = workspace_path(field.related_model)  # type: ignore[arg-type]
        return name if further == "pk" else f"{name}__{further}"
    return None


def workspace_of(thing: models.Model) -> str | None:
    """The id of the workspace that `thing` belongs to; None if it belongs to the whole instance."""
    value: Any = thing
    path = workspace_path(type(thing))
    if path is None:
        return None
    for name in path.split("__"):
        value = getattr(value, name)
    return str(value.pk) if isinstance(value, models.Model) else str(value)


def _workspaces_where(user: User, action: Action) -> QuerySet[Membership, str]:
    roles = [role for role, actions in ALLOWED.items() if action in actions]
    return Membership.objects.filter(user=user, role__in=roles).values_list("workspace_id", flat=True)


def _may_see_around(user: User, thing: models.Model) -> bool:
    """True for members of the workspace of `thing`: they may know that it exists, even if they may not look at it."""
    return allowed(user, Action.VIEW, thing)


def _within_scopes(user: User | AnonymousUser, action: Action) -> bool:
    return not isinstance(user, User) or user.limited_to is None or action in user.limited_to


def _which_scope(action: Action) -> str:
    for scope, actions in SCOPES.items():
        if action in actions:
            return f": that takes the scope {scope}. Make a token that has it."
    return ": no scope allows it. A person does it."


def _who_may(action: Action) -> str:
    for role in (Role.DEVELOPER, Role.ADMIN, Role.OWNER):
        if action in ALLOWED[role]:
            return f" here: that takes the role {role}. Ask an owner of the workspace."
    return ": that takes the instance admin."
