"""What a person sees at a fake forge: its pull requests, with the statuses and the comment that Seatrial wrote."""

from html import escape

from markdown_it import MarkdownIt
from werkzeug.wrappers import Response

from tests.forges.hosts.site import Hosted, Pull, Site

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
article { border: 1px solid #8886; border-radius: .5rem; padding: 0 1rem; margin: 1rem 0; overflow-x: auto; }
table { border-collapse: collapse; } th, td { border: 1px solid #8886; padding: .25rem .5rem; text-align: left; }
.success { color: #1a7f37; } .failure, .error { color: #cf222e; } .pending { color: #9a6700; }
"""


def shown(site: Site, path: str) -> Response | None:
    """The page at `path`; None where there is none."""
    pulls = {
        site.pull_path(hosted, pull): (hosted, pull)
        for hosted in list(site.repositories.values())
        for pull in list(hosted.pulls.values())
    }
    if path in pulls:
        return _pull(site, *pulls[path])
    return _index(pulls) if path == "/" else None


def _index(pulls: dict[str, tuple[Hosted, Pull]]) -> Response:
    rows = [
        f'<li><a href="{path}">{escape(hosted.full_name)} #{pull.number} {escape(pull.title)}</a> ({pull.state})</li>'
        for path, (hosted, pull) in pulls.items()
    ]
    return _page("Pull requests", f"<ul>{''.join(rows)}</ul>" if rows else "<p>There is none.</p>")


def _pull(site: Site, hosted: Hosted, pull: Pull) -> Response:
    newest = {one.context: one for one in hosted.statuses if one.sha == pull.head}
    statuses = "".join(
        f'<li><strong class="{one.state}">{one.state}</strong> {escape(name)}: '
        f'<a href="{escape(one.url)}">{escape(one.description)}</a></li>'
        for name, one in newest.items()
    )
    markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
    comments = "".join(
        f"<article><p><strong>{escape(one.author)}</strong>, edited {one.edits} times</p>{markdown.render(one.body)}</article>"
        for one in pull.comments
    )
    body = f"<p>{pull.state}, {pull.head[:10]} of {escape(pull.branch)}</p><ul>{statuses}</ul>{site.reported(hosted, pull)}{comments}"
    return _page(f"{hosted.full_name} #{pull.number} {pull.title}", body)


def plain(title: str, body: str) -> Response:
    """A page that is not about a pull request."""
    return _page(title, body)


def _page(title: str, body: str) -> Response:
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    return Response(
        f"{head}<style>{STYLE}</style><h1>{escape(title)}</h1>{body}</html>", content_type="text/html"
    )
