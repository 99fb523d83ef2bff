"""What is reported to GitHub beside statuses and comments: check runs with buttons, and deployments."""

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt
from werkzeug.wrappers import Request

from tests.forges.hosts.github_apps import Integration
from tests.forges.hosts.operations import Gone, Refused
from tests.forges.hosts.site import Hosted, Person

if TYPE_CHECKING:
    from tests.forges.hosts.github import GitHubSite

RUNS = "GET /repos/{owner}/{repo}/commits/{ref}/check-runs"
OF_DEPLOYMENT = "GET /repos/{owner}/{repo}/deployments/{deployment_id}/statuses"


class GitHubReports:
    """Check runs as they are now (`runs`), and deployments with all their states, oldest first."""

    def __init__(self, site: "GitHubSite") -> None:
        self._site = site
        self.runs: list[dict[str, Any]] = []
        self.deployments: list[dict[str, Any]] = []
        self.deployments_refused = False

    def operations(self) -> "dict[str, Callable[[Request, Any, dict[str, str]], Any]]":
        return {
            RUNS: self._list,
            "POST /repos/{owner}/{repo}/check-runs": self._make,
            "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}": self._change,
            "GET /repos/{owner}/{repo}/deployments": self._deployments,
            "POST /repos/{owner}/{repo}/deployments": self._deploy,
            OF_DEPLOYMENT: self._states,
            "POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses": self._add_state,
        }

    # what a person sees and does

    def run(self, name: str, sha: str) -> dict[str, Any]:
        """The newest check run of this name."""
        return [one for one in self.runs if one["name"] == name and one["head_sha"] == sha][-1]

    def press(self, run: dict[str, Any], identifier: str, by: str) -> None:
        """Press a button of a check run; there must be one."""
        assert identifier in [one["identifier"] for one in run["actions"]], run["actions"]
        self._tell(run, "requested_action", by, requested_action={"identifier": identifier})

    def rerequest(self, run: dict[str, Any], by: str) -> None:
        """GitHub begins to wait at once."""
        run["status"], run["conclusion"] = "queued", None
        self._tell(run, "rerequested", by)

    def rerequest_all(self, hosted: Hosted, sha: str, by: str) -> None:
        mine = [one for one in self.runs if one["_of"] is hosted and one["head_sha"] == sha]
        for run in {one["name"]: one for one in mine}.values():
            run["status"], run["conclusion"] = "queued", None
        suite = {"id": 5, "head_sha": sha}
        self._site.send(hosted, "check_suite", self._payload(hosted, "rerequested", by, check_suite=suite))

    def _tell(self, run: dict[str, Any], action: str, by: str, **more: Any) -> None:
        hosted = run["_of"]
        self._site.send(hosted, "check_run", self._payload(hosted, action, by, check_run=_shown(run), **more))

    def _payload(self, hosted: Hosted, action: str, by: str, **more: Any) -> dict[str, Any]:
        base = self._site.repository_payload(hosted, action)
        return {**base, **more, "sender": {**base["sender"], "login": by}}

    def page(self, hosted: Hosted, sha: str) -> str:
        """Check runs and deployments of a commit, as HTML."""
        newest = {one["name"]: one for one in self.runs if one["_of"] is hosted and one["head_sha"] == sha}
        markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
        runs = "".join(
            f'<article><p><strong class="{_tone(one)}">{escape(one["conclusion"] or one["status"])}</strong> '
            f'<a href="{escape(one["details_url"])}">{escape(name)}</a>: {escape(one["output"]["title"])} '
            f"{''.join(_button(hosted, one, action) for action in one['actions'])}</p>"
            f"{markdown.render(one['output']['summary'])}"
            f"<ul>{''.join(_annotation(found) for found in one['_annotations'])}</ul></article>"
            for name, one in newest.items()
        )
        shown = "".join(
            f"<li>{escape(one['environment'])}: {escape(one['_states'][-1]['state'])} {_view(one['_states'][-1])}</li>"
            for one in self.deployments
            if one["_of"] is hosted and one["sha"] == sha and one["_states"]
        )
        return f"{runs}<h2>Deployments</h2><ul>{shown}</ul>" if runs or shown else ""

    # check runs

    def _list(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted = self._site.find(person, parts)
        wanted = [
            one
            for one in self.runs
            if one["_of"] is hosted
            and one["head_sha"] == parts["ref"]
            and request.args.get("check_name", one["name"]) == one["name"]
            and int(request.args.get("app_id", one["app"]["id"])) == one["app"]["id"]
        ]
        if request.args.get("filter", "latest") == "latest":
            wanted = list({(one["name"], one["app"]["id"]): one for one in wanted}.values())
        return {"total_count": len(wanted), "check_runs": [_shown(one) for one in wanted]}

    def _make(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted = self._site.find(person, parts)
        if not isinstance(person, Integration):
            raise Refused(403, "You must authenticate via a GitHub App.")
        body = request.get_json()
        example = self._site.published.example("POST /repos/{owner}/{repo}/check-runs")
        run = {
            **example, "id": next(self._site.ids), "head_sha": body["head_sha"], "conclusion": None, "status": "queued",
            "app": {**example["app"], "id": person.installation.app.id, "slug": person.installation.app.slug},
            "output": {**example["output"], "title": None, "summary": None, "annotations_count": 0},
            "external_id": "", "actions": [], "_of": hosted, "_annotations": [], "_changes": 0, "pull_requests": [],
        }  # fmt: skip
        self.runs.append(run)
        return _shown(self._apply(run, body))

    def _change(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted = self._site.find(person, parts)
        for run in self.runs:
            if run["id"] == int(parts["check_run_id"]) and run["_of"] is hosted:
                run["_changes"] += 1
                return _shown(self._apply(run, request.get_json()))
        raise Gone

    def _apply(self, run: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        given = body.get("output", {})
        run["_annotations"] += given.get("annotations", [])
        run["output"] |= {
            **{name: given[name] for name in ("title", "summary") if name in given},
            "annotations_count": len(run["_annotations"]),
        }
        for name in (
            "name", "details_url", "external_id", "status", "conclusion", "actions", "completed_at"
        ):  # fmt: skip
            if name in body:
                run[name] = body[name]
        if "conclusion" in body:
            run["status"] = "completed"
        return run

    # deployments

    def _deployments(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted = self._may_deploy(person, parts)
        environment = request.args.get("environment")
        found = [one for one in self.deployments if one["_of"] is hosted]
        return [_shown(one) for one in reversed(found) if environment in (None, one["environment"])]

    def _deploy(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted, body = self._may_deploy(person, parts), request.get_json()
        if body.get("required_contexts") is None:
            raise Refused(409, "Conflict: Commit status checks failed for the ref.")
        example = self._site.published.example("POST /repos/{owner}/{repo}/deployments")
        made = {
            **example, "id": next(self._site.ids), "sha": body["ref"], "ref": body["ref"], "_of": hosted, "_states": [],
            "environment": body["environment"], "description": body.get("description"),
            "transient_environment": body.get("transient_environment", False),
        }  # fmt: skip
        self.deployments.append(made)
        return _shown(made)

    def _states(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        return list(reversed(self._deployment(person, parts)["_states"]))

    def _add_state(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        example, body = self._site.published.example(OF_DEPLOYMENT)[0], request.get_json()
        if len(body.get("description", "")) > 140:
            raise Refused(422, "Validation Failed: description is too long (maximum is 140 characters)")
        state = {
            **example, "id": next(self._site.ids), "state": body["state"], "description": body.get("description", ""),
            "environment_url": body.get("environment_url", ""), "log_url": body.get("log_url", ""),
        }  # fmt: skip
        self._deployment(person, parts)["_states"].append(state)
        return state

    def _deployment(self, person: Person, parts: dict[str, str]) -> dict[str, Any]:
        hosted = self._may_deploy(person, parts)
        for one in self.deployments:
            if one["id"] == int(parts["deployment_id"]) and one["_of"] is hosted:
                return one
        raise Gone

    def _may_deploy(self, person: Person, parts: dict[str, str]) -> Hosted:
        if self.deployments_refused:
            raise Refused(403, "Resource not accessible by personal access token")
        return self._site.find(person, parts)


def _shown(thing: dict[str, Any]) -> dict[str, Any]:
    """What GitHub says of it: nothing that this fake keeps for itself, and no buttons."""
    return {name: value for name, value in thing.items() if name[0] != "_" and name != "actions"}


def _tone(run: dict[str, Any]) -> str:
    return (
        "success"
        if run["conclusion"] in {"success", "neutral", "skipped"}
        else run["conclusion"] or "pending"
    )


def _button(hosted: Hosted, run: dict[str, Any], action: dict[str, str]) -> str:
    where = f"/{hosted.full_name}/runs/{run['id']}/{action['identifier']}"
    return f'<form method="post" action="{where}" style="display:inline"><button title="{escape(action["description"])}">{escape(action["label"])}</button></form>'


def _annotation(one: dict[str, Any]) -> str:
    return f"<li>{escape(one['path'])}:{one['start_line']} {escape(one.get('title', ''))}: {escape(one['message'])}</li>"


def _view(state: dict[str, Any]) -> str:
    url = state["environment_url"]
    return f'<a href="{escape(url)}">View deployment</a>' if url else ""
