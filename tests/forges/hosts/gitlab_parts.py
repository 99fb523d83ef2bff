"""What the parts of the fake GitLab share."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from tests.forges.hosts.operations import Answering
from tests.forges.hosts.site import Hosted, Person, Pull, Site

ELSEWHERE = "https://gitlab.corp.test"  # as it knows itself
PROJECT = "/projects/{id}"
MERGE = f"{PROJECT}/merge_requests/{{iid}}"


class Part(Site):
    """Some operations of GitLab's API. `find` raises Gone and Refused, as the operations may."""

    @abstractmethod
    def find(self, person: Person, parts: dict[str, str], role: str = "read") -> Hosted:
        """The project, if the person's role there is at least `role`. Others see nothing."""

    @abstractmethod
    def find_pull(self, person: Person, parts: dict[str, str]) -> Pull:
        """The merge request."""

    @abstractmethod
    def check_commit(self, hosted: Hosted, sha: str) -> None:
        """Gone for a commit that is not there."""

    @abstractmethod
    def author(self, login: str) -> dict[str, Any]:
        """Somebody, as they are named in other things."""

    def of_part(self) -> Mapping[str, Answering]:
        """The operations, with those of the parts behind this one."""
        return {}


def state_of(pull: Pull) -> str:
    """The state of a merge request, in GitLab's words."""
    return "merged" if pull.merged else {"open": "opened"}.get(pull.state, pull.state)
