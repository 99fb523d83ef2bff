"""Runs one policy of a pack on files given as a dict: the sandbox's own runner, without the sandbox."""

from typing import Any

from seatrial.agent.sandboxes.broker import READERS
from seatrial.agent.sandboxes.text import readable
from seatrial.agent.sandboxes.validation import checked
from seatrial.control.policies import packs
from seatrial.sandbox import policy
from seatrial.sandbox.project import Project

EVERY = {packed.slug: packed for pack in packs.catalogue() for packed in pack.policies}
STARTER = {packed.slug: packed for packed in packs.read(packs.STARTER)}


class Answers:
    """What a host answers about `files`; of anything else what `others` says, by the question's name."""

    def __init__(self, files: dict[str, str | bytes], others: dict[str, Any]) -> None:
        self._blobs = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
        self._others = others

    def __call__(self, method: str, arguments: list[Any]) -> Any:
        """The answer to one question."""
        if method in self._others:
            value = self._others[method]
            return value.get(arguments[0]) if arguments and isinstance(value, dict) else value
        if method == "list_files":
            return sorted(self._blobs)
        if method == "get_file_sizes":
            return {path: len(blob) for path, blob in self._blobs.items()}
        if method == "get_file_content":
            return self._text(arguments[0])
        if method in READERS:
            text = self._text(arguments[0])
            return READERS[method](text) if isinstance(text, str) else text
        assert method == "get_files_content", method
        texts = {path: self._text(path) for path in arguments}
        return {"files": {p: t for p, t in texts.items() if isinstance(t, str)}, "done": len(arguments)}

    def _text(self, path: str) -> Any:
        return readable(self._blobs.get(path))


def run(
    slug: str, files: dict[str, str | bytes], others: dict[str, Any] | None = None, **params: Any
) -> dict[str, Any]:
    """What the policy returns, after the host's own check of its shape."""
    packed = EVERY[slug]
    logged: list[tuple[str, str]] = []
    offer = {
        "project": Project(Answers(files, others or {})),
        "log": policy.Log(lambda level, text: logged.append((level, text))),
        "params": {**packed.params, **params},
    }
    result = policy.run(f"{slug}.py", packed.code, offer)
    checked(result)
    return {**result, "logged": logged}
