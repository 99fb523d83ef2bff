"""Where a workspace keeps its policies, and which of them."""

from typing import Any

from django.db import models

from seatrial.control.accounts.models import Workspace
from seatrial.control.ids import UlidField
from seatrial.control.projects.models import Project, PullRequest
from seatrial.wire.states import EvaluationState


class Kept(models.TextChoices):
    """How a policy stands to the file that it was taken from."""

    KEPT = "kept"  # the file decides
    GONE = "gone"  # no file has it any more; it is as it was
    RELEASED = "released"  # people took it over into the editor: the file is not looked at


class PolicySource(models.Model):
    """A folder of a branch, from which a workspace takes its policies.

    `commit`: what was taken last; empty: nothing yet. `rewound_from`: what had been taken before that, if `commit` does not follow it;
    `older`: it is `commit` that is in the history of the other. `files`: a list of {path, policies, broken}, where `policies` are slugs
    and `broken` is a list of {line, key, text}.
    """

    id = UlidField()
    workspace = models.OneToOneField(Workspace, models.CASCADE, related_name="policy_source")
    project = models.ForeignKey(Project, models.CASCADE, related_name="policy_sources")
    branch = models.CharField(max_length=250)
    folder = models.CharField(max_length=500, blank=True)
    by = models.CharField(max_length=200)  # as people read it: `str` of an Actor
    created_at = models.DateTimeField(auto_now_add=True)
    asked_at = models.DateTimeField(null=True)  # somebody or something last wanted it read
    looked_at = models.DateTimeField(null=True)  # it last was, or could not be
    problem = models.TextField(blank=True)  # why it could not be read then
    commit = models.CharField(max_length=64, blank=True)
    stale = models.BooleanField(default=False)  # that commit is to be taken once more
    taken_at = models.DateTimeField(null=True)
    rewound_from = models.CharField(max_length=64, blank=True)
    older = models.BooleanField(default=False)
    files = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"policies of {self.workspace}"

    @property
    def place(self) -> str:
        """The folder, for people."""
        return f"{self.project.slug}, branch {self.branch}, {self.folder or 'the whole repository'}"

    @property
    def waits(self) -> bool:
        """Whether it will be read soon."""
        return self.asked_at is not None and (self.looked_at is None or self.looked_at < self.asked_at)

    @property
    def broken(self) -> int:
        """How many files have something wrong in them."""
        return sum(bool(one["broken"]) for one in self.files)


class KeptPolicy(models.Model):
    """That a policy is kept in a file of the source, or was."""

    policy = models.OneToOneField("policies.Policy", models.CASCADE, primary_key=True, related_name="kept")
    source = models.ForeignKey(PolicySource, models.CASCADE, related_name="kept")
    path = models.CharField(max_length=1000)
    line = models.PositiveIntegerField(default=1)
    commit = models.CharField(max_length=64)  # in which the file was last seen
    standing = models.CharField(max_length=20, choices=Kept.choices, default=Kept.KEPT)

    def __str__(self) -> str:
        return f"{self.policy} in {self.path}"


class SourceReview(models.Model):
    """What one commit of a pull request would make of the policies, were it merged. Nothing of it is taken.

    `found`: {changes, files, untested}, where `changes` is a list of {policy, change, path, line} and `files` is as in PolicySource,
    with the broken ones alone; `failures`: what is wrong with tests, a list of {policy, test, path, line, text}.
    """

    id = UlidField()
    source = models.ForeignKey(PolicySource, models.CASCADE, related_name="reviews")
    pull_request = models.ForeignKey(PullRequest, models.CASCADE, related_name="policy_reviews")
    commit = models.CharField(max_length=64)
    state = models.CharField(
        max_length=20, choices=[(s, s) for s in EvaluationState], default=EvaluationState.QUEUED
    )
    problem = models.TextField(blank=True)  # why there is no verdict
    found = models.JSONField(default=dict)
    trial = models.ForeignKey("policies.Trial", models.SET_NULL, null=True, related_name="reviews")
    failures = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "pull_request", "commit"], name="one_review_of_a_commit"
            )
        ]
        indexes = [models.Index(fields=["created_at"], name="source_review_age")]

    def __str__(self) -> str:
        return f"review of {self.commit[:10]} {self.state}"

    @property
    def broken(self) -> list[dict[str, Any]]:
        """The files with something wrong."""
        files: list[dict[str, Any]] = self.found.get("files", [])
        return files

    @property
    def changes(self) -> list[dict[str, Any]]:
        """The policies that it would make, change or leave without a file."""
        changes: list[dict[str, Any]] = self.found.get("changes", [])
        return changes
