"""People and what they belong to."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone

from seatrial.control.ids import UlidField


class User(AbstractUser):
    """Someone who can sign in. `is_superuser` is the instance admin."""

    # Of somebody for whom a scoped token speaks: the actions that its scopes allow, see `access`. None: all that they may do.
    limited_to: frozenset[str] | None = None


class Workspace(models.Model):
    """A team. Its members see nothing of other workspaces."""

    id = UlidField()
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.slug


class Role(models.TextChoices):
    """From the most rights to the fewest. See `accounts.access` for what each may do."""

    OWNER = "owner"
    ADMIN = "admin"
    DEVELOPER = "developer"
    VIEWER = "viewer"


class Membership(models.Model):
    """One person in one workspace. A `mapped` one follows AUTH_ROLE_MAP at each sign-in; others are set by hand."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices)
    mapped = models.BooleanField(default=False)
    since = models.DateTimeField(null=True, default=timezone.now)  # null: longer than that is kept
    by = models.CharField(max_length=200, blank=True, default="")  # who let them in: `str` of an Actor

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "user"], name="one_membership_per_person")
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.role} of {self.workspace}"


class Invitation(models.Model):
    """One account that an admin lets in: at a provider, by its login there in lower case; or one of this server, that of `user`.

    The first sign-in with an account of a provider accepts it: then `uid` is the account's, whatever its login becomes, and nobody
    who takes that login later is let in. `user` accepts or declines theirs on the page Workspaces. One that is not accepted in
    time counts no more.
    """

    id = UlidField()
    provider = models.CharField(max_length=20)
    login = models.CharField(max_length=254)
    uid = models.CharField(max_length=191, blank=True)
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="invitations")
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="invitations")
    by = models.CharField(max_length=200, blank=True, default="")  # who invites: `str` of an Actor
    role = models.CharField(max_length=20, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "login", "workspace"], name="one_invitation_per_workspace"
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider}:{self.login}"


class ApiToken(models.Model):
    """A bearer token. Only its SHA-256 is kept; `prefix` helps people tell tokens apart.

    One with `scopes` may do no more than they say, and expires. One without may do all that its owner may.
    """

    id = UlidField()
    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)  # of `access.Scope`
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scopes=[]) | models.Q(expires_at__isnull=False),
                name="scoped_token_expires",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
