"""What somebody enters who attaches a policy, or excludes projects from it."""

from datetime import UTC, datetime

from django import forms

from seatrial.control.policies.errors import BadAttachment
from seatrial.control.policies.models import Policy
from seatrial.control.policies.rollout.attaching import MOST_REASON, Target
from seatrial.control.projects.models import Project
from seatrial.wire.states import Level

ALL, LABEL, STACK, PROJECT = "all", "label", "stack", "project"
LEVELS = [("", "the policy's own"), *((one, one) for one in Level if one is not Level.DRAFT)]


class TargetForm(forms.Form):
    """Which projects are meant."""

    explains = True

    to = forms.ChoiceField(
        label="Projects",
        choices=[(ALL, "all projects"), (LABEL, "those with a label"), (STACK, "those of a stack"), (PROJECT, "one project")],
    )  # fmt: skip
    named = forms.CharField(
        label="Which",
        required=False,
        max_length=100,
        help_text="The label, the stack, or the project's name in addresses. Nothing for all projects.",
    )

    def target(self, policy: Policy) -> Target:
        """What was chosen. Raises BadAttachment."""
        to, named = self.cleaned_data["to"], self.cleaned_data["named"]
        return target_of(
            policy,
            everything=to == ALL,
            label=named if to == LABEL else "",
            stack=named if to == STACK else "",
            project=named if to == PROJECT else "",
        )


class AttachForm(TargetForm):
    """An attachment."""

    prefix = "attach"

    level = forms.ChoiceField(required=False, choices=LEVELS, help_text="How much it weighs there.")
    starts_on = forms.DateField(
        required=False,
        label="Starts on",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Advisory before that day (UTC), and for pull requests that were opened before it. Empty: at once.",
    )

    @property
    def starts_at(self) -> datetime | None:
        """The beginning of that day; None: at once."""
        day = self.cleaned_data["starts_on"]
        return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None


class ExcludeForm(TargetForm):
    """An exclusion."""

    prefix = "exclude"

    reason = forms.CharField(max_length=MOST_REASON, help_text="Shown wherever the policy is.")


def target_of(policy: Policy, *, everything: bool, label: str, stack: str, project: str) -> Target:
    """What these words name, of the policy's workspace. `project` is an id or a slug. Raises BadAttachment."""
    row = None
    if project:
        rows = Project.objects.filter(workspace=policy.workspace_id)
        row = rows.filter(pk=project).first() or rows.filter(slug=project).first()
        if row is None:
            raise BadAttachment(f"The workspace {policy.workspace.slug} has no project {project[:100]}.")
    return Target(everything, label.strip().lower(), stack.strip().lower(), row)
