"""Our comments below merge requests: one of each mark, edited in place."""

from seatrial.control.forges.gitlab.answers import Made, Note, Person
from seatrial.control.forges.gitlab.client import GitLabClient, NotAccepted, of_project
from seatrial.control.forges.gitlab.orders import without_orders
from seatrial.control.forges.http.problems import NoSuchThing
from seatrial.control.forges.marker import marked, marker
from seatrial.control.forges.protocol import Commented, CommentReport
from seatrial.control.projects.models import Project


def write(client: GitLabClient, project: Project, report: CommentReport) -> str:
    """The known comment, else ours with the mark, else a new one; returns its id."""
    notes = f"{of_project(project.external_id)}/merge_requests/{report.number}/notes"
    text = {"body": marked(without_orders(report.body), report.mark)}
    if report.known:
        try:
            return str(client.send("PUT", f"{notes}/{report.known}", text, Made).id)
        except NoSuchThing:
            pass  # somebody deleted it
    ours = _ours(client, notes, report.mark)
    if ours is not None and _says(ours, text["body"]):
        return str(ours.id)
    if ours is not None:
        return str(client.send("PUT", f"{notes}/{ours.id}", text, Made).id)
    return str(client.send("POST", notes, text, Made).id)


def _says(note: Note, text: str) -> bool:
    """GitLab removes white space at the ends."""
    return (note.body or "").strip() == text.strip()


def _ours(client: GitLabClient, notes: str, mark: str) -> Note | None:
    """The comment that an earlier report made; anybody may copy the mark, so it must be our own account's."""
    me = client.get("/user", Person)
    wanted = marker(mark)
    for note in client.pages(notes, Note, {"sort": "asc", "order_by": "created_at"}):
        if note.author is not None and note.author.id == me.id and wanted in (note.body or ""):
            return note
    return None


def react(client: GitLabClient, project: Project, event: Commented, *, done: bool) -> None:
    """A thumb or a confused face below a comment. GitLab refuses a second one of the same account: it is there then."""
    path = (
        f"{of_project(project.external_id)}/merge_requests/{event.number}/notes/{event.comment}/award_emoji"
    )
    try:
        client.send("POST", path, {"name": "thumbsup" if done else "confused"}, Made)
    except (NoSuchThing, NotAccepted):
        return
