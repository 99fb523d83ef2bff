"""Finds what somebody names on the command line."""

from seatrial.cli.api import Api, Json
from seatrial.cli.errors import CommandError
from seatrial.cli.waiting import items
from seatrial.embedded.typed import typed

MOST_NAMED = 10


def project_named(api: Api, wanted: str, *, archived: bool = False) -> Json:
    """The project with this slug or id; `archived`: also one that is. Raises CommandError."""
    known = items(api.get("/projects", archived="true") if archived else api.get("/projects"))
    rows = [row for row in known if wanted in (row["slug"], row["id"])]
    if len(rows) == 1:
        return rows[0]
    if rows:
        raise CommandError(
            f"several workspaces have a project {wanted}.",
            fix=f"Name it by its id: {', '.join(row['id'] for row in rows)}",
            word="usage",
        )
    raise CommandError(
        f"there is no project {wanted}.", fix=f"See them: {typed('projects')}", word="not_found"
    )


def environment_named(api: Api, wanted: str) -> Json:
    """The preview with this name or id that is not gone. Raises CommandError."""
    named = items(api.get("/environments", name=wanted, limit=2))
    rows = named or [row for row in items(api.get("/environments")) if row["id"] == wanted]
    if len(rows) == 1:
        return rows[0]
    raise CommandError(f"there is no preview {wanted}.", fix=f"See them: {typed('status')}", word="not_found")


def environment_meant(api: Api, wanted: str) -> Json:
    """The preview with this name or id; without one, the only one that there is. Raises CommandError."""
    if wanted:
        return environment_named(api, wanted)
    rows = items(api.get("/environments", limit=MOST_NAMED + 1))
    if len(rows) == 1:
        return rows[0]
    if not rows:
        raise CommandError("there is no preview.", fix=f"See them: {typed('status')}", word="not_found")
    names = ", ".join(row["name"] for row in rows[:MOST_NAMED])
    more = ", …" if len(rows) > MOST_NAMED else ""
    raise CommandError("there are several previews.", fix=f"Name one: {names}{more}", word="usage")
