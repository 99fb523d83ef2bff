"""What can go wrong with projects.

ProjectError
├── ProjectContended   others make projects at the same moment: try again
├── EmptySecret        an empty webhook secret, with which no delivery is accepted
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


class EmptySecret(ProjectError):
    """A webhook secret has at least one character."""

    code = "empty_secret"
    status = 400

    def __init__(self) -> None:
        super().__init__("A webhook secret cannot be empty: without one no delivery is accepted.")


class BadTimeToLive(ProjectError):
    """A time to live that no preview can have."""

    code = "bad_time_to_live"
    status = 400

    def __init__(self, hours: int, most: int) -> None:
        super().__init__(f"A preview lives between 1 and {most:,} hours without a new commit, not {hours}.")
