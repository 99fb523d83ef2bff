"""A Dockerfile as BuildKit is given it: nothing in it makes the daemon fetch an image, and steps of projects stay apart.

BuildKit has no option that forbids to pull. So each instruction is written anew, on one line, with the names under which the
prepared images are found; a name that stands for none of them is refused. Lines keep their numbers.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from seatrial.agent.builds import trust
from seatrial.agent.builds.dialect import Base, Dialect
from seatrial.agent.builds.options import ESCAPE, QUOTES, Option, leading, unquoted, written
from seatrial.agent.builds.steps import Step
from seatrial.agent.recipes.dockerfile import SCRATCH, Dockerfile, Stage
from seatrial.agent.recipes.dockerfile_lines import ESCAPE as ESCAPE_DIRECTIVE
from seatrial.agent.recipes.dockerfile_lines import HEREDOC, escape_of
from seatrial.agent.vocabulary.errors import BuildError

# What the source of an ADD that is fetched begins with, in any release of BuildKit.
FETCHED = ("http://", "https://", "git://", "ssh://", "git@", "github.com/")
NUMBERED = {"RUN", "COPY", "ADD", "WORKDIR"}  # that BuildKit counts, beside a FROM


@dataclass
class BuildKitDialect(Dialect):
    """For one BuildKit. `names` are those of the base images at the daemon; `scope` is part of what a step's layer is found by.

    `fetches`: ADD may fetch, because the daemon is behind a fence. `old`: it knows no heredocs, as `called` says.
    """

    newer: ClassVar[str] = "Docker Engine 23.0 and BuildKit 0.10"
    fix: ClassVar[str] = "update the BuildKit that GALLEY_BUILDKIT_HOST names, or else the engine"

    names: Mapping[str, str] = field(default_factory=dict)
    scope: str = ""
    fetches: bool = False
    old: bool = True
    called: str = "this BuildKit"
    certificates: bool = False
    counted: list[list[Step]] = field(default_factory=list)  # of each stage, what BuildKit counts
    labels: list[str] = field(default_factory=list)  # what BuildKit calls the stages
    _known: set[str] = field(default_factory=set)  # what the stages so far are called

    def _above(self, file: Dockerfile, lines: list[str]) -> list[str]:
        """Only the escape character counts: no directive chooses another frontend, which the daemon would fetch."""
        return [line if ESCAPE_DIRECTIVE.match(line.strip()) else "#\n" for line in lines]

    def _stages_built(self, file: Dockerfile) -> int:
        return len(file.until(self.target))

    def _ending(self, file: Dockerfile, stage: int) -> list[str]:
        return []

    def _note_volumes(self, stage: Stage, base: Base) -> None:
        """BuildKit keeps what a step writes below a VOLUME."""

    def _begin(self, file: Dockerfile, number: int) -> None:
        self._known |= {self._stage} - {""}
        super()._begin(file, number)
        several = self._stages_built(file) > 1
        self.labels.append((self._stage or f"stage-{number}") if several else "")
        self.counted.append([])

    def _written(
        self, number: int, end: int, keyword: str, rest: str, changed: str, *, heredoc: bool
    ) -> list[str]:
        whole = self._lines[number - 1 : end - 1]
        body: list[str] = []
        if heredoc and keyword == "RUN":
            changed = self._scripted(changed, whole)
        elif heredoc:
            body = self._body(f"{self.file}:{number}: {keyword}", changed, whole)
        if changed.endswith(escape_of(self._lines)):
            raise BuildError(f"{self.file}:{number}: {keyword} ends with a backslash. Remove it")
        step = Step(f"{self.file}:{number}", f"{keyword} {rest}", rewritten=True)
        inherited = keyword == "FROM" and (self._inherits or self._base == SCRATCH)
        if keyword in NUMBERED or (keyword == "FROM" and not inherited):
            self.counted[-1].append(step)
        lines = [f"{keyword} {changed}\n", *body]
        return [*lines, *["\n"] * (len(whole) - len(lines))]

    def _body(self, where: str, text: str, whole: Sequence[str]) -> list[str]:
        """The lines of the heredocs of a COPY or ADD."""
        if any(sign in HEREDOC.sub(" ", text) for sign in (*QUOTES, ESCAPE)):
            raise BuildError(
                f"{where}: a heredoc beside quotes or backslashes is not read here. Leave them out"
            )
        below = self._taken_apart(text, whole)[2]
        return [f"{line}\n" for line in below]

    def _instruction(self, where: str, keyword: str, rest: str, *, heredoc: bool) -> str:
        text = super()._instruction(where, keyword, rest, heredoc=heredoc)
        if keyword == "ADD" and not self.fetches:
            self._check_sources(where, text)
        if keyword == "FROM":
            return self._begun(where)
        return f"{self._own_mount} {text}" if keyword == "RUN" else text

    @property
    def _inherits(self) -> bool:
        """Whether the stage begins from an earlier one."""
        return self._base.lower() in self._known

    def _begun(self, where: str) -> str:
        """A FROM with nothing in it but where the stage begins, and its name."""
        plain = self._inherits or self._base == SCRATCH
        base = self._base if plain else self._found(where, self._base)
        arguments = "".join(f"\nARG {name}" for name in self._arguments)
        return f"{base}{f' AS {self._stage}' if self._stage else ''}{arguments}"

    @property
    def _arguments(self) -> Sequence[str]:
        return trust.VARIABLES if self.certificates else ()

    @property
    def _own_mount(self) -> str:
        """The bundle of the organisation's authorities, if there is one. Its id keeps projects apart: a layer is found again only
        by what mounted the same."""
        return f"--mount=type=secret,id={secret(self.scope)},target={trust.INSIDE},mode=0444"

    def _found(self, where: str, image: str) -> str:
        """The name under which the daemon finds the image."""
        if image in self.folders and self.old:
            raise BuildError(
                f"{where}: {self.called} knows no additional_contexts that are folders; {self.newer} do. {self.fix[0].upper()}{self.fix[1:]}"
            )
        if image not in self.names:
            raise BuildError(f"{where}: {image} stands for no image that is known here. Write its name out")
        return self.names[image]

    def _with_names(self, where: str, keyword: str, rest: str) -> str:
        return rest

    def _option(self, where: str, keyword: str, option: Option, rest: str) -> str:
        if option.name == "from" and keyword in {"COPY", "ADD"}:
            earlier = option.value in {str(number) for number in range(len(self.counted) - 1)}
            return option.written if earlier else written("from", self._source(where, option.value))
        if not self.old and (keyword, option.name) in {("COPY", "link"), ("ADD", "link"), ("RUN", "network")}:
            return option.written
        return super()._option(where, keyword, option, rest)

    def _source(self, where: str, name: str) -> str:
        """What `from` is given for `name`: a stage, or a prepared image."""
        return name if name.lower() in self._known else self._found(where, name)

    def _mount(self, where: str, option: Option) -> str:
        if any(sign in option.value for sign in (*QUOTES, ESCAPE)):
            raise BuildError(f"{where} --mount={option.value}: write it without quotes and backslashes")
        first = next(leading(super()._mount(where, option)))
        parts = first.value.split(",")
        return written("mount", ",".join(self._part(where, part) for part in parts))

    def _part(self, where: str, part: str) -> str:
        name, equals, value = part.partition("=")
        return f"from={self._source(where, value)}" if equals and name.strip().lower() == "from" else part

    def _check_brought_along(self, where: str) -> None:
        super()._check_brought_along(where)
        if self.bases.get(self._base, Base()).on_build:
            raise BuildError(
                f"{where} {self._base}: it declares ONBUILD, whose steps BuildKit would share with other projects. Write the steps "
                "out, or have the agent build with buildah (GALLEY_BUILDER)"
            )

    def _check_sources(self, where: str, text: str) -> None:
        """Raise BuildError where an ADD would be fetched by the daemon itself, outside of all fences."""
        rest = text[max((option.end for option in leading(text)), default=0) :]
        try:
            words = json.loads(rest) if rest.startswith("[") else rest.split()
        except ValueError:
            words = rest.split()
        for word in words[:-1]:
            fixed, dollar, _ = unquoted(str(word)).lower().partition("$")
            if any(fixed.startswith(way) or (dollar and way.startswith(fixed)) for way in FETCHED):
                raise BuildError(
                    f"{where} {word}: nothing is fetched by this builder, which has no fence of its own. Commit the file, fetch it in "
                    "a RUN step where builds have a network, or, if it is a file of the repository, write ./ before it"
                )

    @property
    def _is_old(self) -> bool:
        return self.old

    @property
    def _builder(self) -> str:
        return self.called


def secret(scope: str) -> str:
    """The id of the bundle of authorities in a project's builds."""
    return f"galley-{scope}"
