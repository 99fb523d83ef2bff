"""Changes the settings of a project."""

import posixpath
import re
from typing import TypedDict, Unpack

from django.conf import settings
from django.db import transaction

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.projects.errors import (
    BadFolder,
    BadLabel,
    BadName,
    BadQuota,
    BadRecipes,
    BadSleep,
    BadTimeToLive,
)
from seatrial.control.projects.models import Project
from seatrial.control.projects.rescan_times import checked
from seatrial.wire.visible import visible

MOST_TTL_HOURS = 24 * 365
MOST_SLEEP_MINUTES = 60 * 24 * 365
MOST_OF_A_NAME = 200
MOST_OF_A_FOLDER = 500
MOST_OF_A_RECIPE = 200  # a further recipe's folder, which names of checks have in them
MOST_RECIPES = 20  # of one project, the first included
MOST_OF_A_QUOTA, LEAST_MEMORY_MB = 1_000_000_000, 6
NOT_IN_A_FOLDER = frozenset(":\\$")  # they mean something else to Compose, or to people with Windows
MOST_LABELS, MOST_OF_A_LABEL = 20, 100
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class ProjectSettings(TypedDict, total=False):
    """What an admin decides about a project: `Project` says what each means."""

    name: str
    ttl_hours: int
    pause_minutes: int
    stop_minutes: int
    previews_enabled: bool
    previews_of_drafts: bool
    previews_need_label: bool
    previews_of_forks: bool
    private_networks: bool
    tunnels_allowed: bool
    tunnels_of_forks: bool
    recipe_folder: str
    further_recipes: list[str]
    callbacks: bool
    max_previews: int
    max_cpus: float
    max_memory_mb: int
    labels: list[str]
    stack: str
    rescan: str


@transaction.atomic
def change_project(project: Project, *, by: Actor, **changes: Unpack[ProjectSettings]) -> Project:
    """Change the settings that are given, and return the project. Raises BadName, BadTimeToLive, BadSleep, BadFolder,
    BadRecipes, BadQuota, BadLabel, BadRescan.

    The previews of its open pull requests follow within seconds of the commit. A time to live counts from the next commit
    of each preview, a recipe folder and private networks from its next deployment; a further recipe has previews from now on, and one that is
    dropped has none any more. What does not change is not recorded; asking for nothing new does nothing.
    """
    hours = changes.get("ttl_hours", 1)
    if not 1 <= hours <= MOST_TTL_HOURS:
        raise BadTimeToLive(hours, MOST_TTL_HOURS)
    check_sleep(
        changes.get("pause_minutes", project.pause_minutes), changes.get("stop_minutes", project.stop_minutes)
    )
    check_quota(changes)
    if "name" in changes:
        changes["name"] = changes["name"].strip()
        if not 1 <= len(changes["name"]) <= MOST_OF_A_NAME:
            raise BadName(MOST_OF_A_NAME)
    if "recipe_folder" in changes:
        changes["recipe_folder"] = _folder(changes["recipe_folder"])
    if "labels" in changes:
        changes["labels"] = sorted({_slug("label", label) for label in changes["labels"]})
        if len(changes["labels"]) > MOST_LABELS:
            raise BadLabel(f"A project has at most {MOST_LABELS} labels.")
    if changes.get("stack"):
        changes["stack"] = _slug("stack", changes["stack"])
    if "rescan" in changes:
        changes["rescan"] = checked(changes["rescan"])
    if "further_recipes" in changes:
        changes["further_recipes"] = [_folder(one) for one in changes["further_recipes"]]
    row = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    check_recipes(
        changes.get("recipe_folder", row.recipe_folder), changes.get("further_recipes", row.further_recipes)
    )
    news = {name: value for name, value in changes.items() if getattr(row, name) != value}
    if not news:
        return row
    for name, value in news.items():
        setattr(row, name, value)
    row.save(update_fields=list(news))
    audit.record("project.change", f"project/{row.pk}", by=by, workspace=row.workspace_id, details=news)
    outbox.instruct(Instruction.FOLLOW, project=row.pk)
    return row


