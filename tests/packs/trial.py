"""Runs one policy of the starter pack on files given as a dict: the sandbox's own runner, without the sandbox."""

from typing import Any

from seatrial.agent.sandboxes.text import readable
from seatrial.agent.sandboxes.validation import checked
from seatrial.control.policies import packs
from seatrial.sandbox import policy
from seatrial.sandbox.project import Project

STARTER = {packed.slug: packed for packed in packs.read("starter")}


def run(slug: str, files: dict[str, str | bytes], **params: Any) -> dict[str, Any]:
    """What the policy returns, after the host's own check of its shape."""
    blobs = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}

    def ask(method: str, arguments: list[Any]) -> Any:
        if method == "list_files":
            return sorted(blobs)
        if method == "get_file_sizes":
            return {path: len(blob) for path, blob in blobs.items()}
        if method == "get_file_content":
            return readable(blobs.get(arguments[0]))
        assert method == "get_files_content"
        texts = {path: readable(blobs.get(path)) for path in arguments}
        return {"files": {p: t for p, t in texts.items() if isinstance(t, str)}, "done": len(arguments)}

    packed = STARTER[slug]
    logged: list[tuple[str, str]] = []
    offer = {
        "project": Project(ask),
        "log": policy.Log(lambda level, text: logged.append((level, text))),
        "params": {**packed.params, **params},
    }
    result = policy.run(f"{slug}.py", packed.code, offer)
    checked(result)
    return {**result, "logged": logged}
