"""No policy of a pack is given all paths of a repository: where there are a million, they fit into no answer."""

import asyncio
import contextlib
import json
from typing import Any

import pytest

from seatrial.agent.sandboxes import filing
from seatrial.agent.sandboxes.literals import Literals
from seatrial.sandbox import policy
from seatrial.sandbox.project import Project
from tests.packs.trial import EVERY

SOURCES = {f"portal/src/main/java/com/example/package_{n // 50}/Module{n}.java": "" for n in range(2_000)}
MOST = 20_000  # characters of an answer; all paths have 90,000


@pytest.mark.parametrize("slug", sorted(EVERY))
def test_a_policy_asks_for_the_files_that_it_looks_at(slug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filing, "PART", MOST // 2)
    packed = EVERY[slug]
    answers = Literals(
        {
            "files": {
                **SOURCES,
                "README.md": "# Read",
                "Dockerfile": "FROM a\nCOPY . .\n",
                "CODEOWNERS": "* @a",
            }
        }
    )
    asked: list[str] = []

    with asyncio.Runner() as runner:

        def ask(method: str, arguments: list[Any]) -> Any:
            answer = runner.run(answers.answer([method, arguments]))[0]
            asked.append(method)
            assert len(json.dumps(answer)) < MOST, f"{method} {arguments}"
            return answer

        offer = {"project": Project(ask), "log": policy.Log(lambda *_: None), "params": packed.params}
        with contextlib.suppress(RuntimeError):  # with which policies of packs say that nobody knows
            assert policy.run(f"{slug}.py", packed.code, offer)["message"]
    assert asked
