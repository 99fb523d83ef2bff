"""Repositories and pull requests. A `Connection` is the account at a code host through which we reach repositories."""

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.utils import timezone

from seatrial.control.accounts.models import Workspace
from seatrial.control.ids import UlidField
from seatrial.control.projects.events import Gone
from seatrial.control.vault.fields import EncryptedTextField


class Connection(models.Model):
    """One code host as one workspace reaches it. Its id is part of the webhook URL; its secret signs webhooks."""

    id = UlidField()
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="connections")
    forge = models.CharField(max_length=20)  # a kind that `forges.registry` knows
    name = models.CharField(max_length=200)
    base_url = models.CharField(max_length=500, blank=True)
    credential = EncryptedTextField(blank=True)  # what we sign in with; each kind of forge has its own form
    webhook_secret = EncryptedTextField(blank=True)
    # The secret before the last rotation, and how long it is valid beside the new one.
    previous_webhook_secret = EncryptedTextField(blank=True)
    previous_valid_until = models.DateTimeField(null=True, blank=True)
    removal_asked_at = models.DateTimeField(null=True, blank=True)  # it is deleted after its last project
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "forge", "name"], name="one_connection_name")
        ]

    def __str__(self) -> str:
        return f"{self.forge}:{self.name}"

    def save(self, *, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        """Save, and always change `updated_at`, by which `forges.connected` sees that it needs a new object."""
        if update_fields is not None:
            update_fields = {*update_fields, "updated_at"}
        super().save(update_fields=update_fields, **options)

    @property
    def has_webhook_secret(self) -> bool:
        """Whether a secret is stored, without opening it."""
        return bool(self.__dict__["webhook_secret"])


class Project(models.Model):
    """One repository under trial. `external_id` is the forge's own id (the local forge: the resolved path)."""

    id = UlidField()
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="projects")
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="projects")
    external_id = models.CharField(max_length=500)
    name = models.CharField(max_length=200)
    full_name = models.CharField(max_length=500, blank=True)  # at the forge, such as owner/name
    slug = models.SlugField(max_length=100)
    clone_url = models.CharField(max_length=1000)
    web_url = models.CharField(max_length=1000, blank=True)
    default_branch = models.CharField(max_length=250, default="main")
    ttl_hours = models.PositiveIntegerField(default=72)
    # Minutes without a visit after which its previews are paused, and stopped; 0: never
    pause_minutes = models.PositiveIntegerField(default=0)
    stop_minutes = models.PositiveIntegerField(default=0)
    previews_enabled = models.BooleanField(default=True)
    # Which pull requests get a preview; one that is labelled `no-preview` never does.
    previews_of_drafts = models.BooleanField(default=True)
    previews_need_label = models.BooleanField(default=False)  # the label `preview`
    previews_of_forks = models.BooleanField(default=False)  # without approval of each commit
    private_networks = models.BooleanField(
        default=False
    )  # its previews, but for those of forks, connect to them
    # Whether developers may get into its previews: see the app `tunnels`
    tunnels_allowed = models.BooleanField(default=True)
    tunnels_of_forks = models.BooleanField(default=False)  # also into those of forks
    recipe_folder = models.CharField(max_length=500, blank=True, default="")  # empty: the repository's root
    # Folders, each with a recipe of its own: every pull request gets a preview of each, beside that of `recipe_folder`
    further_recipes = models.JSONField(default=list)
    callbacks = models.BooleanField(default=False)  # whether it has a callback host: see `previews.callbacks`
    # Its quota, where that is less than what the server allows every project; 0: as much as that
    max_previews = models.PositiveIntegerField(default=0)
    max_cpus = models.FloatField(default=0)
    max_memory_mb = models.PositiveIntegerField(default=0)
    # Which policies are rolled out to it by
    labels = models.JSONField(default=list)  # slugs
    stack = models.SlugField(max_length=100, blank=True, default="")  # what it is built with, such as django
    rescan = models.CharField(max_length=100, default="never")  # when: see `rescan_times`
    # Why the repository takes no more changes; empty while it does. Everything is kept until somebody decides.
    gone = models.CharField(max_length=20, choices=[(why, why) for why in Gone], blank=True, default="")
    unreachable = models.TextField(blank=True)  # why its forge cannot report on it; empty while it can
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    # Since then it is archived too; all of it is deleted once nothing of it exists on a host or at its forge.
    removal_asked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "external_id"], name="one_project_per_repository"),
            models.UniqueConstraint(fields=["workspace", "slug"], name="one_project_slug"),
        ]

    def __str__(self) -> str:
        return self.name


class Mode(models.TextChoices):
    """Who gets into a project's previews."""

    PUBLIC = "public", "Public"
    BASIC = "basic", "Basic auth"
    ADDRESSES = "addresses", "IP allowlist"
    MEMBERS = "members", "Members"


