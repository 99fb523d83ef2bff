"""Making people and workspaces."""

from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from seatrial.control.accounts.models import Membership, Role, User, Workspace
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import SYSTEM, Actor


@transaction.atomic
def ensure_workspace(slug: str, name: str, *, by: Actor = SYSTEM) -> Workspace:
    """The workspace `slug`, made when there is none."""
    workspace, made = Workspace.objects.get_or_create(slug=slug, defaults={"name": name})
    if made:
        audit.record("workspace.create", f"workspace/{slug}", by=by, workspace=workspace.pk)
    return workspace


@transaction.atomic
def ensure_admin(username: str, password: str, *, by: Actor = SYSTEM) -> User:
    """The instance admin `username`, made with `password` when there is none; an existing password is kept."""
    user = User.objects.filter(username=username).first()
    if user is None:
        user = User.objects.create_superuser(username, password=password)
        audit.record("user.create", f"user/{username}", by=by, details={"instance_admin": True})
    return user


@transaction.atomic
def add_person(username: str, password: str, workspace: Workspace, role: Role, *, by: Actor = SYSTEM) -> User:
    """Make an account for somebody new. Raises ValidationError when the name is taken or unfit, or the password weak."""
    user = User(username=username)
    user.full_clean(exclude=["password"])
    validate_password(password, user)
    user.set_password(password)
    user.save()
    audit.record("user.create", f"user/{username}", by=by)
    set_role(workspace, user, role, by=by)
    return user


@transaction.atomic
def set_role(workspace: Workspace, user: User, role: Role, *, by: Actor = SYSTEM) -> Membership:
    """Make `user` a member of `workspace`, or change the role they have. AUTH_ROLE_MAP does not change it afterwards."""
    kept = {"role": role, "mapped": False}
    membership, made = Membership.objects.update_or_create(
        workspace=workspace, user=user, defaults=kept, create_defaults={**kept, "by": str(by)[:200]}
    )
    audit.record(
        "member.add" if made else "member.change_role",
        f"user/{user.username}",
        by=by,
        workspace=workspace.pk,
        details={"role": str(role)},
    )
    return membership
