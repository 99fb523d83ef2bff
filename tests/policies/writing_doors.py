"""A workspace whose admins write policies, and people who may not."""

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from seatrial.control.audit.models import AuditEntry
from seatrial.control.policies.models import Policy
from tests import factories as make

CODE = '''"""Every service has an owner."""

NAME = "Owned"
PARAMS = {"most": 5, "names": ["a"], "strict": False}


def evaluate(project, params):
    return {"passed": True}
'''


class Doors:
    """The roles of one workspace, and a stranger who owns another one."""

    def __init__(self) -> None:
        roles = {role: make.user(role) for role in ("owner", "admin", "developer", "viewer")}
        self.people = {**roles, "stranger": make.user("stranger")}
        self.workspace = make.workspace("harbour", **roles)
        make.workspace("elsewhere", owner=self.people["stranger"])
        self.clients: dict[str, Client] = {}

    def client(self, who: str) -> Client:
        if who not in self.clients:
            self.clients[who] = Client()
            self.clients[who].force_login(self.people[who])
        return self.clients[who]

    def page(self, who: str, path: str) -> tuple[int, str]:
        answer = self.client(who).get(path)
        return answer.status_code, answer.content.decode()

    def send(self, who: str, path: str, **body: Any) -> HttpResponse:
        return self.client(who).post(path, body, follow=True)

    def rest(self, who: str, method: str, address: str, /, **body: Any) -> tuple[int, Any]:
        data = json.dumps(body) if body else ""
        answer = self.client(who).generic(method, f"/api/v1{address}", data, "application/json")
        return answer.status_code, answer.json()

    def policy(self, slug: str = "owned", code: str = CODE) -> Policy:
        code_, answer = self.rest(
            "admin", "POST", "/policies", workspace="harbour", slug=slug, code=code, note="First"
        )
        assert code_ == 200, answer
        return Policy.objects.get(slug=slug)


def recorded() -> list[tuple[str, str]]:
    """What the audit log has of policies: actions, and by whom."""
    rows = AuditEntry.objects.filter(action__startswith="policy.").order_by("id")
    return list(rows.values_list("action", "actor"))