class Gate(models.Model):
    """Who gets into previews. A row never changes: the newest one of a project is for its next deployments, and each deployment
    keeps the one it began with, until somebody applies the newest to all.

    No row: everybody.
    """

    id = UlidField()
    project = models.ForeignKey(Project, models.CASCADE, related_name="gates")
    mode = models.CharField(max_length=20, choices=Mode.choices, default=Mode.PUBLIC)
    username = models.CharField(max_length=200, blank=True)  # of basic
    password = models.CharField(max_length=200, blank=True)  # of basic: bcrypt, as Django writes it
    addresses = models.JSONField(default=list)  # of addresses: networks as CIDR
    by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.project} {self.mode}"


class Tier(models.TextChoices):
    """Whose previews get a variable. What comes from a fork gets what is set for forks, and nothing else."""

    TRUSTED = "trusted", "Trusted"
    FORKS = "forks", "Forks"


class Variable(models.Model):
    """A variable of the previews of a workspace, or of one of its projects, whose own win.

    A row never changes but for `ended_at`: another value is another row. So each deployment keeps what counted when it was
    made; see `projects.variables`. The value is sealed, whether or not it is `secret`, which is then masked in logs.
    """

    id = UlidField()
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="variables")
    project = models.ForeignKey(Project, models.CASCADE, null=True, related_name="variables")  # None: all
    name = models.CharField(max_length=100)
    tier = models.CharField(max_length=20, choices=Tier.choices, default=Tier.TRUSTED)
    value = EncryptedTextField(blank=True)
    secret = models.BooleanField(default=True)
    by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)  # since then, deployments that begin do not get it

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "name", "tier"],
                condition=models.Q(project=None, ended_at=None),
                name="one_variable_of_a_workspace",
            ),
            models.UniqueConstraint(
                fields=["project", "name", "tier"],
                condition=models.Q(ended_at=None) & ~models.Q(project=None),
                name="one_variable_of_a_project",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PullRequestState(models.TextChoices):
    """The state that the forge reports."""

    OPEN = "open"
    CLOSED = "closed"


class PullRequest(models.Model):
    """A pull request as the forge last reported it. `changed_at` is by the forge's clock; older events are ignored."""

    id = UlidField()
    project = models.ForeignKey(Project, models.CASCADE, related_name="pull_requests")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=500, blank=True)
    author = models.CharField(max_length=200, blank=True)
    branch = models.CharField(max_length=250)
    base_branch = models.CharField(max_length=250, blank=True)
    base_sha = models.CharField(max_length=64, blank=True)  # what the branch is compared with
    head_sha = models.CharField(max_length=64)
    from_fork = models.BooleanField(default=False)
    # Of one from a fork: the commit that may have a preview, and who said so. Another commit needs another approval.
    approved_sha = models.CharField(max_length=64, blank=True, default="")
    approved_by = models.CharField(max_length=200, blank=True, default="")
    draft = models.BooleanField(default=False)
    merged = models.BooleanField(default=False)
    labels = models.JSONField(default=list)  # their names
    state = models.CharField(max_length=10, choices=PullRequestState.choices, default=PullRequestState.OPEN)
    changed_at = models.DateTimeField()
    opened_at = (
        models.DateTimeField()
    )  # by the forge's clock; where it does not say, as early as we know of it

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="one_pull_request_number")]
        indexes = [
            models.Index(
                fields=["changed_at"],
                name="pull_request_closed",
                condition=models.Q(state=PullRequestState.CLOSED),
            ),
            models.Index(fields=["project", "branch"], name="pull_request_branch"),
        ]

    def __str__(self) -> str:
        return f"{self.project} #{self.number}"

    @property
    def approved(self) -> bool:
        """Whether somebody approved its newest commit."""
        return bool(self.approved_sha) and self.approved_sha == self.head_sha

    @property
    def shown_state(self) -> str:
        """Its state in one word, for people."""
        if self.state == PullRequestState.CLOSED:
            return "merged" if self.merged else "closed"
        return "draft" if self.draft else "open"


class CommandComment(models.Model):
    """A comment below a pull request that has commands, such as `/preview rebuild`. There is one row per comment, so that
    whatever is delivered again, its commands are carried out once.

    `head_sha` is the pull request's newest commit as we knew it when the comment came.
    """

    id = UlidField()
    pull_request = models.ForeignKey(PullRequest, models.CASCADE, related_name="command_comments")
    comment = models.CharField(max_length=100)  # its id at the forge
    author = models.CharField(max_length=200)
    commands = models.JSONField()  # the lines
    head_sha = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True)
    # How it ended: whether its author may give commands, whether all were carried out, and what is replied.
    allowed = models.BooleanField(null=True)
    obeyed = models.BooleanField(default=False)
    reply = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pull_request", "comment"], name="one_row_per_comment")
        ]
        indexes = [models.Index(fields=["created_at"], name="command_comment_age")]

    def __str__(self) -> str:
        return f"comment {self.comment} below {self.pull_request}"
