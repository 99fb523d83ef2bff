"""Which recipes a project has, and what the preview of a pull request by each of them is called.

The first one is the project's own, known as "" wherever its folder is: so it can move, and its previews keep their names,
their data and the names that branch protection may require. A further recipe is known by its folder.
"""

from collections.abc import Sequence

from seatrial.control.projects.models import Project, PullRequest
from seatrial.wire.hostnames import environment_name, hashed, slugs

FIRST = ""


def recipes(project: Project) -> Sequence[str]:
    """All of the project's, the first one first."""
    return [FIRST, *project.further_recipes]


def folder(project: Project, recipe: str) -> str:
    """Where in the repository it is; empty: at the root."""
    return project.recipe_folder if recipe == FIRST else recipe


def names(pull_request: PullRequest, recipe: str, *ends: str) -> list[str]:
    """The names that its preview may have, the best one first, then one for each of `ends`.

    Two recipes of a project have no name in common, however much their folders look alike.
    """
    project, number = pull_request.project, pull_request.number
    own = slugs([*project.further_recipes, recipe]).get(recipe, "") if recipe != FIRST else ""
    repositories = [project.slug, *(f"{project.slug}-{hashed(end)}" for end in ends)]
    return [environment_name(number, repository, own) for repository in repositories]
