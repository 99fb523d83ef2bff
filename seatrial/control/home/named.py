"""Names for the ids in records: the audit log and the deliveries hold ids, and people know names."""

import re
from collections.abc import Iterable

from django.urls import reverse

from seatrial.control.accounts.access import visible
from seatrial.control.accounts.models import ApiToken, User
from seatrial.control.dashboard.links import Link
from seatrial.control.policies.models import Evaluation, Waiver
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.projects.models import Connection, Project

ULID = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b")
ENVIRONMENT = re.compile(r"(?<=^environment/)[a-z0-9-]+$")


def links(user: User, texts: Iterable[str]) -> dict[str, Link]:
    """The links for what `texts` name and `user` may see, by the id (or the name of an environment) that is there.

    What is gone, or hidden from this user, is missing: its id stays as it is. The number of queries is constant.
    """
    texts = list(texts)
    ids = {found for text in texts for found in ULID.findall(text)}
    names = {found for text in texts for found in ENVIRONMENT.findall(text)}
    return _named_environments(user, names) | _by_id(user, ids)


def _named_environments(user: User, names: set[str]) -> dict[str, Link]:
    """By name. Several environments may have had it one after the other: the newest is linked."""
    rows = visible(user, Environment).filter(name__in=names).order_by("created_at", "id")
    return {row.name: Link(row.name, _environment(row.pk)) for row in rows}


def _by_id(user: User, ids: set[str]) -> dict[str, Link]:
    projects = visible(user, Project).filter(pk__in=ids)
    evaluations = visible(user, Evaluation).filter(pk__in=ids)
    deployments = visible(user, Deployment).filter(pk__in=ids)
    connections = visible(user, Connection).filter(pk__in=ids)
    tokens = visible(user, ApiToken).filter(pk__in=ids)
    waivers = visible(user, Waiver).filter(pk__in=ids).select_related("version__policy")
    return {
        **{row.pk: Link(row.name, reverse("home:project", args=[row.pk])) for row in projects},
        **{
            row.pk: Link(f"of {row.commit[:10]}", reverse("policies:evaluation", args=[row.pk]))
            for row in evaluations
        },
        **{
            row.pk: Link(
                f"of {row.commit[:10]}", f"{_environment(row.environment_id)}?deployment={row.pk}#logs-title"
            )
            for row in deployments
        },
        **{
            row.pk: Link(f"of {row.version.policy.slug}", reverse("waivers:waiver", args=[row.pk]))
            for row in waivers
        },
        **{row.pk: Link(row.name, "") for row in connections},
        **{row.pk: Link(row.name, "") for row in tokens},
    }


def _environment(pk: str) -> str:
    return reverse("previews:environment", args=[pk])
