"""Answers one live policy: what it asks of the preview, beside what it asks of the commit."""

import json
from typing import Any

from seatrial.agent.sandboxes.questions import Answers, Seen, Unanswerable, understood
from seatrial.agent.vocabulary.errors import NotVisited
from seatrial.agent.vocabulary.visits import Visits
from seatrial.wire.digests import digest_of
from seatrial.wire.previews import MOST_VISITS, AskVisit, Preview, VisitRefused, unpack

PREVIEW, VISIT = "preview", "visit"


def as_told(preview: Preview) -> dict[str, Any]:
    """The preview as policies see it."""
    told = preview.model_dump(mode="json")
    return {**told, "screenshot": told.pop("looks")}


class OnPreview:
    """`Answers` about one preview to one policy, which may visit it MOST_VISITS times; the rest is answered by `others`.

    `run` is the id of its evaluation or trial, by which the control plane knows whether and which preview it may visit. Raises
    NotVisited for what is not the policy's fault.
    """

    def __init__(self, others: Answers, preview: Preview, run: str, visits: Visits) -> None:
        self._others = others
        self._preview = as_told(preview)
        self._run = run
        self._visits = visits
        self._left = MOST_VISITS

    async def answer(self, question: Any) -> tuple[Any, Seen]:
        """See Answers."""
        method, arguments = understood(question)
        if method == PREVIEW and not arguments:
            return self._preview, [(json.dumps([PREVIEW, []]), digest_of(self._preview))]
        if method == VISIT:
            answer = await self._visit(arguments)
            return answer, [(json.dumps([VISIT, arguments]), digest_of(answer))]
        return await self._others.answer(question)

    async def _visit(self, arguments: list[Any]) -> dict[str, Any]:
        match arguments:
            case [str(path), str(service), str(method), list(headers)]:
                asked = AskVisit(run=self._run, path=path, service=service, method=method, headers=headers)
            case _:
                raise Unanswerable("project.visit takes a path, a service, a method and headers")
        if not self._left:
            raise Unanswerable(f"a policy may visit its preview {MOST_VISITS} times, and this one has")
        self._left -= 1
        said = await self._visits(asked)
        if isinstance(said, VisitRefused):
            if said.asked_wrongly:
                raise Unanswerable(said.message)
            raise NotVisited(said.message, again=said.again)
        try:
            body = unpack(said.body) if said.body else ""
        except ValueError as error:
            raise NotVisited(str(error)) from error
        return {
            "status": said.status,
            "headers": said.headers,
            "time": said.seconds,
            "body": body,
            "left_out": said.left_out,
            "why": said.why,
        }
