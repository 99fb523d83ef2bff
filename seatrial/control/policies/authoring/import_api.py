"""REST: importing policies from files."""

from typing import Annotated

from django.http import HttpRequest
from ninja import Path, Router, Schema
from pydantic import Field

from seatrial.control.accounts.authentication import actor, person
from seatrial.control.policies.authoring.api import REFUSED
from seatrial.control.policies.authoring.finding import managed
from seatrial.control.policies.authoring.importing import MOST_FILES, import_files

router = Router(tags=["policies"])
WorkspaceSlug = Annotated[str, Path(description="Slug of a workspace that you are in.")]


class FileWanted(Schema):
    """A file to import."""

    name: str = Field(
        max_length=200,
        description="Its name: what it ends with says what it is (.py, .yaml, .yml, .md, .json).",
    )
    text: str = Field(description="What is in it.")


class ImportWanted(Schema):
    """Files to import."""

    files: list[FileWanted] = Field(
        max_length=MOST_FILES,
        description="Python files of policies, and standards and packs of GitGrit in YAML.",
    )


class BrokenAnswer(Schema):
    """One thing that is wrong in a file, and was not taken."""

    file: str = Field(description="The file's name.")
    line: int = Field(description="The line, from 1; 0: it is about the whole file.")
    key: str = Field(description="The key whose value is wrong; empty if it is about none.")
    text: str = Field(description="What is wrong, and the fix, for people.")


class ImportAnswer(Schema):
    """What came of an import."""

    created: list[str] = Field(description="Slugs of new policies, which are drafts.")
    changed: list[str] = Field(description="Slugs of policies that got a new version.")
    unchanged: list[str] = Field(description="Slugs of policies whose newest version is the same already.")
    broken: list[BrokenAnswer] = Field(description="Everything that is wrong; what is there was not taken.")


@router.post(
    "/workspaces/{workspace}/policies/import",
    response={200: ImportAnswer, **REFUSED},
    summary="Import policies from files",
)
def import_policies(request: HttpRequest, workspace: WorkspaceSlug, wanted: ImportWanted) -> ImportAnswer:
    """It takes the role admin. What is broken is said; everything else is taken. The same file twice makes no new version."""
    files = [(one.name, one.text) for one in wanted.files]
    outcome = import_files(managed(person(request), workspace), files, by=actor(request))
    return ImportAnswer(
        created=outcome.created,
        changed=outcome.changed,
        unchanged=outcome.unchanged,
        broken=[
            BrokenAnswer(file=one.file, line=one.line, key=one.key, text=one.text) for one in outcome.broken
        ],
    )
