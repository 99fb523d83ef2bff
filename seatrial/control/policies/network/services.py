"""Permitting the network to policies, and forbidding it again; what happens to those that ask in vain."""

from django.conf import settings
from django.db import transaction
from django.db.models import Prefetch

from seatrial.control.accounts.models import Workspace
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.policies.models import Evaluation, NetworkPermission, Policy, PolicyVersion, Result
from seatrial.wire.states import ResultState


@transaction.atomic
def permit(workspace: Workspace, *, by: Actor) -> None:
    """From now on, policies of the workspace that ask for the network get it, where an agent gives one. Idempotent."""
    _, made = NetworkPermission.objects.get_or_create(workspace=workspace, defaults={"by": str(by)[:200]})
    if made:
        _record("workspace.permit_network", workspace, by)


@transaction.atomic
def forbid(workspace: Workspace, *, by: Actor) -> None:
    """From now on, policies that ask for the network are errored. Idempotent. What an agent has been asked for goes on."""
    deleted, _ = NetworkPermission.objects.filter(workspace=workspace).delete()
    if deleted:
        _record("workspace.forbid_network", workspace, by)


def asking(workspace: Workspace) -> list[Policy]:
    """The workspace's policies whose newest version asks for the network."""
    newest = Prefetch("versions", PolicyVersion.objects.order_by("-number"))
    policies = Policy.objects.filter(workspace=workspace).order_by("name").prefetch_related(newest)
    return [policy for policy in policies if any(version.network for version in policy.versions.all()[:1])]


def withhold_network(evaluation: Evaluation) -> None:
    """Error the policies of `evaluation` that ask for the network, if their workspace does not permit it. The caller has locked the
    evaluation's row."""
    workspace = evaluation.project.workspace
    if NetworkPermission.objects.filter(workspace=workspace).exists():
        return
    versions = evaluation.versions.filter(network=True).exclude(results__evaluation=evaluation)
    why = (
        f"asks for the network, which the workspace {workspace.name} does not permit. Its admins and owners can, on "
        f"{settings.SITE_URL}/policies/network"
    )
    Result.objects.bulk_create(
        Result(evaluation=evaluation, version=version, state=ResultState.ERRORED, message=why)
        for version in versions
    )


def _record(action: str, workspace: Workspace, by: Actor) -> None:
    audit.record(action, f"workspace/{workspace.pk}", by=by, workspace=workspace.pk)
