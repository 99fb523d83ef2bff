"""Making policies and versions of them. Whatever is wrong is said, and nothing of it is saved.

A version is only ever added: its number is one more than the newest's, and nothing that exists changes. Everything here takes the
policy's row first, so of two people who save at once, the second is told what the first one made.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from seatrial.control.accounts.models import Workspace
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.policies import packs
from seatrial.control.policies.authoring.parameters import carried, checked, defaults_of
from seatrial.control.policies.authoring.reading import read
from seatrial.control.policies.errors import KeptInGit, NoSuchVersion, NotNewest, SlugTaken
from seatrial.control.policies.models import Policy, PolicyVersion
from seatrial.control.policies.packs import PackedPolicy
from seatrial.control.policies.source.models import Kept, KeptPolicy
from seatrial.wire.states import Level


@transaction.atomic
def create(workspace: Workspace, slug: str, code: str, *, by: Actor, note: str = "") -> Policy:
    """A policy with its first version. It is a draft until somebody raises its level. Raises BadPolicy, SlugTaken."""
    draft = read(slug, code)
    policy, made = Policy.objects.get_or_create(
        workspace=workspace,
        slug=slug,
        defaults={"name": draft.name, "criteria": draft.criteria, "level": Level.DRAFT},
    )
    if not made:
        raise SlugTaken(f"{workspace.name} has a policy {slug}. Choose another slug, or change that policy")
    add_version(policy, draft, params=draft.params, author=str(by), note=note)
    record("policy.create", policy, by, version=1)
    return policy


@transaction.atomic
def edit(policy: Policy, code: str, *, based_on: int, by: Actor, note: str = "") -> PolicyVersion:
    """A new version with this code, made from version `based_on`; without a change, the newest one is returned.

    Parameters that people set are kept, as far as the new code has them. Raises BadPolicy, NotNewest, KeptInGit.
    """
    policy, newest = locked(policy)
    require_here(policy)
    draft = read(policy.slug, code)
    if draft.digest == newest.digest:
        return newest
    require_newest(newest, based_on)
    version = add_version(policy, draft, params=carried(newest, draft.params), author=str(by), note=note)
    record("policy.edit", policy, by, version=version.number, note=note)
    return version


@transaction.atomic
def set_params(policy: Policy, params: Mapping[str, Any], *, based_on: int, by: Actor) -> PolicyVersion:
    """A new version with the same code and these parameters; those that are not named stay. Raises BadParameters, NotNewest."""
    policy, newest = locked(policy)
    wanted = checked(defaults_of(newest), {**packs.changed(newest), **params})
    if wanted == newest.params:
        return newest
    require_newest(newest, based_on)
    differing = sorted(key for key in wanted if wanted[key] != newest.params.get(key))
    draft = read(policy.slug, newest.code)
    note = f"Sets {', '.join(differing)}"[:500]
    version = add_version(policy, draft, params=wanted, author=str(by), note=note)
    record("policy.set_params", policy, by, version=version.number, params=differing)
    return version


@transaction.atomic
def revert(policy: Policy, number: int, *, based_on: int, by: Actor, note: str = "") -> PolicyVersion:
    """A new version with the code and the parameters of version `number`. Raises NoSuchVersion, NotNewest, BadPolicy, KeptInGit."""
    policy, newest = locked(policy)
    require_here(policy)
    old = version_of(policy, number)
    if (old.digest, old.params) == (newest.digest, newest.params):
        return newest
    require_newest(newest, based_on)
    draft = read(policy.slug, old.code)
    why = f"Brings back version {number}{': ' + note if note else ''}"[:500]
    version = add_version(policy, draft, params=old.params, author=str(by), note=why)
    record("policy.revert", policy, by, version=version.number, to=number, note=note)
    return version


@transaction.atomic
def switch(policy: Policy, *, enabled: bool, by: Actor) -> Policy:
    """Whether it runs, from the next evaluation on. Idempotent."""
    row = Policy.objects.select_for_update(no_key=True).get(pk=policy.pk)
    if row.enabled != enabled:
        row.enabled = enabled
        row.save(update_fields=["enabled"])
        record("policy.enable" if enabled else "policy.disable", row, by)
    return row


def add_version(
    policy: Policy, draft: PackedPolicy, *, params: Mapping[str, Any], author: str, note: str = ""
) -> PolicyVersion:
    """The next version, from a draft that was read. The caller has the policy's row, or has just made it.

    Name and criteria follow the code, unless people changed them.
    """
    newest = policy.versions.order_by("-number").first()
    if newest is not None:
        before = packs.stored(newest)
        if policy.name == before.name:
            policy.name = draft.name
        if policy.criteria == before.criteria:
            policy.criteria = draft.criteria
        policy.save(update_fields=["name", "criteria"])
    return PolicyVersion.objects.create(
        policy=policy,
        number=newest.number + 1 if newest else 1,
        description=draft.description,
        code=draft.code,
        digest=draft.digest,
        network=draft.network,
        live=draft.live,
        tests=draft.tests,
        params=dict(params),
        author=author[:200],
        note=note[:500],
    )


def locked(policy: Policy) -> tuple[Policy, PolicyVersion]:
    """The policy's row, which is the caller's until its transaction ends, and the newest version."""
    row = Policy.objects.select_for_update(no_key=True).get(pk=policy.pk)
    return row, newest_of_row(row)


def newest_of_row(policy: Policy) -> PolicyVersion:
    """Raises NoSuchVersion."""
    newest = PolicyVersion.objects.filter(policy=policy).select_related("policy").order_by("-number").first()
    if newest is None:
        raise NoSuchVersion(policy.slug, 1)
    return newest


def version_of(policy: Policy, number: int) -> PolicyVersion:
    """Raises NoSuchVersion."""
    rows = PolicyVersion.objects.filter(policy=policy, number=min(max(number, 0), 2**31 - 1))
    version = rows.select_related("policy").first()
    if version is None:
        raise NoSuchVersion(policy.slug, number)
    return version


def require_newest(newest: PolicyVersion, based_on: int) -> None:
    """Return when nobody made a version since `based_on`; else raise NotNewest."""
    if newest.number != based_on:
        raise NotNewest(based_on, newest.number, newest.author)


def kept_at(policy: Policy) -> KeptPolicy | None:
    """The file in git that decides what the policy is; None: people do, here."""
    rows = KeptPolicy.objects.filter(policy=policy, standing=Kept.KEPT)
    return rows.select_related("source__project").first()


def require_here(policy: Policy) -> None:
    """Return unless a file in git decides what the policy is. Raises KeptInGit."""
    kept = kept_at(policy)
    if kept is not None:
        raise KeptInGit(
            f"Nothing was saved: {policy.slug} is kept in git, in {kept.path} of {kept.source.project.slug}, branch {kept.source.branch}. "
            "Change it there, or take it over into the editor first."
        )


def record(action: str, policy: Policy, by: Actor, **details: Any) -> None:
    """In the audit log."""
    given = {name: value for name, value in details.items() if value != ""}
    audit.record(
        action,
        f"policy/{policy.pk}",
        by=by,
        workspace=policy.workspace_id,
        details={"policy": policy.slug, **given},
    )
