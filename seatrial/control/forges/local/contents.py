"""The files of a repository on this machine, by git itself."""

from collections.abc import Iterable

from seatrial.control.forges.local.git import Repository


class LocalContents:
    """See `forges.contents.Contents`. What is not committed to the branch does not exist here."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def tip(self, branch: str) -> str:
        """The branch's newest commit."""
        return self._repository.head(branch)

    def files(self, commit: str, folder: str) -> dict[str, str]:
        """By git's list of the commit's tree."""
        return self._repository.files(commit, folder)

    def texts(self, ids: Iterable[str]) -> dict[str, str]:
        """One after the other."""
        return {one: self._repository.text(one) for one in ids}

    def follows(self, commit: str, earlier: str) -> bool:
        """By the whole history."""
        return self._repository.is_ancestor(earlier, commit)
