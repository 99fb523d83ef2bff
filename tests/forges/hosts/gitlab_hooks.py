"""GitLab's webhooks: kept, switched off when they fail, and sent with the secret token and a signature."""

import base64
import hashlib
import hmac
import json
import lzma
import time
import uuid
from collections.abc import Mapping
from datetime import UTC
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Request

from tests.forges.hosts.gitlab_parts import ELSEWHERE, PROJECT, Part, state_of
from tests.forges.hosts.operations import Answering, Gone, Refused
from tests.forges.hosts.site import Comment, Delivery, Hosted, Person, Pull, Webhook

PAYLOADS = Path(__file__).parent.parent / "schemas" / "gitlab_webhooks.json.xz"
EXAMPLES: dict[str, Any] = json.loads(lzma.decompress(PAYLOADS.read_bytes()))
EVENTS = {
    "push_events": "push",
    "tag_push_events": "tag_push",
    "merge_requests_events": "pull_request",
    "note_events": "note",
}
NAMES = {
    "push": "Push Hook",
    "tag_push": "Tag Push Hook",
    "pull_request": "Merge Request Hook",
    "note": "Note Hook",
}
ACTIONS = {"opened": "open", "reopened": "reopen"}
FAILURES = 4  # after so many, GitLab stops sending


class Hooks(Part):
    """`signs`: this GitLab has signing tokens. `local`: it may send webhooks into its own network. `tells`: it tells what it
    sent, and with `dates` also when.
    """

    signs = True
    local = True
    tells = True
    dates = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.signing: dict[int, str] = {}  # tokens, by webhooks
        self.failures: dict[int, int] = {}

    def of_part(self) -> Mapping[str, Answering]:
        return {
            **super().of_part(),
            f"GET {PROJECT}/hooks": self._hooks,
            f"POST {PROJECT}/hooks": self._make_hook,
            f"PUT {PROJECT}/hooks/{{hook}}": self._change_hook,
            f"DELETE {PROJECT}/hooks/{{hook}}": self._delete_hook,
            f"POST {PROJECT}/hooks/{{hook}}/test/push_events": self._test_hook,
            f"GET {PROJECT}/hooks/{{hook}}/events": self._events,
        }

    def _hooks(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        return [self._hook(one) for one in self.find(person, parts, "admin").webhooks]

    def _hook(self, webhook: Webhook) -> dict[str, Any]:
        return {
            "id": webhook.id,
            "url": webhook.url,
            "alert_status": "executable" if webhook.active else "disabled",
            "enable_ssl_verification": True,
            "token_present": bool(webhook.secret),
            "signing_token_present": webhook.id in self.signing,
            **{flag: event in webhook.events for flag, event in EVENTS.items()},
        }

    def _make_hook(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        hosted = self.find(person, parts, "admin")
        webhook = Webhook(next(self.ids), request.get_json()["url"], "", [])
        made = self._put(webhook, request.get_json())
        hosted.webhooks.append(webhook)
        return made

    def _change_hook(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        return self._put(self._find_hook(person, parts), request.get_json())

    def _put(self, webhook: Webhook, body: dict[str, Any]) -> dict[str, Any]:
        if not self.local:
            raise Refused(422, "Invalid url given")
        webhook.url, webhook.secret = body["url"], body.get("token", webhook.secret)
        webhook.events = [event for flag, event in EVENTS.items() if body.get(flag, event in webhook.events)]
        if self.signs and body.get("signing_token"):
            self.signing[webhook.id] = body["signing_token"]
        return self._hook(webhook)

    def _delete_hook(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        self.find(person, parts, "admin").webhooks.remove(self._find_hook(person, parts))

    def _test_hook(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        webhook, hosted = self._find_hook(person, parts), self.find(person, parts, "admin")
        payload = self.push_payload(hosted, "main", "0" * 40, self._tip(hosted, "main") or "")
        status = self.deliver(webhook, "push", json.dumps(payload).encode(), str(uuid.uuid4()))
        if not 200 <= status < 300:
            raise Refused(422, "what the receiver said")
        return {"message": "201 Created"}

    def _events(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        webhook = self._find_hook(person, parts)
        if not self.tells:
            raise Gone
        if int(request.args.get("per_page", "20")) > 20:
            raise Refused(400, "per_page does not have a valid value")
        return [self._event(one) for one in reversed(self.deliveries) if one.webhook == webhook.id]

    def _event(self, one: Delivery) -> dict[str, Any]:
        """What it keeps: no secret, and words where nobody answered."""
        hidden = {name: "[REDACTED]" for name in one.headers if name == "X-Gitlab-Token"}
        stamp = {} if self.dates else {"webhook-timestamp": ""}
        shown = {
            "id": one.id,
            "url": f"{one.webhook}",
            "trigger": f"{one.event}_hooks",
            "request_headers": {**one.headers, **hidden, **stamp},
            "request_data": json.loads(one.body),
            "response_headers": {"Date": format_datetime(one.at)} if one.status else {},
            "response_body": "",
            "execution_duration": 0.5,
            "response_status": str(one.status) if one.status else "internal error",
        }
        return {**shown, "created_at": one.at.isoformat()} if self.dates else shown

    def _find_hook(self, person: Person, parts: dict[str, str]) -> Webhook:
        for one in self.find(person, parts, "admin").webhooks:
            if one.id == int(parts["hook"]):
                return one
        raise Gone

    def deliver(self, webhook: Webhook, event: str, body: bytes, guid: str) -> int:
        status = super().deliver(webhook, event, body, guid)
        failed = not 200 <= status < 400
        self.failures[webhook.id] = self.failures.get(webhook.id, 0) + 1 if failed else 0
        webhook.active = self.failures[webhook.id] < FAILURES
        return status

    def webhook_headers(self, webhook: Webhook, event: str, body: bytes, guid: str) -> dict[str, str]:
        now = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "GitLab/19.1.0",
            "Idempotency-Key": guid,
            "X-Gitlab-Event": NAMES[event],
            "X-Gitlab-Event-UUID": str(uuid.uuid4()),
            "X-Gitlab-Webhook-UUID": str(uuid.uuid4()),
            "X-Gitlab-Instance": ELSEWHERE,
            "X-Gitlab-Token": webhook.secret,
            "webhook-id": guid,
            "webhook-timestamp": now,
        }
        if webhook.id in self.signing:
            key = base64.b64decode(self.signing[webhook.id].removeprefix("whsec_"))
            digest = hmac.new(key, f"{guid}.{now}.".encode() + body, hashlib.sha256).digest()
            headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
        return headers

    def push_payload(self, hosted: Hosted, branch: str, before: str, after: str) -> dict[str, Any]:
        return {
            **EXAMPLES["webhooks/push"],
            "ref": f"refs/heads/{branch}",
            "before": before,
            "after": after,
            "checkout_sha": after,
            "project_id": hosted.id,
            "project": self._of_payload(hosted),
        }

    def pull_payload(self, hosted: Hosted, pull: Pull, action: str) -> dict[str, Any]:
        example = EXAMPLES["webhooks/merge_request"]
        attributes = {
            **example["object_attributes"],
            "iid": pull.number,
            "action": self._action(pull, action),
            "state": state_of(pull),
            "title": pull.title,
            "source_branch": pull.branch,
            "target_branch": pull.target,
            "source_project_id": self.origin(hosted, pull.fork).id,
            "target_project_id": hosted.id,
            "author_id": self.people[pull.author].id,
            "last_commit": {**example["object_attributes"]["last_commit"], "id": pull.head},
            "draft": pull.draft,
            "labels": [{"id": 1, "title": label} for label in pull.labels],
            "updated_at": pull.updated_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        }
        if action == "synchronize":
            attributes["oldrev"] = pull.base
        user = self.author(pull.author)
        return {**example, "user": user, "project": self._of_payload(hosted), "object_attributes": attributes}

    def comment_payload(
        self, hosted: Hosted, pull: Pull, comment: Comment, action: str
    ) -> tuple[str, dict[str, Any]]:
        """The kind and the body of what happened to a comment below a merge request."""
        example = EXAMPLES["webhooks/note_merge_request"]
        attributes = {
            **example["object_attributes"],
            "id": comment.id,
            "note": comment.body,
            "action": "create" if action == "created" else "update",
        }
        return "note", {
            **example,
            "user": self.author(comment.author),
            "project_id": hosted.id,
            "object_attributes": attributes,
            "merge_request": {**example["merge_request"], "iid": pull.number},
        }

    def _action(self, pull: Pull, action: str) -> str:
        if action == "closed":
            return "merge" if pull.merged else "close"
        return ACTIONS.get(action, "update")

    def repository_payload(self, hosted: Hosted, action: str) -> dict[str, Any]:
        raise NotImplementedError("a project's webhooks tell nothing of that kind")

    def _of_payload(self, hosted: Hosted) -> dict[str, Any]:
        return {
            **EXAMPLES["webhooks/push"]["project"],
            "id": hosted.id,
            "path_with_namespace": hosted.full_name,
        }
