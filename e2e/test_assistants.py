"""A coding assistant takes a pull request from red to green by itself, with the protocol's own client and a token with scopes."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from e2e.platform import Platform
from e2e.repositories import git, repository
from seatrial.wire.states import TrialState

pytestmark = pytest.mark.e2e

POLICY = '''"""No breakpoint is left in Python: it stops the server for everybody who asks it for anything."""

TESTS = [{"name": "one", "input": {"files": {"a.py": "breakpoint()\\n"}}, "expected": {"passed": False, "findings": 1}}]


def evaluate(project):
    found = []
    for path in project.list_files():
        lines = (project.get_file_content(path) or "").split("\\n") if path.endswith(".py") else []
        for number, line in enumerate(lines, 1):
            if line.strip() == "breakpoint()":
                fix = f"--- a/{path}\\n+++ b/{path}\\n@@ -{number},1 +{number - 1},0 @@\\n-{line}\\n"
                found.append({"path": path, "line": number, "message": "a breakpoint", "fix": fix})
    return {"passed": not found, "message": f"{len(found)} breakpoints", "findings": found}
'''
APP = "def main():\n    total = 1\n    breakpoint()\n    return total\n"


class Assistant:
    """A script instead of a model: it knows the order of the tools, and of this server only what they say."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.called: list[str] = []

    async def call(self, tool: str, **arguments: Any) -> Any:
        self.called.append(tool)
        result = await self.client.call_tool(tool, arguments)
        assert not result.is_error, result.content
        return result.structured_content

    async def until(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        async with asyncio.timeout(600):
            while not (said := await ask()):  # noqa: ASYNC110  (the protocol has nothing to wait for)
                await asyncio.sleep(1)
        return said

    async def verdict(self, project: str, head: str) -> Any:
        """That of the pull request's newest evaluation, once it is of this commit and has ended."""

        async def ask() -> Any:
            page = await self.call("list_evaluations", project=project, number=1, current=True)
            newest = next((row for row in page["items"] if row["commit"] == head), None)
            if newest is None:
                return None
            said = await self.call("get_evaluation", evaluation_id=newest["id"])
            return said if said["done"] else None

        return await self.until(ask)


def admin(platform: Platform, method: str, where: str, /, **body: Any) -> Any:
    """What people do: as the command line's own token, which has no scopes."""
    token = (platform.directory / "token").read_text().strip()
    address = f"http://127.0.0.1:{platform.port}/api/v1{where}"
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.request(
        method, address, json=body, headers=headers, timeout=180, trust_env=False, verify=False
    )
    assert answer.is_success, answer.text
    return answer.json()


def one_policy_counts(platform: Platform, project: str, slug: str) -> None:
    """Of the shared platform's policies, only this one judges the project, and only the project is judged by it."""
    for policy in admin(platform, "GET", "/policies"):
        path = f"/policies/{policy['id']}"
        if policy["slug"] != slug:
            why = {"excluded": True, "reason": "another test's"}
            admin(platform, "POST", f"{path}/attachments", project=project, **why)
            continue
        for attachment in admin(platform, "GET", f"{path}/rollout")["attachments"]:
            admin(platform, "DELETE", f"{path}/attachments/{attachment['id']}")
        admin(platform, "POST", f"{path}/attachments", project=project)
        admin(platform, "PATCH", f"{path}/level", level="soft")


def mend(clone: Path, said: dict[str, Any]) -> str:
    """What the explanation says, in the assistant's own clone; the commit that it pushed."""
    (policy,) = said["policies"]
    for finding in policy["findings"]:
        assert (
            "breakpoint()"
            in git(clone, "show", f"{said['commit']}:{finding['path']}").split("\n")[finding["line"] - 1]
        )
        git(clone, *finding["apply_with"].split()[1:], given=finding["fix"].encode())
    git(clone, "commit", "-qam", "Take the breakpoint out")
    git(clone, "push", "-q", "origin", "feature")
    return git(clone, "rev-parse", "HEAD")


def test_an_assistant_takes_a_pull_request_from_red_to_green(platform: Platform, home: Path) -> None:
    path = repository(home / "yawl", {"app.py": APP})
    git(path, "checkout", "-q", "main")  # so that it takes pushes to `feature`
    head = git(path, "rev-parse", "feature")
    project = admin(platform, "POST", "/local/projects", path=str(path))["id"]
    scopes = [word for scope in ("policies:run", "policies:write") for word in ("--scope", scope)]
    made = platform.json("tokens", "create", "assistant", *scopes)

    async def session() -> list[str]:
        headers = {"Authorization": f"Bearer {made['token']}"}
        async with httpx2.AsyncClient(headers=headers, timeout=180, trust_env=False, verify=False) as http:
            address = f"http://localhost:{platform.port}/mcp"
            async with Client(streamable_http_client(address, http_client=http)) as client:
                assistant = Assistant(client)
                await written(assistant)
                await from_red_to_green(assistant)
                return assistant.called

    async def written(assistant: Assistant) -> None:
        (shop,) = [one for one in (await assistant.call("list_projects"))["items"] if one["id"] == project]
        file = {"workspace": shop["workspace"], "slug": "no-breakpoints-left", "code": POLICY}
        tests = await assistant.call(
            "test_policy", workspace=file["workspace"], files=[{"slug": file["slug"], "code": POLICY}]
        )
        ended = await assistant.until(lambda: trial(assistant, tests["id"]))
        assert ended["tests"] == "passed" and ended["isolation"] == "runsc", ended
        saved = await assistant.call("save_policy", **file, note="They keep coming back")
        assert saved["level"] == "draft"
        again = await assistant.call("test_saved_policy", policy_id=saved["id"])
        assert (await assistant.until(lambda: trial(assistant, again["id"])))["tests"] == "passed"
        await asyncio.to_thread(one_policy_counts, platform, project, file["slug"])
        await asyncio.to_thread(admin, platform, "POST", "/local/pulls", project=project, branch="feature")

    async def from_red_to_green(assistant: Assistant) -> None:
        red = await assistant.verdict(project, head)
        assert red["state"] == "failed", red
        said = await assistant.call("explain_failure", evaluation_id=red["id"])
        assert "stops the server" in said["policies"][0]["why"]
        clone = home / "clone"
        await asyncio.to_thread(git, home, "clone", "-q", "-b", "feature", str(path), str(clone))
        mended = await asyncio.to_thread(mend, clone, said)
        green = await assistant.verdict(project, mended)
        assert (green["state"], green["score"]) == ("passed", 100.0), green
        replay = await assistant.call(
            "replay_policy", policy_id=await policy_of(assistant), projects=[project]
        )
        counts = (await assistant.until(lambda: replayed(assistant, replay["id"])))["counts"]
        assert counts["failed"] == 0 and counts["passed"] > 0

    called = asyncio.run(session())
    assert {"list_projects", "list_evaluations", "explain_failure", "get_evaluation"} <= {*called}
    platform.json("tokens", "revoke", made["id"])
    refused = httpx.post(
        f"http://localhost:{platform.port}/mcp",
        headers={"Authorization": f"Bearer {made['token']}"},
        timeout=180,
        trust_env=False,
        verify=False,
    )
    assert refused.status_code == 401


async def trial(assistant: Assistant, key: str) -> Any:
    said = await assistant.call("get_trial", trial_id=key)
    return said if TrialState(said["state"]).terminal else None


async def replayed(assistant: Assistant, key: str) -> Any:
    said = await assistant.call("get_replay", replay_id=key)
    return said if said["state"] not in {"queued", "running"} else None


async def policy_of(assistant: Assistant) -> str:
    page = await assistant.call("list_policies", slug="no-breakpoints-left")
    return str(page["items"][0]["id"])