def check_sleep(pause_minutes: int, stop_minutes: int) -> None:
    """Raises BadSleep unless previews can be paused and stopped after so many minutes."""
    for minutes in (pause_minutes, stop_minutes):
        if not 0 <= minutes <= MOST_SLEEP_MINUTES:
            raise BadSleep(f"Minutes are between 1 and {MOST_SLEEP_MINUTES}, or 0 for never, not {minutes}.")
    if pause_minutes and 0 < stop_minutes <= pause_minutes:
        raise BadSleep(
            f"A preview is paused first and stopped later, so stopping after {stop_minutes} minutes must be more than pausing "
            f"after {pause_minutes}. With 0 minutes for pausing it is stopped at once."
        )


def check_recipes(first: str, further: list[str]) -> None:
    """Raises BadRecipes unless these folders can be a project's recipes: its first one, and the further ones."""
    named = [first, *further]
    twice = next((one for one in named if named.count(one) > 1), None)
    if twice is not None:
        raise BadRecipes(f"The recipe {twice or 'at the root'} is named twice. Name each folder once.")
    if "" in further:
        raise BadRecipes("The recipe at the repository's root can only be the first. Name it first.")
    if any(len(one) > MOST_OF_A_RECIPE for one in further):
        raise BadRecipes(f"The folder of a further recipe has at most {MOST_OF_A_RECIPE} characters.")
    if len(named) > MOST_RECIPES:
        raise BadRecipes(f"A project has at most {MOST_RECIPES} recipes, not {len(named)}.")


def check_quota(changes: ProjectSettings) -> None:
    """Raises BadQuota unless each quota among `changes` is one, and no more than the server allows every project."""
    configuration = settings.CONFIGURATION
    previews, cpus = changes.get("max_previews", 0), changes.get("max_cpus", 0.0)
    memory_mb = changes.get("max_memory_mb", 0)
    _check_bound(
        "previews", previews, configuration.galley_max_project_previews, "galley_max_project_previews"
    )
    _check_bound("CPUs", cpus, configuration.galley_max_project_cpus, "galley_max_project_cpus")
    limit = configuration.galley_max_project_memory
    _check_bound("megabytes of memory", memory_mb, limit, "galley_max_project_memory")
    if 0 < memory_mb < LEAST_MEMORY_MB:
        raise BadQuota(f"One container needs {LEAST_MEMORY_MB} MB of memory, so a quota is at least that.")


def _check_bound(what: str, quota: float, limit: float, setting: str) -> None:
    if not 0 <= quota <= MOST_OF_A_QUOTA:  # nor what is no number at all
        raise BadQuota(
            f"A quota of {what} is between 0, for as much as the server allows, and {MOST_OF_A_QUOTA}."
        )
    if limit and quota > limit:
        raise BadQuota(
            f"The server allows every project at most {limit:g} {what} ({setting.upper()}), so a quota of {quota:g} would not count."
        )


def _folder(path: str) -> str:
    """The folder of a repository as one path without `.`; empty for the root."""
    plain = posixpath.normpath(path.strip() or ".")
    fits = len(plain) <= MOST_OF_A_FOLDER and plain.isprintable() and not set(plain) & NOT_IN_A_FOLDER
    if not fits or plain.startswith(("/", "~", "..")):
        raise BadFolder(visible(path)[:100])
    return "" if plain == "." else plain


def _slug(what: str, word: str) -> str:
    plain = word.strip().lower()
    if len(plain) > MOST_OF_A_LABEL or not SLUG.fullmatch(plain):
        raise BadLabel(
            f"A {what} is written in letters, digits and hyphens, such as payments, not {visible(word)[:100]}."
        )
    return plain
