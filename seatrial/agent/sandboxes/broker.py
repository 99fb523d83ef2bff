"""Answers policies' questions: files and history from git objects, forge facts from the evaluation's snapshot, nothing else."""

import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

from seatrial.agent.sandboxes.classes import class_of
from seatrial.agent.sandboxes.comparing import BaseTree, Change, Comparing, limited
from seatrial.agent.sandboxes.dependencies import Dependencies
from seatrial.agent.sandboxes.facts.fact import Fact
from seatrial.agent.sandboxes.facts.gathering import Gathering, known_by
from seatrial.agent.sandboxes.facts.inputs import inputs_of
from seatrial.agent.sandboxes.facts.readers import Reader, ReadFact, Readings
from seatrial.agent.sandboxes.facts.tools import source_of
from seatrial.agent.sandboxes.filing import Filing
from seatrial.agent.sandboxes.owners import PLACES, Rule, owners_by_expression, owners_of, rules
from seatrial.agent.sandboxes.questions import Seen, Unanswerable, understood
from seatrial.agent.sandboxes.reading import READERS, Reading
from seatrial.agent.sandboxes.told import Told
from seatrial.agent.vocabulary.tree import Tree
from seatrial.wire.evaluations import ForgeFacts

SHARED = ("get_manifests",)  # known by the content of files, and asked for alike by several policies


