"""Every page that the preview links to answers.

Begins at `start`, follows links, scripts, styles and pictures within the preview, and fails for what answers with 400 and above, or not at all.
At most `pages` addresses are visited, none that matches `skip`, a regular expression for what must not be pressed. What it had no room or time for is said.
"""

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

NAME = "Every link answers"
LIVE = True
PARAMS = {"start": "/", "pages": 60, "skip": "log-?out|sign-?out|delete|remove"}
TESTS = [
    {"name": "all answer", "input": {"visit": {"/": {"headers": {"content-type": "text/html"}, "body": "<a href='a'>a</a><a href=https://elsewhere.example/>b</a>"}, "/a": {"body": "x"}}}, "expected": {"passed": True, "score": 100, "message": {"contains": "2 addresses"}}},
    {"name": "a dead link", "input": {"visit": {"/": {"headers": {"content-type": "text/html"}, "body": "<script src=/x.js></script>"}}}, "expected": {"passed": False, "score": 50, "findings": [{"message": "/x.js answers with 404 (linked from /)"}]}},
    {"name": "a redirect is followed", "input": {"visit": {"/": {"status": 302, "headers": {"location": "/in"}}, "/in": {"status": 500}}}, "expected": {"passed": False, "findings": 1}},
    {"name": "nothing answers", "input": {"visit": {"/": {"status": None, "why": "connection refused"}}}, "expected": {"passed": False, "score": 0, "message": {"contains": "connection refused"}}},
    {"name": "no more than it may", "input": {"visit": {"/": {"headers": {"content-type": "text/html"}, "body": "<a href=/1></a><a href=/2></a>"}, "/1": {}}}, "params": {"pages": 2}, "expected": {"passed": True, "message": {"contains": "1 more was not visited"}}},
    {"name": "what signs out is left alone", "input": {"visit": {"/": {"headers": {"content-type": "text/html"}, "body": "<a href=/logout></a>"}}}, "expected": {"passed": True}},
]  # fmt: skip

SECONDS = 40.0  # of all visits together: a policy's questions may take a minute
WHERE = {
    "a": "href",
    "area": "href",
    "link": "href",
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
}


def evaluate(project, params):
    hosts = {urlsplit(url).netloc for url in project.preview["urls"].values()}
    skip = re.compile(params["skip"] or r"(?!)", re.IGNORECASE)
    waiting, known, dead, visited, seconds = [(params["start"], "")], {params["start"]}, [], 0, 0.0
    while waiting and visited < params["pages"] and seconds < SECONDS:
        path, linked_from = waiting.pop(0)
        answer = project.visit(path)
        visited, seconds = visited + 1, seconds + answer["time"]
        if answer["status"] is None or answer["status"] >= 400:
            said = (
                f"answers with {answer['status']}"
                if answer["status"]
                else f"does not answer: {answer['why']}"
            )
            dead.append(f"{path} {said}" + (f" (linked from {linked_from})" if linked_from else ""))
            continue
        for target in targets(path, answer):
            there = within(path, target, hosts)
            if there is not None and there not in known and not skip.search(there):
                known.add(there)
                waiting.append((there, path))
    left = f" {len(waiting)} more {'was' if len(waiting) == 1 else 'were'} not visited." if waiting else ""
    good = f"{visited} address{' of the preview answers' if visited == 1 else 'es of the preview answer'}."
    return {
        "passed": not dead,
        "score": 100 * (visited - len(dead)) / visited,
        "message": ("; ".join(dead[:3]) + "." if dead else good) + left,
        "findings": [{"message": one, "severity": "high", "fingerprint": one.split(" (")[0]} for one in dead],
        "details": {"visited": visited, "not_visited": [path for path, _ in waiting[:50]]},
    }


def targets(path, answer):
    """What a page or a redirect leads to."""
    if 300 <= answer["status"] < 400:
        return [answer["headers"].get("location", "")]
    if "html" not in answer["headers"].get("content-type", ""):
        return []
    reader = Links()
    reader.feed(answer["body"])
    return reader.found


def within(path, target, hosts):
    """The path and query of a target in this preview, else None."""
    try:
        parts = urlsplit(urljoin(f"http://preview{path}", target.strip()))
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or parts.netloc not in {"preview", *hosts}:
        return None
    there = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return there if re.fullmatch(r"/(?!/)[!-\[\]-~]*", there) and ".." not in there else None


class Links(HTMLParser):
    """Collects where a page leads to."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        wanted = WHERE.get(tag)
        self.found += [value for name, value in attributes if name == wanted and value]
