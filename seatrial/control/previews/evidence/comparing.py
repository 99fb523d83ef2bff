"""Two deployments beside each other: what differs in what they run, and how long each part took."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import prefetch_related_objects
from ninja import Field, Schema

from seatrial.control.accounts.access import Action, allowed, find_visible
from seatrial.control.accounts.models import User
from seatrial.control.errors import NotFound
from seatrial.control.previews.evidence.shown import ScreenshotAnswer, screenshots_of
from seatrial.control.previews.models import Deployment
from seatrial.control.projects.variables import given, tier_of

RELATED = ("environment__pull_request", "environment__project__workspace")


class SideAnswer(Schema):
    """One of the two deployments."""

    deployment: str = Field(description="Its id.")
    environment: str = Field(description="Id of its preview.")
    preview: str = Field(description="The preview's name.")
    commit: str = Field(description="The commit that it runs.")
    state: str = Field(description="queued, building, starting, live, failed, superseded or cancelled.")
    began_at: datetime = Field(description="When it began.")
    seconds: float | None = Field(
        description="From then until it was live, or ended; null while it is under way."
    )
    isolation: str = Field(description="What its containers run in; empty until it is known.")
    recipe_folder: str = Field(description="The folder where its recipe is; empty: the root.")
    image_bytes: int | None = Field(description="The size of all its images; null: unknown.")


class PhaseRow(Schema):
    """A phase, in both."""

    name: str = Field(description="checkout, recipe, build <service>, start, health or switch.")
    before: float | None = Field(description="Seconds in the earlier one; null: it has none, or lasts.")
    after: float | None = Field(description="Seconds in the later one; null as above.")


class ServiceSide(Schema):
    """A service, in one of the two."""

    kind: str = Field(description="web, api, worker, database, cache, queue or other.")
    known: bool = Field(
        description="Whether more than its kind is known: it was, once its deployment was ready."
    )
    image: str = Field(description="The image that its recipe names; empty: it is built.")
    image_bytes: int | None = Field(description="The size of its image; null: unknown.")
    ports: list[int] | None = Field(description="TCP ports that it listens on; null: unknown.")
    user: str | None = Field(description="Who it runs as, as it was written; null: unknown.")


class ServiceRow(Schema):
    """A service, in both."""

    name: str = Field(description="Its name.")
    before: ServiceSide | None = Field(description="In the earlier one; null: it is not there.")
    after: ServiceSide | None = Field(description="In the later one; null: it is not there.")
    differs: bool = Field(description="Whether anything of that differs but the size of its image.")


class VariableRow(Schema):
    """A variable, in both. Values are not told."""

    name: str = Field(description="Its name.")
    change: str = Field(description="added, removed or changed.")


class ComparisonAnswer(Schema):
    """Two deployments of one project."""

    before: SideAnswer = Field(description="The earlier one.")
    after: SideAnswer = Field(description="The later one.")
    commits: str = Field(description="The range of commits from one to the other, as git log takes it.")
    phases: list[PhaseRow] = Field(description="Every phase that one of them has, in order.")
    services: list[ServiceRow] = Field(description="Every service that one of them has.")
    variables: list[VariableRow] | None = Field(
        description="Variables that differ, by name; null for who may not look at variables."
    )
    screenshots_before: list[ScreenshotAnswer] = Field(description="Of the earlier one.")
    screenshots_after: list[ScreenshotAnswer] = Field(description="Of the later one.")


def find_pair(user: User, key: str, other: str) -> tuple[Deployment, Deployment]:
    """(the earlier, the later) of two deployments of one project that `user` may see; without `other`, the one before. Raises
    NotFound."""
    one = find_visible(user, Deployment, key, *RELATED)
    if other:
        two = find_visible(user, Deployment, other, *RELATED)
        if two.environment.project_id != one.environment.project_id:
            raise NotFound("These two deployments are of different projects: they cannot be compared.")
    else:
        earlier = Deployment.objects.filter(environment=one.environment_id, pk__lt=one.pk)
        found = earlier.select_related(*RELATED).order_by("-id").first()
        if found is None:
            raise NotFound("There is no deployment before this one. Say which one it is to be compared with.")
        two = found
    before, after = sorted((one, two), key=lambda row: row.pk)
    return before, after


def comparison(user: User, before: Deployment, after: Deployment) -> ComparisonAnswer:
    """What differs. A constant number of queries."""
    prefetch_related_objects([before, after], "phases")
    pictures = screenshots_of([before, after])
    return ComparisonAnswer(
        before=side(before),
        after=side(after),
        commits=f"{before.commit}..{after.commit}",
        phases=_phases(before, after),
        services=_services(before.services, after.services),
        variables=_variables(before, after) if allowed(user, Action.VIEW_VARIABLES, after) else None,
        screenshots_before=[one for one in pictures if one.deployment == before.pk],
        screenshots_after=[one for one in pictures if one.deployment == after.pk],
    )


def side(deployment: Deployment) -> SideAnswer:
    """One deployment by itself."""
    sizes: list[int | None] = [(one.get("facts") or {}).get("image_bytes") for one in deployment.services]
    ended = deployment.finished_at
    return SideAnswer(
        deployment=deployment.pk,
        environment=deployment.environment_id,
        preview=deployment.environment.name,
        commit=deployment.commit,
        state=deployment.state,
        began_at=deployment.created_at,
        seconds=(ended - deployment.created_at).total_seconds() if ended is not None else None,
        isolation=deployment.isolation,
        recipe_folder=deployment.recipe_folder,
        image_bytes=sum(known)
        if (known := [size for size in sizes if size is not None]) and len(known) == len(sizes)
        else None,
    )


def _phases(before: Deployment, after: Deployment) -> list[PhaseRow]:
    timed = [{phase.name: phase.seconds for phase in one.phases.all()} for one in (before, after)]
    names = list(timed[1]) + [name for name in timed[0] if name not in timed[1]]
    return [PhaseRow(name=name, before=timed[0].get(name), after=timed[1].get(name)) for name in names]


def _services(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]) -> list[ServiceRow]:
    sides = [{str(one["name"]): _service(one) for one in services} for services in (before, after)]
    names = sorted({*sides[0], *sides[1]})
    return [_row(name, sides[0].get(name), sides[1].get(name)) for name in names]


def _row(name: str, before: ServiceSide | None, after: ServiceSide | None) -> ServiceRow:
    known = before is not None and after is not None and before.known and after.known
    told = {"kind", "image", "ports", "user"} if known else {"kind"}
    old, new = (one and one.model_dump(include=told) for one in (before, after))
    return ServiceRow(name=name, before=before, after=after, differs=old != new)


def _service(one: dict[str, Any]) -> ServiceSide:
    facts = one.get("facts") or {}
    return ServiceSide(
        kind=str(one["kind"]),
        known=bool(facts),
        image=facts.get("image") or "",
        image_bytes=facts.get("image_bytes"),
        ports=facts.get("listening"),
        user=facts.get("user"),
    )


def _variables(before: Deployment, after: Deployment) -> list[VariableRow]:
    """By which rows each was given: a value that was set anew is another row."""
    old, new = ({name: row.pk for name, row in _given(one).items()} for one in (before, after))
    changes = dict.fromkeys(new.keys() - old.keys(), "added")
    changes |= dict.fromkeys(old.keys() - new.keys(), "removed")
    changes |= {name: "changed" for name in old.keys() & new.keys() if old[name] != new[name]}
    return [VariableRow(name=name, change=changes[name]) for name in sorted(changes)]


def _given(deployment: Deployment) -> dict[str, Any]:
    environment = deployment.environment
    return dict(given(environment.project, tier_of(environment.pull_request), deployment.created_at))
