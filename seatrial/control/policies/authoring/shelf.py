"""The packs as one workspace has them: what of each is installed, and what a newer release brought."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from django.db import transaction

from seatrial.control.accounts.models import Workspace
from seatrial.control.audit.actors import Actor
from seatrial.control.policies import packs
from seatrial.control.policies.authoring.finding import with_newest
from seatrial.control.policies.authoring.parameters import carried
from seatrial.control.policies.authoring.writing import add_version, kept_at, locked, record
from seatrial.control.policies.errors import NoSuchPack, NoSuchPolicy
from seatrial.control.policies.models import Policy, PolicyVersion
from seatrial.control.policies.packs import Pack, PackedPolicy
from seatrial.wire.states import Level


class Standing(StrEnum):
    """How a policy of a pack stands in a workspace."""

    ABSENT = "absent"
    INSTALLED = "installed"
    OUTDATED = "outdated"  # the pack has newer code than the version that it made here
    CHANGED = "changed"  # people made the newest version
    TAKEN = "taken"  # another policy has its slug


@dataclass(frozen=True)
class Shelved:
    """One policy of a pack, and the workspace's own, if it has it."""

    packed: PackedPolicy
    policy: Policy | None
    standing: Standing


@dataclass(frozen=True)
class Shelf:
    """One pack, for one workspace."""

    pack: Pack
    policies: list[Shelved]

    def count(self, *standings: Standing) -> int:
        """How many of its policies stand like this."""
        return sum(one.standing in standings for one in self.policies)

    @property
    def absent(self) -> int:
        """How many could be installed."""
        return self.count(Standing.ABSENT)

    @property
    def outdated(self) -> int:
        """How many could be updated."""
        return self.count(Standing.OUTDATED)

    @property
    def installed(self) -> int:
        """How many the workspace has, changed or not."""
        return self.count(Standing.INSTALLED, Standing.OUTDATED, Standing.CHANGED)


def shelves(workspace: Workspace) -> list[Shelf]:
    """All packs; a constant number of queries."""
    known = {row.slug: row for row in with_newest(Policy.objects.filter(workspace=workspace))}
    return [
        Shelf(pack, [_shelved(pack, packed, known.get(packed.slug)) for packed in pack.policies])
        for pack in packs.catalogue()
    ]


@transaction.atomic
def install(
    workspace: Workspace, pack: str, slugs: Collection[str] = (), *, by: Actor, replace: bool = False
) -> list[Policy]:
    """Give the workspace policies of a pack (without `slugs`, all), and newer code to those that the pack wrote; returns what changed.

    Those whose newest version people made are left as they are, unless to `replace` them is asked for; policies of others with the
    same slug always are, and those that are kept in git. What is new is advisory, so that it fails nobody's check before somebody has looked. Parameters, criteria, level
    and whether one is switched on stay. Idempotent. Raises NoSuchPack, NoSuchPolicy.
    """
    chosen = _chosen(pack, slugs)
    found = [_installed(workspace, pack, packed, by, replace) for packed in chosen]
    return [policy for policy in found if policy is not None]


def _chosen(pack: str, slugs: Collection[str]) -> list[PackedPolicy]:
    shelf = next((one for one in packs.catalogue() if one.slug == pack), None)
    if shelf is None:
        known = ", ".join(one.slug for one in packs.catalogue())
        raise NoSuchPack(f"there is no pack {pack}; there is: {known}")
    names = [one.slug for one in shelf.policies]
    for slug in slugs:
        if slug not in names:
            raise NoSuchPolicy(f"the pack {pack} has no policy {slug}; it has: {', '.join(names)}")
    return [one for one in shelf.policies if not slugs or one.slug in slugs]


def _installed(
    workspace: Workspace, pack: str, packed: PackedPolicy, by: Actor, replace: bool
) -> Policy | None:
    """The policy, if something changed."""
    policy, made = Policy.objects.get_or_create(
        workspace=workspace,
        slug=packed.slug,
        defaults={"name": packed.name, "pack": pack, "criteria": packed.criteria, "level": Level.ADVISORY},
    )
    if made:
        add_version(policy, packed, params=packed.params, author=author(pack))
        record("policy.install", policy, by, pack=pack)
        return policy
    policy, newest = locked(policy)
    if kept_at(policy) is not None:
        return None
    stands = _standing(pack, packed, policy, newest)
    if stands is not Standing.OUTDATED and not (replace and stands is Standing.CHANGED):
        return None
    version = add_version(policy, packed, params=carried(newest, packed.params), author=author(pack))
    record("policy.update", policy, by, pack=pack, version=version.number)
    return policy


def author(pack: str) -> str:
    """Whom a version of a pack is by. No person can be called that."""
    return f"pack {pack}"


def _shelved(pack: Pack, packed: PackedPolicy, policy: Policy | None) -> Shelved:
    newest = next(iter(getattr(policy, "newest_alone", [])), None)
    if policy is None or newest is None:
        return Shelved(packed, policy, Standing.ABSENT)
    return Shelved(packed, policy, _standing(pack.slug, packed, policy, newest))


def _standing(pack: str, packed: PackedPolicy, policy: Policy, newest: PolicyVersion) -> Standing:
    if policy.pack != pack:
        return Standing.TAKEN
    if newest.digest == packed.digest:
        return Standing.INSTALLED
    return Standing.OUTDATED if newest.author == author(pack) else Standing.CHANGED
