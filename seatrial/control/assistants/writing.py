"""Saving a policy in one step, whether it is new or not."""

from typing import Annotated

from django.http import HttpRequest
from ninja import Query

from seatrial.control.accounts.access import visible
from seatrial.control.accounts.authentication import person
from seatrial.control.inputs import InvalidInput
from seatrial.control.policies.authoring import api as rest
from seatrial.control.policies.authoring.answers import PolicyInFull
from seatrial.control.policies.models import Policy

Workspace = Annotated[str, Query(description="The slug of its workspace.")]
Slug = Annotated[str, Query(description="Its name in addresses, commands and results.")]
Code = Annotated[str, Query(description="Its whole file.")]
Note = Annotated[str, Query(description="What changes, and why; it stands beside the version.")]
BasedOn = Annotated[
    int,
    Query(
        description="The `version` that this was made from, as get_policy says; 0: the policy is new. If it has a newer one, nothing is saved."
    ),
]


def save_policy(
    request: HttpRequest, workspace: Workspace, slug: Slug, code: Code, note: Note = "", based_on: BasedOn = 0
) -> PolicyInFull:
    """REST's own operations: one that is new is written, another gets its next version."""
    if based_on == 0:
        wanted = rest.PolicyWanted(workspace=workspace, slug=slug, code=code, note=note)
        return rest.create_policy(request, wanted)
    row = visible(person(request), Policy).filter(workspace__slug=workspace, slug=slug).first()
    if row is None:
        raise InvalidInput(f"{workspace} has no policy {slug}. To write a new one, leave based_on at 0.")
    return rest.edit_policy(
        request, row.pk, rest.VersionWanted(based_on=based_on, code=code, params=None, note=note)
    )
