"""How a story is told, and what most of them begin with."""

from collections import defaultdict
from collections.abc import Callable, Generator
from typing import Any

from django.apps.registry import Apps
from django.utils import timezone

Story = Callable[[Apps], Generator[None, Apps, None]]
STORIES: dict[str, Story] = {}
BEGIN: dict[tuple[str, str], list[str]] = defaultdict(
    list
)  # names of stories, by the migration before which they begin
END: dict[tuple[str, str], list[str]] = defaultdict(list)


def story(app: str, before: str, *, until: tuple[str, str] | None = None) -> Callable[[Story], Story]:
    """It begins just before a migration, and goes on after it, or after `until`, with the models as they are then."""

    def keep(told: Story) -> Story:
        STORIES[told.__name__] = told
        BEGIN[app, before].append(told.__name__)
        END[until or (app, before)].append(told.__name__)
        return told

    return keep


def make(then: Apps, model: str, **fields: Any) -> Any:
    """A row as it was then. Times that nobody gives are now."""
    kind = then.get_model(model)
    needed = {
        field.name for field in kind._meta.fields if field.name in {"updated_at", "changed_at", "opened_at"}
    }
    return kind._default_manager.create(**dict.fromkeys(needed, timezone.now()) | fields)


def workspace(then: Apps, slug: str) -> Any:
    """A workspace of that name."""
    return make(then, "accounts.Workspace", slug=slug, name=slug.title())


def project(then: Apps, slug: str) -> Any:
    """A project in a workspace and on a connection of its own."""
    ours = workspace(then, f"of-{slug}")
    there = make(then, "projects.Connection", workspace=ours, forge="local", name="here")
    names = {"external_id": f"/{slug}", "clone_url": f"/{slug}", "name": slug, "slug": slug}
    return make(then, "projects.Project", workspace=ours, connection=there, **names)


def pull_request(then: Apps, of: Any, number: int, **fields: Any) -> Any:
    """A pull request of a project."""
    return make(
        then, "projects.PullRequest", project=of, number=number, branch="b", head_sha="a" * 40, **fields
    )
