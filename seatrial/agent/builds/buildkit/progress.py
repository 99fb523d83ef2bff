"""What buildx reports while it builds (`--progress=rawjson`), as lines for people and as what is known of each step.

The daemon runs stages side by side. Each line that a step prints comes below the line that names the step.
"""

import base64
import binascii
import json
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seatrial.agent.builds.steps import Step
from seatrial.agent.commands.logged import LONGEST_LINE, TAIL_LINES

NAMED = re.compile(r"\[(?:[\w/]+ )??(?:(\S+) )?(\d+)/(\d+)\] (\w+)")  # [stage 2/5] RUN ..., [2/5] RUN ...
INTERNAL = "[internal]"
USING_CACHE = "--> Using cache"
MOST_OBJECT = 8_000_000  # characters of one report


@dataclass
class Vertex:
    """One step at the daemon. `title` is how its line begins; `step` is the Dockerfile's instruction."""

    title: str
    step: Step | None
    began: bool = False
    cached: bool = False
    error: str = ""
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))
    rest: bytes = b""


@dataclass
class Progress:
    """One build's reports. `counted` and `labels` are the dialect's: the instructions that BuildKit counts, by stage."""

    counted: Sequence[Sequence[Step]]
    labels: Sequence[str]
    said: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))  # by buildx itself
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))
    _object: str = ""
    _vertices: dict[str, Vertex] = field(default_factory=dict)
    _last: Vertex | None = None

    def heed(self, line: str) -> list[str]:
        """One line of buildx. Returns the lines for people that follow from it."""
        if not self._object and not line.startswith("{"):
            if line.strip():
                self.said.append(line)
            return []
        self._object += line + "\n"
        if line.rstrip() != "}" and not (line.startswith("{") and line.rstrip().endswith("}")):
            if len(self._object) > MOST_OBJECT:
                self._object = ""
            return []
        text, self._object = self._object, ""
        try:
            report = json.loads(text)
        except ValueError:
            self.said.append(text.strip())
            return []
        lines = list(self._reported(report))
        self.tail.extend(lines)
        return lines

    @property
    def failed(self) -> Vertex | None:
        """The step that failed first, and not because another did."""
        failed = [v for v in self._vertices.values() if v.error]
        return next((v for v in failed if "context canceled" not in v.error), next(iter(failed), None))

    def rest(self) -> list[str]:
        """What steps printed without ending the line."""
        lines = [line for v in self._vertices.values() for line in self._line(v, v.rest) if v.rest]
        self.tail.extend(lines)
        return lines

    def _reported(self, report: Mapping[str, Any]) -> list[str]:
        lines: list[str] = []
        for one in report.get("vertexes") or []:
            lines += self._changed(one)
        for one in report.get("logs") or []:
            lines += self._printed(one)
        return lines

    def _changed(self, report: Mapping[str, Any]) -> list[str]:
        vertex = self._vertices.setdefault(str(report.get("digest")), self._known(str(report.get("name"))))
        vertex.error = str(report.get("error") or "") or vertex.error
        lines: list[str] = []
        if vertex.title and report.get("started") and not vertex.began:
            vertex.began, self._last = True, vertex
            lines.append(vertex.title)
        if vertex.title and report.get("cached") and not vertex.cached:
            vertex.cached = True
            lines += [*([vertex.title] if self._last is not vertex else []), USING_CACHE]
            self._last = vertex
        return lines

    def _printed(self, report: Mapping[str, Any]) -> list[str]:
        vertex = self._vertices.get(str(report.get("vertex")))
        if vertex is None:
            return []
        try:
            data = vertex.rest + base64.b64decode(str(report.get("data") or ""))
        except binascii.Error:
            return []
        *whole, vertex.rest = data.split(b"\n")
        if len(vertex.rest) > LONGEST_LINE:
            whole, vertex.rest = [*whole, vertex.rest], b""
        return [line for one in whole for line in self._line(vertex, one)]

    def _line(self, vertex: Vertex, raw: bytes) -> list[str]:
        text = raw.decode(errors="replace").rstrip("\r").rsplit("\r", 1)[-1]
        if len(text) > LONGEST_LINE:
            text = text[:LONGEST_LINE] + " ... (line cut)"
        vertex.tail.append(text)
        named = [vertex.title] if vertex.title and self._last is not vertex else []
        self._last = vertex
        return [*named, text]

    def _known(self, name: str) -> Vertex:
        """What a name of BuildKit's stands for: it has other words for an instruction than the Dockerfile."""
        match = NAMED.match(name)
        if match is None:
            return Vertex("" if name.startswith(INTERNAL) else name[:LONGEST_LINE], None)
        label, number, total, keyword = match[1] or "", int(match[2]), int(match[3]), match[4]
        position = next((n for n, known in enumerate(self.labels) if known == label.lower()), None)
        steps = self.counted[position] if position is not None else []
        step = steps[number - 1] if len(steps) == total and number <= total else None
        if step is not None and not step.shown.startswith(f"{keyword} "):
            step = None
        shown = f"[{f'{label} ' if label else ''}{number}/{total}] {step.shown}" if step else name
        return Vertex(shown[:LONGEST_LINE], step)
