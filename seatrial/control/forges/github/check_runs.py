"""Makes and changes check runs at GitHub."""

from collections.abc import Iterator, Sequence
from datetime import UTC
from urllib.parse import quote

from seatrial.control.forges.github.answers import CheckRunAnswer
from seatrial.control.forges.github.checks import CheckRun, Conclusion, Status, body, output
from seatrial.control.forges.github.client import GitHubClient
from seatrial.control.forges.protocol import Annotation

AT_ONCE = 50  # annotations that GitHub takes in one request


class CheckRuns:
    """The check runs of one App. Thread-safe. Nobody shows the same name on the same commit at the same time.

    Every run that GitHub shows as ours ends: when one is shown, all others of its name and commit are ended that are not,
    such as an older one that somebody asked to run again, which GitHub then shows as queued.
    """

    def __init__(self, client: GitHubClient, app_id: int) -> None:
        self._client = client
        self._app_id = app_id

    def show(self, repository: str, run: CheckRun) -> None:
        """Make `run`, or change the one that is there. Idempotent, also after a call that broke off half-way.

        GitHub never removes an annotation: how many it has says which were sent. A completed run stays as it is: what
        begins anew is a run of its own, which GitHub shows in its place.
        """
        ours = self._ours(repository, run)
        known = max(ours, key=lambda one: one.id, default=None)
        for one in ours:
            if one.status != Status.COMPLETED and (one is not known or one.external_id != run.identity):
                self._replaced(repository, one, known, run)
        if known is None or known.external_id != run.identity or _begins_anew(known, run):
            first, *rest = _batches(run.annotations)
            made = self._client.send(
                "POST",
                f"{repository}/check-runs",
                {"head_sha": run.commit, **body(run, first)},
                CheckRunAnswer,
            )
            self._add(repository, made.id, run, rest)
            return
        first, *rest = _batches(run.annotations[known.output.annotations_count :])
        if not first and _shows(known, run):
            return
        path = f"{repository}/check-runs/{known.id}"
        self._client.send("PATCH", path, body(run, first), CheckRunAnswer)
        self._add(repository, known.id, run, rest)

    def _ours(self, repository: str, run: CheckRun) -> list[CheckRunAnswer]:
        """All of the name and the commit of `run`."""
        path = f"{repository}/commits/{quote(run.commit, safe='')}/check-runs"
        found = self._client.pages(
            path,
            CheckRunAnswer,
            key="check_runs",
            check_name=run.name,
            app_id=str(self._app_id),
            filter="all",
        )
        return [one for one in found if one.app is not None and one.app.id == self._app_id]

    def _replaced(
        self, repository: str, one: CheckRunAnswer, newest: CheckRunAnswer | None, run: CheckRun
    ) -> None:
        """End a run that another of the same name and commit replaced: nobody will report on it.

        It ended before the newest began, whenever we say so: to GitHub, the run that was completed last is the latest one.
        """
        ended: dict[str, object] = {
            "status": Status.COMPLETED,
            "conclusion": Conclusion.NEUTRAL,
            "details_url": run.details_url,
            "output": {"title": "Replaced", "summary": f"Superseded by [a newer run]({run.details_url})."},
        }
        if newest is not None and newest is not one and newest.started_at is not None:
            ended["completed_at"] = newest.started_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._client.send("PATCH", f"{repository}/check-runs/{one.id}", ended, CheckRunAnswer)

    def _add(
        self, repository: str, identity: int, run: CheckRun, batches: Sequence[Sequence[Annotation]]
    ) -> None:
        for batch in batches:
            path = f"{repository}/check-runs/{identity}"
            self._client.send("PATCH", path, {"output": output(run, batch)}, CheckRunAnswer)


def _batches(annotations: Sequence[Annotation]) -> list[Sequence[Annotation]]:
    """At least one, which may be empty."""
    return list(_cut(annotations)) or [()]


def _cut(annotations: Sequence[Annotation]) -> Iterator[Sequence[Annotation]]:
    for start in range(0, len(annotations), AT_ONCE):
        yield annotations[start : start + AT_ONCE]


def _begins_anew(known: CheckRunAnswer, run: CheckRun) -> bool:
    return known.status == Status.COMPLETED and run.status is not Status.COMPLETED


def _shows(known: CheckRunAnswer, run: CheckRun) -> bool:
    """Whether GitHub shows it already."""
    return (
        known.status,
        known.conclusion or None,
        known.details_url,
        known.output.title,
        known.output.summary,
    ) == (run.status, run.conclusion, run.details_url, run.title, run.summary)
