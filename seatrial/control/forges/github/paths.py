"""Where repositories are in GitHub's API."""

from urllib.parse import quote

from seatrial.control.projects.models import Project


def of_name(full_name: str) -> str:
    """The address of the repository of this name."""
    return f"/repos/{quote(full_name, safe='/')}"


def of_project(project: Project) -> str:
    """The address of the project's repository."""
    return of_name(project.full_name)