class Broker:
    """One commit, its change and its forge's facts. Answers may be asked for concurrently and never change.

    `answer` also returns what the policy has seen, as (question, digest) pairs. `digest` computes the digest for one
    question, without reading blobs where the question is about them, so looking up a memoised result is cheap.
    """

    def __init__(
        self,
        tree: Tree,
        facts: ForgeFacts,
        change: Change | None = None,
        base_tree: BaseTree | None = None,
        gathering: Gathering | None = None,
    ) -> None:
        self._tree = tree
        self._facts = facts
        self._gathering = gathering
        self._change = change or Change()
        self._reading = Reading(tree)
        self._readings = Readings(self._reading)
        self._dependencies = Dependencies(self._reading)
        self.gathered: dict[str, Fact | ReadFact] = {}  # by name
        self._told = Told()
        self._owners: list[Rule] | None = None
        reading, comparing = self._reading, Comparing(tree, base_tree)
        filing = Filing(reading)
        self._answers: dict[str, Callable[..., Awaitable[Any]]] = {
            "list_files": reading.paths,
            "get_file_content": reading.content,
            "get_file_sizes": reading.sizes,
            **filing.answers(),
            "get_languages": reading.languages,
            "get_entry": reading.entry,
            "search": reading.search,
            "get_manifests": self._dependencies.manifests,
            **{method: partial(reading.document, method) for method in READERS},
            "fact": self._fact,
            "get_class": self._class,
            "get_code_owners": self._code_owners,
            "owners_of": self._owners_of,
            "get_changed_files": comparing.files,
            "get_diff": comparing.diff,
            "get_history": comparing.history,
            "get_contributors": self._contributors,
            "get_tags": self._tags,
            "get_file_last_commit_date": self._last_commit_date,
            "get_members": self._members,
            "get_default_branch": self._default_branch,
            "get_branch_protection": self._protection,
            "get_topics": self._topics,
            "get_metadata": self._metadata,
            **{name: partial(self._of_change, name) for name in ("event", "commit", "base", "ref", "number")},
        }

    async def answer(self, question: Any) -> tuple[Any, Seen]:
        """The answer to `[method, [arguments]]`. Raises Unanswerable; CheckoutError when git fails, FactFailed when a tool does."""
        method, arguments = understood(question)
        if method == "get_files_content":
            return await self._reading.contents(_paths(arguments))
        if method not in self._answers:
            live = " for a policy without LIVE = True" if method in ("preview", "visit") else ""
            raise Unanswerable(f"project.{method} does not exist{live}")
        asked = json.dumps([method, arguments])
        try:
            known = await self._blob_digest(method, arguments)
            if known is not None and method not in SHARED:
                return await self._answers[method](*arguments), [(asked, known)]
            value, digest = await self._told.once(asked, lambda: self._answers[method](*arguments))
        except TypeError as error:
            raise Unanswerable(f"project.{method} takes other arguments") from error
        return value, [(asked, known or digest)]

    async def digest(self, asked: str) -> str:
        """The digest that `answer` would return for this question. Raises the same errors as `answer`."""
        method, arguments = understood(json.loads(asked))
        digest = await self._blob_digest(method, arguments)
        if digest is not None:
            return digest
        known = self._told.digest(asked)
        if known is None:
            _, [(_, known)] = await self.answer([method, arguments])
        return known

    async def has_language(self, names: Sequence[str]) -> bool:
        """Whether any file is written in one of these languages, in upper or lower case."""
        spoken = await self._reading.languages()
        return bool({name.lower() for name in names} & {name.lower() for name in spoken})

    async def lines(self, wanted: Mapping[str, Collection[int]]) -> tuple[dict[tuple[str, int], str], Seen]:
        """See `Reading.lines`. Raises CheckoutError."""
        return await self._reading.lines(wanted)

    async def _blob_digest(self, method: str, arguments: Sequence[Any]) -> str | None:
        """The digest of a question about the content of files, without reading them; None for other questions. Raises TypeError
        without the argument that it takes."""
        if method == "get_file_content" or method in READERS:
            return await self._reading.file_digest(_first(arguments), method)
        if method == "get_manifests":
            return await self._dependencies.digest(*arguments)
        if method == "fact":
            tool = source_of(_first(arguments))
            if isinstance(tool, Reader):
                return await self._readings.known_by(tool)
            return known_by(tool, await inputs_of(self._reading, tool.looks_at))
        return await self._reading.search_digest(*arguments) if method == "search" else None

    async def _fact(self, name: str) -> dict[str, Any]:
        """What a tool says of the commit; in a policy's own tests, which say nothing about it, that it found nothing."""
        tool = source_of(name)
        if isinstance(tool, Reader):
            self.gathered[name] = await self._readings.fact(tool)
        elif self._gathering is None:
            return Fact(tool=tool.name, version=tool.version).answer
        else:
            self.gathered[name] = await self._gathering.fact(tool, self._tree, self._reading)
        return self.gathered[name].answer

    async def _class(self, path: str) -> str:
        return class_of(path)

    async def _code_owners(self) -> list[dict[str, Any]]:
        return [vars(rule) for rule in await self._rules()]

    async def _owners_of(self, path: str) -> list[str]:
        owning = owners_by_expression if self._facts.code_owners_by_expression else owners_of
        return owning(await self._rules(), path)

    async def _rules(self) -> list[Rule]:
        if self._owners is None:
            texts = [await self._reading.content(place) for place in PLACES]
            self._owners = rules(
                next((text for text in texts if isinstance(text, str)), ""),
                sections=not self._facts.code_owners_by_expression,
            )
        return self._owners

    async def _of_change(self, name: str) -> Any:
        return getattr(self._change, name)

    async def _contributors(self) -> list[dict[str, Any]]:
        pairs = await self._tree.contributors()
        return [{"username": name, "commits": commits} for name, commits in pairs]

    async def _tags(self, limit: str = "100") -> list[dict[str, Any]]:
        return [one._asdict() for one in (await self._tree.tags())[: limited(limit)]]

    async def _last_commit_date(self, path: str) -> str | None:
        return await self._tree.last_commit_date(path) if path in await self._reading.index() else None

    async def _members(self) -> list[dict[str, Any]]:
        return [member.model_dump(mode="json") for member in self._facts.members]

    async def _default_branch(self) -> str:
        return self._facts.default_branch

    async def _protection(self, branch: str = "") -> dict[str, Any] | None:
        found = self._facts.protection
        if branch and branch != (found.branch if found is not None else self._facts.default_branch):
            raise Unanswerable(
                f"only the protection of the default branch, {self._facts.default_branch}, is asked for at the code host, not that of {branch}"
            )
        return found.model_dump(mode="json") if found is not None else None

    async def _topics(self) -> list[str]:
        return self._facts.topics

    async def _metadata(self) -> dict[str, Any]:
        return self._facts.metadata.model_dump(mode="json", exclude_none=True)


def _first(arguments: Sequence[Any]) -> Any:
    if not arguments:
        raise TypeError("an argument is missing")
    return arguments[0]


def _paths(arguments: Sequence[Any]) -> list[str]:
    if not all(isinstance(one, str) for one in arguments):
        raise Unanswerable("paths must be strings")
    return list(arguments)
