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


def index(site: Site) -> Response:
    """Every pull request there is."""
    rows = [
        f'<li><a href="/{one.full_name}/pull/{pull.number}">{escape(one.full_name)} #{pull.number} {escape(pull.title)}</a> '
        f"({pull.state})</li>"
        for one in site.repositories.values()
        for pull in one.pulls.values()
    ]
    return _page("Pull requests", f"<ul>{''.join(rows)}</ul>" if rows else "<p>There is none.</p>")


def pull_page(hosted: Hosted, pull: Pull, more: str = "") -> Response:
    """One pull request."""
    newest = {one["context"]: one for one in hosted.statuses if one["sha"] == pull.head}
    statuses = "".join(
        f'<li><strong class="{one["state"]}">{one["state"]}</strong> {escape(name)}: '
        f'<a href="{escape(one.get("target_url") or "")}">{escape(one.get("description") or "")}</a></li>'
        for name, one in newest.items()
    )
    markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
    comments = "".join(
        f"<article><p><strong>{escape(one.author)}</strong>, edited {one.edits} times</p>{markdown.render(one.body)}</article>"
        for one in pull.comments
    )
    body = (
        f"<p>{pull.state}, {pull.head[:10]} of {escape(pull.branch)}</p><ul>{statuses}</ul>{more}{comments}"
    )
    return _page(f"{hosted.full_name} #{pull.number} {pull.title}", body)


def plain(title: str, body: str) -> Response:
    """A page that is not about a pull request."""
    return _page(title, body)


def _page(title: str, body: str) -> Response:
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    return Response(
        f"{head}<style>{STYLE}</style><h1>{escape(title)}</h1>{body}</html>", content_type="text/html"
    )
