"""What the settings of sign-in list: whose people may sign in, and which roles they get. Read and checked, nothing else."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

Entry = TypeVar("Entry")


class Source(StrEnum):
    """Who says that somebody belongs to something: a provider, or an address whose owner is known."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    EMAIL = "email"


# What somebody can be there, from the fewest rights to the most.
RANKS: dict[Source, tuple[str, ...]] = {
    Source.GITHUB: ("member", "admin"),
    Source.GITLAB: ("member", "developer", "maintainer", "owner"),
    Source.GITEA: ("member", "admin", "owner"),
    Source.EMAIL: ("member",),
}
ROLES = ("owner", "admin", "developer", "viewer")  # those of a workspace, from the most rights to the fewest
BELOW = "/*"  # after a group: the groups below it
DOMAIN = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+")
NAME = re.compile(r"[a-z0-9_][a-z0-9_.-]*")
PATH = re.compile(rf"{NAME.pattern}(?:/{NAME.pattern})*(?:/\*)?")
RULE = "gitlab:acme/platform#maintainer=default:admin"
SLUG = re.compile(r"[a-zA-Z0-9_-]+")


@dataclass(frozen=True)
class Listed:
    """An e-mail domain, an organisation, or a GitLab group by its full path; in lower case, as none of them heeds case.

    A group that ends in `/*` stands for all groups below it, and not for itself.
    """

    source: Source
    name: str

    def __str__(self) -> str:
        return f"@{self.name}" if self.source is Source.EMAIL else f"{self.source}:{self.name}"

    def covers(self, other: "Listed") -> bool:
        """Whether whoever belongs to `other` belongs to this."""
        if self.source is not other.source:
            return False
        if self.name.endswith(BELOW):
            return other.name.startswith(self.name.removesuffix("*"))
        return self.name == other.name


@dataclass(frozen=True)
class RoleRule:
    """Whoever is at least `rank` in `listed` has `role` in `workspace` (its slug)."""

    listed: Listed
    rank: str
    workspace: str
    role: str


def domains(text: str) -> tuple[Listed, ...]:
    """E-mail domains. Raises ValueError."""
    return _each(text.lower(), lambda one: _domain(one.removeprefix("@"), "example.com"))


def organisations(text: str) -> tuple[Listed, ...]:
    """Organisations with their provider. Raises ValueError."""
    return _each(
        text.lower(),
        lambda one: _belonging(one, (Source.GITHUB, Source.GITEA), "github:acme or gitea:acme"),
    )


def groups(text: str) -> tuple[Listed, ...]:
    """GitLab groups. Raises ValueError."""
    like = "acme/platform, or acme/* for all below acme"
    return _each(text.lower(), lambda one: _group(one.removeprefix("gitlab:"), like))


def role_rules(text: str) -> tuple[RoleRule, ...]:
    """What AUTH_ROLE_MAP says. Raises ValueError."""
    return _each(text, _rule)


def _each(text: str, read: Callable[[str], Entry]) -> tuple[Entry, ...]:
    """Each entry is named by its number: what stands there may be a secret that belongs elsewhere."""
    found = []
    for number, one in enumerate(filter(None, map(str.strip, text.split(","))), 1):
        try:
            found.append(read(one))
        except ValueError as error:
            raise ValueError(f"entry {number} {error}") from None
    return tuple(found)


def _rule(text: str) -> RoleRule:
    there, _, here = text.partition("=")
    place, _, rank = there.strip().lower().partition("#")
    workspace, _, role = here.strip().rpartition(":")
    if not SLUG.fullmatch(workspace):
        raise ValueError(f"is no rule. Write it like {RULE}, with the slug of a workspace")
    if role not in ROLES:
        raise ValueError(f"is no rule. Write it like {RULE}, with one of the roles {', '.join(ROLES)}")
    listed = _domain(place[1:], RULE) if place.startswith("@") else _belonging(place, tuple(Source), RULE)
    ranks = RANKS[listed.source]
    if rank and rank not in ranks:
        raise ValueError(
            f"is no rule. Write it like {RULE}. At {listed.source} somebody is {' or '.join(ranks)}"
        )
    return RoleRule(listed, rank or ranks[0], workspace, role)


def _belonging(text: str, sources: tuple[Source, ...], like: str) -> Listed:
    prefix, _, name = text.partition(":")
    source = next((one for one in sources if one == prefix and one is not Source.EMAIL), None)
    if source is Source.GITLAB:
        return _group(name, like)
    if source is None or not NAME.fullmatch(name):
        raise ValueError(f"is no organisation with its provider. Write it like {like}")
    return Listed(source, name)


def _group(text: str, like: str) -> Listed:
    if not PATH.fullmatch(text):
        raise ValueError(f"is no path of a GitLab group. Write it like {like}")
    return Listed(Source.GITLAB, text)


def _domain(text: str, like: str) -> Listed:
    if not DOMAIN.fullmatch(text):
        raise ValueError(f"is no e-mail domain. Write it like {like}")
    return Listed(Source.EMAIL, text)
