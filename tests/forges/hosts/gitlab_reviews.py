"""GitLab's environments, deployments, and discussions at lines of a merge request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.wrappers import Request

from tests.forges.hosts.gitlab_parts import MERGE, PROJECT, Part
from tests.forges.hosts.operations import Answering, Gone, Refused
from tests.forges.hosts.site import Deployment, Hosted, Person


@dataclass
class Environment:
    id: int
    project: int
    name: str
    url: str = ""
    state: str = "available"


@dataclass
class Thread:
    """A discussion at a line. `resolved_by` is empty while it is open."""

    id: str
    project: int
    number: int
    author: str
    body: str
    path: str
    line: int
    resolved_by: str = ""


class Reviews(Part):
    """`changed`: the lines that merge requests change, by file; discussions are at no other."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.environments: list[Environment] = []
        self.threads: list[Thread] = []
        self.changed_lines: dict[str, set[int]] = {}
        self.has_environments = True

    def of_part(self) -> Mapping[str, Answering]:
        return {
            **super().of_part(),
            f"GET {PROJECT}/environments": self._environments,
            f"POST {PROJECT}/environments": self._make_environment,
            f"PUT {PROJECT}/environments/{{environment}}": self._change_environment,
            f"POST {PROJECT}/environments/{{environment}}/stop": self._stop_environment,
            f"GET {PROJECT}/deployments": self._deployments,
            f"POST {PROJECT}/deployments": self._deploy,
            f"PUT {PROJECT}/deployments/{{deployment}}": self._change_deployment,
            f"GET {MERGE}/discussions": self._discussions,
            f"POST {MERGE}/discussions": self._discuss,
            f"PUT {MERGE}/discussions/{{discussion}}": self._resolve,
        }

    # environments

    def _here(self, person: Person, parts: dict[str, str]) -> Hosted:
        if not self.has_environments:
            raise Refused(403, "403 Forbidden")
        return self.find(person, parts, "write")

    def _environments(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted, name = self._here(person, parts), request.args["name"]
        return [self._shown(one) for one in self.environments if (one.project, one.name) == (hosted.id, name)]

    def _make_environment(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted, body = self._here(person, parts), request.get_json()
        if any((one.project, one.name) == (hosted.id, body["name"]) for one in self.environments):
            raise Refused(400, "name has already been taken")
        made = Environment(next(self.ids), hosted.id, body["name"], body.get("external_url", ""))
        self.environments.append(made)
        return self._shown(made)

    def _change_environment(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        environment = self._find_environment(person, parts)
        environment.url = request.get_json()["external_url"]
        return self._shown(environment)

    def _stop_environment(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        environment = self._find_environment(person, parts)
        environment.state = "stopped"
        return self._shown(environment)

    def _find_environment(self, person: Person, parts: dict[str, str]) -> Environment:
        hosted = self._here(person, parts)
        for one in self.environments:
            if (one.project, one.id) == (hosted.id, int(parts["environment"])):
                return one
        raise Gone

    def _shown(self, environment: Environment) -> dict[str, Any]:
        return {
            "id": environment.id,
            "name": environment.name,
            "state": environment.state,
            "external_url": environment.url or None,
            "tier": "development",
        }

    # deployments

    def _deployments(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        found = [
            one
            for one in self._here(person, parts).deployments
            if one.environment == request.args["environment"]
        ]
        return [self._deployed(one) for one in sorted(found, key=lambda one: -one.id)]

    def _deploy(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted, body = self._here(person, parts), request.get_json()
        self.check_commit(hosted, body["sha"])
        if self._tip(hosted, body["ref"]) is None:
            raise Refused(400, "The branch or tag does not exist")
        (environment,) = [
            one for one in self.environments if (one.project, one.name) == (hosted.id, body["environment"])
        ]
        environment.state = "available"
        made = Deployment(next(self.ids), body["environment"], body["sha"], body["status"], environment.url)
        hosted.deployments.append(made)
        return self._deployed(made)

    def _change_deployment(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        for one in self._here(person, parts).deployments:
            if one.id == int(parts["deployment"]):
                if one.state != "running":
                    raise Refused(400, f"Cannot transition status from :{one.state}")
                one.state = request.get_json()["status"]
                return self._deployed(one)
        raise Gone

    def _deployed(self, deployment: Deployment) -> dict[str, Any]:
        return {"id": deployment.id, "sha": deployment.sha, "status": deployment.state}

    # discussions

    def _discussions(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted, pull = self.find(person, parts), self.find_pull(person, parts)
        notes = [
            {"id": f"{one.id:040x}", "individual_note": True, "notes": [self._said(one.author, one.body)]}
            for one in pull.comments
        ]
        return notes + [
            self._thread(one) for one in self.threads if (one.project, one.number) == (hosted.id, pull.number)
        ]

    def _discuss(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted, pull, body = self.find(person, parts), self.find_pull(person, parts), request.get_json()
        position = body["position"]
        path, line = position["new_path"], position["new_line"]
        if line not in self.changed_lines.get(path, set()):
            raise Refused(400, 'Note {:line_code=>["can\'t be blank", "must be a valid line code"]}')
        if (position["head_sha"], position["base_sha"]) != (pull.head, pull.base):
            raise Refused(400, "position is incomplete")
        thread = Thread(
            f"{next(self.ids):040x}", hosted.id, pull.number, person.login, body["body"], path, line
        )
        self.threads.append(thread)
        return self._thread(thread)

    def _resolve(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        for one in self.threads:
            if one.id == parts["discussion"]:
                one.resolved_by = person.login if request.get_json()["resolved"] else ""
                return self._thread(one)
        raise Gone

    def _thread(self, thread: Thread) -> dict[str, Any]:
        resolved = {
            "resolvable": True,
            "resolved": bool(thread.resolved_by),
            "resolved_by": self.author(thread.resolved_by) if thread.resolved_by else None,
        }
        note = {**self._said(thread.author, thread.body), **resolved}
        return {"id": thread.id, "individual_note": False, "notes": [note]}

    def _said(self, author: str, body: str) -> dict[str, Any]:
        return {"id": next(self.ids), "body": body, "author": self.author(author), "resolvable": False}
