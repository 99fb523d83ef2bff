"""Which policies run in an evaluation, and how much each weighs there. Three queries, however many policies and projects there are."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from seatrial.control.policies.criteria import check_criteria
from seatrial.control.policies.errors import BadCriteria
from seatrial.control.policies.models import Attachment, Policy, PolicyVersion
from seatrial.control.policies.refs import which_apply
from seatrial.control.policies.rollout.reaching import Reach, Standing, nearness, standing
from seatrial.control.projects.models import Project
from seatrial.wire.states import Level
from seatrial.wire.words import EventKind


@dataclass
class Selection:
    """The newest version of every policy that runs. `broken`: those with unusable criteria, and what is wrong."""

    versions: list[PolicyVersion] = field(default_factory=list)
    broken: list[tuple[PolicyVersion, str]] = field(default_factory=list)
    standings: dict[str, Standing] = field(default_factory=dict)  # by the version's id

    @property
    def all(self) -> list[PolicyVersion]:
        """Every version that gets a result in the evaluation."""
        return [*self.versions, *(version for version, _ in self.broken)]

    @property
    def levels(self) -> dict[str, str]:
        """By the version's id."""
        return {version.pk: self.standings[version.pk].level for version in self.all}

    @property
    def begins(self) -> dict[str, str]:
        """By the version's id, of those that gate later."""
        later = {version.pk: self.standings[version.pk].begins for version in self.all}
        return {key: begins.isoformat() for key, begins in later.items() if begins is not None}


def choose(project: Project, *, event: EventKind, ref: str, asked_at: datetime) -> Selection:
    """`asked_at`: when the pull request was opened, or now for what is none. A preview is looked at by live policies, and everything
    else by all others. Raises NotMatchedYet."""
    selection = Selection()
    reaching = _reaches(project)
    expressions: dict[str, str] = {}  # by the version's id
    for version in _newest(project):
        if version.live != (event == EventKind.PREVIEW):
            continue
        stands = standing(Level(version.policy.level), reaching.get(version.policy_id, ()), asked_at=asked_at)
        if stands is None:
            continue
        try:
            criteria = check_criteria(version.policy.criteria)
        except BadCriteria as error:
            selection.broken.append((version, str(error)))
        else:
            if not criteria.apply_to(event):
                continue
            selection.versions.append(version)
            expressions[version.pk] = criteria.ref
        selection.standings[version.pk] = stands
    applying = which_apply(expressions.values(), ref)
    selection.versions = [one for one in selection.versions if expressions[one.pk] in applying]
    return selection


def level_in(project: Project, policy: Policy, *, asked_at: datetime) -> Level | None:
    """How much the policy weighs in the project; None: it does not run there."""
    stands = standing(
        Level(policy.level), _reaches(project, policy=policy).get(policy.pk, ()), asked_at=asked_at
    )
    return stands.level if stands is not None else None


def running_in(project: Project, *, asked_at: datetime) -> list[tuple[Policy, Standing]]:
    """Every policy that runs in the project, whatever its criteria are, and how much it weighs there; by name."""
    reaches = _reaches(project)
    rows = Policy.objects.filter(workspace=project.workspace_id, enabled=True).exclude(level=Level.DRAFT)
    found = [
        (policy, standing(Level(policy.level), reaches.get(policy.pk, ()), asked_at=asked_at))
        for policy in rows.select_related("workspace").order_by("name", "slug")
    ]
    return [(policy, stands) for policy, stands in found if stands is not None]


def _newest(project: Project) -> QuerySet[PolicyVersion]:
    """Without its code, which nobody reads before the job is made."""
    rows = PolicyVersion.objects.filter(policy__workspace=project.workspace_id, policy__enabled=True)
    rows = rows.exclude(policy__level=Level.DRAFT).select_related("policy").defer("code")
    return rows.order_by("policy__slug", "-number").distinct("policy__slug")


def _reaches(project: Project, **of: Policy) -> Mapping[str, list[Reach]]:
    """By the policy's id: the attachments that name the project."""
    rows = Attachment.objects.filter(policy__workspace=project.workspace_id, **of)
    named = Q(everything=True) | Q(project=project) | Q(label__in=project.labels)
    if project.stack:
        named |= Q(stack=project.stack)
    found: defaultdict[str, list[Reach]] = defaultdict(list)
    for row in rows.filter(named):
        found[row.policy_id].append(reach_of(row))
    return found


def reaches(attachments: Iterable[Attachment], project: Project) -> bool:
    """Whether the policy that has these attachments runs in the project, once its level lets it run anywhere."""
    named = [reach_of(row) for row in attachments if names(row, project)]
    return standing(Level.SOFT, named, asked_at=timezone.now()) is not None


def names(row: Attachment, project: Project) -> bool:
    """Whether the attachment is about the project, if only to exclude it."""
    of_group = row.label in project.labels or bool(row.stack and row.stack == project.stack)
    return row.everything or row.project_id == project.pk or of_group


def reach_of(row: Attachment) -> Reach:
    """The attachment as a value."""
    return Reach(
        nearness(everything=row.everything, label=row.label, stack=row.stack, project=row.project_id or ""),
        excluded=row.excluded,
        level=Level(row.level) if row.level else None,
        starts_at=row.starts_at,
    )
