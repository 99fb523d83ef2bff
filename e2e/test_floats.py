"""Live policies: a running preview is visited through the ingress, by a sandbox without a network."""

from pathlib import Path
from typing import Any

import pytest

from e2e.platform import Platform, eventually
from e2e.repositories import static
from e2e.test_policy import posted
from seatrial.wire.states import TrialState

pytestmark = pytest.mark.e2e

PACK = Path(__file__).parents[1] / "seatrial/control/policies/packs/sea_trial"
SEAWORTHY = '''"""The preview answers, and only the preview is visited."""

import json

LIVE = True


def evaluate(project):
    page, missing = project.visit("/"), project.visit("/none")
    refused = []
    for path in ("//127.0.0.1/", "http://127.0.0.1/", "/../", "/a\\r\\nHost: x"):
        try:
            project.visit(path)
        except ValueError:
            refused.append(path)
    (web,) = project.preview["services"]
    said = [page["body"], missing["status"], len(refused), web["user"], web["listening"], web["declared"], web["image_bytes"] > 0]
    return {"passed": page["status"] == 200, "message": json.dumps(said), "details": {"logs": web["logs"]}}
'''


def test_a_preview_floats_and_each_policy_of_the_pack_has_an_opinion(platform: Platform, home: Path) -> None:
    (home / "seaworthy.py").write_text(SEAWORTHY)
    assert platform.run("policies", "create", "seaworthy", str(home / "seaworthy.py")).returncode == 0
    assert platform.run("policies", "level", "seaworthy", "advisory").returncode == 0
    try:
        environment = platform.json("preview", str(static(home / "cutter")), "--branch", "feature")
        address = f"/environments/{environment['id']}"
        eventually(lambda: platform.api(address)["floats"] == "passed", what="it floats")
        of_project = next(one for one in platform.status()["projects"] if one["name"] == "cutter")
        (about,) = [one for one in of_project["evaluations"] if one["event"] == "preview"]
        evaluation = platform.api(f"/evaluations/{about['id']}")
        assert evaluation["deployment"] == environment["deployment"]["id"]
        (said,) = evaluation["results"]
        assert said["message"] == '["version one", 404, 4, "", [8080], [8080], true]'
        assert (evaluation["isolation"], said["network"], said["memoised"]) == ("runsc", "", False)
        assert "floats" in platform.run("preview", str(home / "cutter"), "--branch", "feature").stdout
    finally:
        platform.run("policies", "level", "seaworthy", "draft")
    project = environment["project"]
    for path in sorted(PACK.glob("preview_*.py")):  # without starting a command for each
        key = trial(platform, project, path)
        ended = eventually(lambda key=key: ended_trial(platform, key), what=f"{path.name} was tried")
        (row,) = ended["results"]
        assert row["state"] in {"passed", "failed"}, row["message"]
    platform.run("close", str(home / "cutter"), "--branch", "feature")
    tried = platform.json("policy", "try", str(PACK / "preview_user.py"), "--project", "cutter")
    assert tried["results"][0]["state"] == "skipped"


def trial(platform: Platform, project: str, path: Path) -> str:
    """The id of a trial of the policy in the file."""
    body = {"project": project, "slug": path.stem.replace("_", "-"), "code": path.read_text()}
    return str(posted(platform, "/policies/trials", body)["id"])


def ended_trial(platform: Platform, key: str) -> Any:
    said = platform.api(f"/trials/{key}")
    return said if TrialState(said["state"]).terminal else None
