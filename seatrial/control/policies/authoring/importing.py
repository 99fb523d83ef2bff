"""Takes policies from files into a workspace. What is broken is said; everything else is taken."""

from dataclasses import dataclass, field

from django.db import transaction

from seatrial.control.accounts.models import Workspace
from seatrial.control.audit.actors import Actor
from seatrial.control.policies.authoring.parameters import carried
from seatrial.control.policies.authoring.standards import Broken, Standard, found_in
from seatrial.control.policies.authoring.writing import add_version, locked, record, require_here
from seatrial.control.policies.errors import KeptInGit
from seatrial.control.policies.models import Policy
from seatrial.wire.states import Level

MOST_FILES = 500
MOST_TEXT = 5_000_000  # characters of all files together


@dataclass
class Imported:
    """What came of it, by the policies' slugs."""

    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)


@transaction.atomic
def import_files(workspace: Workspace, files: list[tuple[str, str]], *, by: Actor) -> Imported:
    """Make a policy, or a new version of one, of everything in `files`, as (name, text). Idempotent: the same file makes nothing twice.

    New policies are drafts. A policy that is there gets a new version if its code differs; its level, its parameters and whether it is
    switched on stay.
    """
    if said := too_much(files):
        return Imported(broken=[Broken("", 0, "", said)])
    found = found_in(files)
    outcome = Imported(broken=sorted(found.broken, key=lambda one: (one.file, one.line)))
    for one in sorted(found.standards, key=lambda one: one.draft.slug):
        try:
            said = take(workspace, one, by=by, author=str(by), note=f"Imported from {one.file}", kept=True)
        except KeptInGit as error:
            outcome.broken.append(Broken(one.file, one.line, "", str(error)))
        else:
            getattr(outcome, said).append(one.draft.slug)
    return outcome


def too_much(files: list[tuple[str, str]]) -> str:
    """Why so much is not read at once; empty if it is."""
    total = sum(len(text) for _, text in files)
    if len(files) > MOST_FILES:
        return f"{len(files)} files are too many: import {MOST_FILES} at a time"
    return f"{total:,} characters are too many: import {MOST_TEXT:,} at a time" if total > MOST_TEXT else ""


def take(
    workspace: Workspace, one: Standard, *, by: Actor, author: str, note: str, kept: bool = False
) -> str:
    """Make a policy of it, or a version of the one that is there, or nothing: returns created, changed or unchanged.

    With `kept`, raises KeptInGit for a policy whose file in git decides.
    """
    draft = one.draft
    policy, made = Policy.objects.get_or_create(
        workspace=workspace,
        slug=draft.slug,
        defaults={"name": draft.name, "criteria": draft.criteria, "pack": one.pack, "level": Level.DRAFT},
    )
    if made:
        add_version(policy, draft, params=draft.params, author=author, note=note)
        record("policy.import", policy, by, file=one.file, version=1)
        return "created"
    policy, newest = locked(policy)
    if kept:
        require_here(policy)
    if newest.digest == draft.digest:
        return "unchanged"
    version = add_version(policy, draft, params=carried(newest, draft.params), author=author, note=note)
    record("policy.import", policy, by, file=one.file, version=version.number)
    return "changed"
