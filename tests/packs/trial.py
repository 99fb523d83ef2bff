"""Runs one policy of a pack on files given as a dict: the agent's own answers and the sandbox's own runner, without the sandbox."""

import asyncio
import base64
from typing import Any

from seatrial.agent.sandboxes.literals import Literals
from seatrial.agent.sandboxes.outcome import Ending, Outcome
from seatrial.agent.sandboxes.validation import checked, judge
from seatrial.control.policies import packs
from seatrial.sandbox import policy
from seatrial.sandbox.project import Project
from seatrial.wire.evaluations import PolicyResult, PolicyToRun
from seatrial.wire.trials import BYTES, FILES

EVERY = {packed.slug: packed for pack in packs.catalogue() for packed in pack.policies}
STARTER = {packed.slug: packed for packed in packs.read(packs.STARTER)}


def run(slug: str, files: dict[str, str | bytes], **params: Any) -> dict[str, Any]:
    """What the policy returns about `files`, after the host's own check of its shape."""
    value, logged = returned(
        slug, {FILES: {path: literal(content) for path, content in files.items()}}, params
    )
    checked(value)
    return {**value, "logged": logged}


def judged(slug: str, given: dict[str, Any], params: dict[str, Any]) -> PolicyResult:
    """The policy's result when `given`, the input of a test, answers what it asks."""
    packed = EVERY[slug]
    version = PolicyToRun(version_id=slug, slug=slug, code=packed.code, digest=packed.digest)
    try:
        value, logged = returned(slug, given, params)
    except RuntimeError as error:  # with which policies of packs say that nobody knows
        return judge(version, Outcome(how=Ending.FINISHED, said={"raised": str(error)}))
    return judge(version, Outcome(how=Ending.FINISHED, said={"returned": value}, logs=logged))


def returned(
    slug: str, given: dict[str, Any], params: dict[str, Any]
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """What the policy returns and logs."""
    packed = EVERY[slug]
    logged: list[tuple[str, str]] = []
    with asyncio.Runner() as runner:
        answers = Literals(given)
        offer = {
            "project": Project(lambda method, arguments: runner.run(answers.answer([method, arguments]))[0]),
            "log": policy.Log(lambda level, text: logged.append((level, text))),
            "params": {**packed.params, **params},
        }
        return policy.run(f"{slug}.py", packed.code, offer), logged


def literal(content: str | bytes) -> Any:
    """A file's content as tests of policies write it."""
    return content if isinstance(content, str) else {BYTES: base64.b64encode(content).decode()}
