"""`seatrial policy`: a policy is tried before it counts, in the sandbox in which it will run."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from e2e.platform import Platform, eventually
from e2e.repositories import commit, git, repository
from seatrial.wire.states import TrialState

pytestmark = pytest.mark.e2e

STARTER = Path(__file__).parents[1] / "seatrial/control/policies/packs/starter"
STRICT = '''"""Nothing is called app.py."""

TESTS = [{"name": "an app", "input": {"files": {"app.py": ""}}, "expected": {"passed": False, "findings": 1}}]


def evaluate(project):
    found = [{"path": path, "message": "an app"} for path in project.list_files() if path == "app.py"]
    return {"passed": not found, "message": f"{len(found)} apps", "findings": found}
'''
SLOW = """import time


def evaluate(project):
    time.sleep(20)
    return {"passed": True, "message": f"{len(project.list_files())} files"}
"""


def test_a_policy_is_tested_tried_and_replayed_and_nothing_counts(platform: Platform, home: Path) -> None:
    path = repository(home / "ketch", {})
    git(path, "checkout", "--quiet", "main")
    commit(path, {"app.py": "print(1)\n"})
    checked = platform.json("check", str(path), "--branch", "main")
    strict = home / "no_apps.py"
    strict.write_text(STRICT)
    tests = platform.json("policy", "test", str(strict), str(STARTER))
    assert tests["tests"] == "passed" and tests["isolation"] == "runsc"
    assert {row["policy"] for row in tests["results"]} >= {"no-apps", "no-secrets"}
    trial = platform.json("policy", "try", str(strict), "--project", "ketch")
    (row,) = trial["results"]
    assert (row["state"], row["findings"][0]["path"]) == ("failed", "app.py") and trial["commit"] == checked[
        "commit"
    ]
    replay = platform.json("policy", "replay", str(strict), "--project", "ketch")
    assert (
        replay["state"] == "finished" and replay["counts"]["commits"] == replay["counts"]["newly_failing"] > 0
    )
    again = platform.json("check", str(path), "--branch", "main")
    assert verdicts(again) == verdicts(checked) and "no-apps" not in verdicts(again)


@pytest.mark.campaign  # the queue gives a dead agent's job to somebody else after a minute
def test_a_trial_survives_the_death_of_its_agent(platform: Platform, home: Path) -> None:
    path = repository(home / "sloop", {"a.txt": "a"})
    checked = platform.json("check", str(path), "--branch", "main")
    project = next(one["id"] for one in platform.api("/projects") if one["slug"] == "sloop")
    asked = {"project": project, "commit": checked["commit"], "slug": "slow", "code": SLOW}
    trial = f"/trials/{posted(platform, '/policies/trials', asked)['id']}"
    eventually(lambda: platform.api(trial)["state"] == TrialState.RUNNING, what="an agent runs it")
    platform.process("agent").kill()
    eventually(lambda: TrialState(platform.api(trial)["state"]).terminal, what="it has ended")
    ended = platform.api(trial)
    assert ended["state"] == TrialState.FINISHED, ended
    assert "files" in ended["results"][0]["message"]


def posted(platform: Platform, path: str, body: dict[str, Any]) -> Any:
    """POST below /api/v1 with the command line's own token."""
    token = (platform.directory / "token").read_text().strip()
    address = f"http://127.0.0.1:{platform.port}/api/v1{path}"
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.post(address, json=body, headers=headers, timeout=180, trust_env=False, verify=False)
    answer.raise_for_status()
    return answer.json()


def verdicts(evaluation: dict[str, Any]) -> dict[str, str]:
    """What each policy said."""
    return {result["policy"]: result["state"] for result in evaluation["results"]}
