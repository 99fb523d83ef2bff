"""Policies as programs see them."""

from datetime import datetime
from typing import Any

from django.conf import settings
from ninja import Field, Schema

from seatrial.control.policies.authoring.finding import newest_of
from seatrial.control.policies.authoring.shelf import Shelf, Standing
from seatrial.control.policies.models import Policy, PolicyVersion


class PolicyAnswer(Schema):
    """One policy, as its newest version is."""

    id: str = Field(description="Its id.")
    workspace: str = Field(description="The slug of its workspace.")
    slug: str = Field(description="Its name in addresses, commands and results.")
    name: str = Field(description="What it is called.")
    description: str = Field(description="What it demands, and of what: the text at the top of its file.")
    pack: str = Field(description="The pack that it came with; empty if people wrote it.")
    enabled: bool = Field(description="Whether it is switched on.")
    level: str = Field(description="draft, advisory, soft or hard: what its failures do to a check.")
    criteria: dict[str, Any] = Field(
        description="Which events, refs and languages it applies to; empty: all."
    )
    params: dict[str, Any] = Field(description="Its parameters, with the values that it is given.")
    network: bool = Field(description="Whether its author asks for the network.")
    live: bool = Field(description="Whether it looks at the running preview of a commit.")
    version: int = Field(description="The number of its newest version, which is the one that runs.")
    author: str = Field(description="Who made that version.")
    changed_at: datetime = Field(description="When.")
    page_url: str = Field(description="Its page on this server.")


class PolicyInFull(PolicyAnswer):
    """One policy with its code."""

    code: str = Field(description="The code of its newest version.")


class VersionAnswer(Schema):
    """One version of a policy. None of it ever changes."""

    number: int = Field(description="Its number: the first one is 1.")
    author: str = Field(description="Who made it.")
    made_at: datetime = Field(description="When.")
    note: str = Field(description="What it changes, and why; empty if nobody said.")
    digest: str = Field(description="SHA-256 of its code.")
    params: dict[str, Any] = Field(description="The parameters that it is given.")
    network: bool = Field(description="Whether it asks for the network.")
    live: bool = Field(description="Whether it looks at the running preview of a commit.")


class VersionInFull(VersionAnswer):
    """One version with its code."""

    code: str = Field(description="Its code.")


class DifferenceAnswer(Schema):
    """What is different between two versions."""

    before: int = Field(description="The number of the one.")
    after: int = Field(description="The number of the other.")
    diff: str = Field(description="Their code as a unified diff; empty if it is the same.")
    params: dict[str, list[Any]] = Field(
        description="Parameters that differ: the value of the one, and of the other."
    )


class PackedAnswer(Schema):
    """A policy of a pack."""

    slug: str = Field(description="Its slug.")
    name: str = Field(description="What it is called.")
    description: str = Field(description="What it demands, and of what.")
    state: Standing = Field(
        description="absent, installed, outdated (the pack has a newer version), changed (people changed it here) or "
        "taken (another policy has its slug)."
    )


class PackAnswer(Schema):
    """A pack, as one workspace has it."""

    slug: str = Field(description="Its slug.")
    name: str = Field(description="What it is called.")
    description: str = Field(description="What its policies are about.")
    policies: list[PackedAnswer] = Field(description="Its policies, by slug.")


def answer(row: Policy) -> PolicyAnswer:
    """The policy, which was found with its newest version."""
    return PolicyAnswer(**_of(row))


def in_full(row: Policy) -> PolicyInFull:
    """With its code."""
    return PolicyInFull(**_of(row), code=newest_of(row).code)


def version_answer(version: PolicyVersion) -> VersionAnswer:
    """One version."""
    return VersionAnswer(**_of_version(version))


def version_in_full(version: PolicyVersion) -> VersionInFull:
    """One version with its code."""
    return VersionInFull(**_of_version(version), code=version.code)


def pack_answer(shelf: Shelf) -> PackAnswer:
    """A pack, and what of it is installed."""
    policies = [
        PackedAnswer(
            slug=one.packed.slug, name=one.packed.name, description=one.packed.description, state=one.standing
        )
        for one in shelf.policies
    ]
    pack = shelf.pack
    return PackAnswer(slug=pack.slug, name=pack.name, description=pack.description, policies=policies)


def _of(row: Policy) -> dict[str, Any]:
    newest = newest_of(row)
    return {
        "id": row.pk,
        "workspace": row.workspace.slug,
        "slug": row.slug,
        "name": row.name,
        "description": newest.description,
        "pack": row.pack,
        "enabled": row.enabled,
        "level": row.level,
        "criteria": row.criteria,
        "params": newest.params,
        "network": newest.network,
        "live": newest.live,
        "version": newest.number,
        "author": newest.author,
        "changed_at": newest.created_at,
        "page_url": f"{settings.SITE_URL}/policies/{row.workspace.slug}/{row.slug}",
    }


def _of_version(version: PolicyVersion) -> dict[str, Any]:
    return {
        "number": version.number,
        "author": version.author,
        "made_at": version.created_at,
        "note": version.note,
        "digest": version.digest,
        "params": version.params,
        "network": version.network,
        "live": version.live,
    }
