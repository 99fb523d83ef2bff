"""What can go wrong with projects.

ProjectError
├── ProjectContended   others make projects at the same moment: try again
├── ProjectArchived    nothing is done for a project that is archived
├── WrongName          the name that was typed to confirm a removal is another one
├── EmptySecret        an empty webhook secret, with which no delivery is accepted
├── BadName            a project cannot be called that
├── BadFolder          there can be no such folder in a repository
├── BadRecipes         these folders cannot be the recipes of one project
├── BadLabel           a label or a stack is not written like that, or there are too many
├── BadRescan          there is no such time to re-scan a project
├── BadSleep           previews cannot be paused or stopped then
└── BadTimeToLive      previews cannot live so long, or so short
"""

from seatrial.control.errors import ControlError


class ProjectError(ControlError):
    """A project cannot be made or found."""

    code = "project_error"
    status = 409


class ProjectContended(ProjectError):
    """Others took its name again and again, between our query and our insert."""

    code = "project_contended"
    status = 503

    def __init__(self, external_id: str) -> None:
        super().__init__(
            f"The project {external_id} could not be made: others make projects at the same time. Ask again."
        )


class ProjectArchived(ProjectError):
    """The project is archived: it gets no previews and no evaluations."""

    code = "project_archived"

    def __init__(self, name: str) -> None:
        super().__init__(f"The project {name} is archived. Restore it on its settings page first.")


class WrongName(ProjectError):
    """What was typed to confirm a removal is not the name of what is to be removed."""

    code = "wrong_name"
    status = 400

    def __init__(self, name: str) -> None:
        super().__init__(f"Nothing was removed. To remove it, type its name exactly: {name}")


class EmptySecret(ProjectError):
    """A webhook secret has at least one character."""

    code = "empty_secret"
    status = 400

    def __init__(self) -> None:
        super().__init__("A webhook secret cannot be empty: without one no delivery is accepted.")


class BadName(ProjectError):
    """A name that no project can have."""

    code = "bad_name"
    status = 400

    def __init__(self, most: int) -> None:
        super().__init__(f"A project's name has 1 to {most} characters.")


class BadTimeToLive(ProjectError):
    """A time to live that no preview can have."""

    code = "bad_time_to_live"
    status = 400

    def __init__(self, hours: int, most: int) -> None:
        super().__init__(f"A preview lives between 1 and {most:,} hours without a new commit, not {hours}.")


class BadFolder(ProjectError):
    """There can be no such folder in a repository."""

    code = "bad_folder"
    status = 400

    def __init__(self, given: str) -> None:
        super().__init__(
            f"A recipe folder is a path from the repository's root, such as services/shop, not {given}."
        )


class BadRecipes(ProjectError):
    """Folders that cannot be the recipes of one project."""

    code = "bad_recipes"
    status = 400


class BadSleep(ProjectError):
    """Ages at which no preview can fall asleep."""

    code = "bad_sleep"
    status = 400


class BadQuota(ProjectError):
    """A quota that no project can have."""

    code = "bad_quota"
    status = 400


class BadLabel(ProjectError):
    """A label or a stack that no project can have."""

    code = "bad_label"
    status = 400


class BadRescan(ProjectError):
    """When a project is re-scanned is not said like that."""

    code = "bad_rescan"
    status = 400
