"""Reads the parts of a Dockerfile that the agent must know before it builds."""

import json
import platform
import re
import shlex
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from seatrial.agent.recipes.dockerfile_lines import instructions
from seatrial.agent.vocabulary.errors import RecipeError
from seatrial.agent.vocabulary.image_names import LIKE, is_image_name

# $NAME, and ${NAME} with what is taken without a value (-) or in place of one (+), which may name others.
VARIABLE = re.compile(r"\$(?:\{(\w+)(?:(:?[-+])((?:[^{}]|\{[^{}]*\})*))?\}|(\w+))")
FROM = re.compile(r"(?:--\S+\s+)*(\S+)(?:\s+as\s+(\S+))?\s*$", re.IGNORECASE)
SCRATCH = "scratch"
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}  # as the kernel says, and as Dockerfiles do
LONGEST = 4096  # of an argument's value: arguments that double each other would fill the memory


@dataclass(frozen=True)
class Stage:
    """One FROM and the instructions below it."""

    base: str
    name: str | None
    instructions: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Dockerfile:
    """The stages of one Dockerfile, build arguments of FROM lines replaced."""

    stages: Sequence[Stage]

    def until(self, target: str | None) -> Sequence[Stage]:
        """Stages up to `target` (a name or a number), or all of them."""
        for index, stage in enumerate(self.stages):
            if target is not None and (target.lower() == (stage.name or "").lower() or target == str(index)):
                return self.stages[: index + 1]
        return self.stages

    def has_stage(self, target: str) -> bool:
        """Whether `target` names a stage, or is the number of one."""
        numbers = {str(number) for number in range(len(self.stages))}
        return target.lower() in numbers | {(stage.name or "").lower() for stage in self.stages}

    def parents(self) -> list[int | None]:
        """For each stage, the earlier one that it begins from; None if it begins from an image."""
        numbers: dict[str, int] = {}
        parents: list[int | None] = []
        for number, stage in enumerate(self.stages):
            parents.append(numbers.get(stage.base.lower()))
            if stage.name:
                numbers[stage.name.lower()] = number
        return parents

    def chain(self, target: str | None = None) -> list[int]:
        """The stages that the final one begins from, through each other, the first first; itself last."""
        parents = self.parents()
        chain: list[int] = []
        number: int | None = len(self.until(target)) - 1
        while number is not None:
            chain.append(number)
            number = parents[number]
        return chain[::-1]

    def base(self, target: str | None = None) -> str:
        """The image that the final stage begins with, directly or through other stages."""
        return self.stages[self.chain(target)[0]].base

    def external_images(self, target: str | None = None) -> list[str]:
        """Images that must exist before the build: base images, and those that COPY or RUN use with `from`."""
        external: dict[str, None] = {}
        seen: set[str] = {SCRATCH}
        for index, stage in enumerate(self.until(target)):
            wanted = [
                stage.base,
                *(name for keyword, text in stage.instructions for name in taken_from(keyword, text)),
            ]
            external |= {name: None for name in wanted if name.lower() not in seen and not name.isdigit()}
            seen |= {str(index), (stage.name or "").lower()}
        return list(external)

    def last(self, keyword: str, target: str | None = None) -> str | None:
        """The text of the last `keyword` of the final stage."""
        stage = self.until(target)[-1]
        return next((text for name, text in reversed(stage.instructions) if name == keyword), None)

    def exposed_ports(self, target: str | None = None) -> list[int]:
        """TCP ports the final stage EXPOSEs, ascending."""
        stage = self.until(target)[-1]
        texts = [text for name, text in stage.instructions if name == "EXPOSE"]
        matches = (re.fullmatch(r"(\d+)(?:/tcp)?", word) for text in texts for word in text.split())
        return sorted({int(match[1]) for match in matches if match})


def taken_from(keyword: str, text: str) -> list[str]:
    """Names after `--from=` and `--mount=...,from=`."""
    if keyword not in {"COPY", "ADD", "RUN"}:
        return []
    images: list[str] = re.findall(r"--from=(\S+)", text) if keyword != "RUN" else []
    for mount in re.findall(r"--mount=(\S+)", text):
        images += [part.removeprefix("from=") for part in mount.split(",") if part.startswith("from=")]
    return [name.strip("\"'") for name in images if "$" not in name]


def read_dockerfile(file: str, raw: bytes, arguments: Mapping[str, str] | None = None) -> Dockerfile:
    """Read `raw`; `arguments` are the build's. Raises RecipeError if it has no FROM."""
    known = {**of_this_machine(), **(arguments or {})}
    stages: list[tuple[str, str | None, list[tuple[str, str]]]] = []
    earlier = {SCRATCH}
    for line, keyword, text in instructions(raw):
        if keyword == "FROM":
            base, name = begun(f"{file}:{line}: FROM", text, known, earlier)
            earlier.add((name or SCRATCH).lower())
            stages.append((base, name, []))
        elif stages:
            stages[-1][2].append((keyword, text))
        elif keyword == "ARG":
            for name, value in declared(text):
                known.setdefault(name, replaced(value, known)[:LONGEST])
    if not stages:
        raise RecipeError(f"{file}:1: no FROM line. Begin with FROM image:tag.")
    return Dockerfile([Stage(base, name, tuple(below)) for base, name, below in stages])


def of_this_machine() -> dict[str, str]:
    """The arguments that every builder gives to FROM lines."""
    system, machine = "linux", MACHINES.get(platform.machine(), platform.machine())
    parts = {"PLATFORM": f"{system}/{machine}", "OS": system, "ARCH": machine}
    return {f"{where}{part}": value for where in ("BUILD", "TARGET") for part, value in parts.items()}


def begun(where: str, text: str, known: Mapping[str, str], earlier: Set[str]) -> tuple[str, str | None]:
    """(the image or stage that a FROM line begins with, the name of its own stage). `earlier`: what stages are called."""
    match = FROM.match(replaced(text, known))
    if match is None:
        raise RecipeError(f"{where}: names no image. Write FROM image:tag.")
    base = match[1].strip("\"'")
    if base.lower() not in earlier and "$" not in base and not is_image_name(base):
        missing = next((name for name in names_in(text) if not known.get(name)), None)
        fix = f"{missing} has no value: write ARG {missing}=... above the first FROM" if missing else LIKE
        raise RecipeError(f"{where}: {base!r} is not an image's name. {fix}.")
    return base, match[2]


def names_in(text: str) -> list[str]:
    """The variables that `text` mentions."""
    return [match[1] or match[4] for match in VARIABLE.finditer(text)]


def declared(text: str) -> list[tuple[str, str]]:
    """The names and defaults of one ARG line, those without a default left out."""
    try:
        parts = shlex.split(text)
    except ValueError:
        parts = text.split()
    pairs = (word.partition("=") for word in parts)
    return [(name, value) for name, equals, value in pairs if equals]


def replaced(text: str, known: Mapping[str, str]) -> str:
    """`text` with `$NAME`, `${NAME:-default}` and `${NAME:+value}` replaced; unknown names become empty, as docker does it."""

    def value(match: re.Match[str]) -> str:
        name, how, word = match[1] or match[4], match[2] or "", match[3] or ""
        has = bool(known.get(name)) if how[:1] == ":" else name in known
        if how[-1:] == "+":
            return replaced(word, known) if has else ""
        return known[name] if has else replaced(word, known)

    return VARIABLE.sub(value, text)


def words(text: str | None) -> list[str] | None:
    """The argument list of a CMD or ENTRYPOINT: the JSON form as it is, the shell form given to sh."""
    if text is None:
        return None
    if text.lstrip().startswith("["):
        try:
            return [str(item) for item in json.loads(text)]
        except ValueError:
            pass
    return ["/bin/sh", "-c", text]


def assignments(text: str) -> dict[str, str]:
    """The names and values of one ENV line, in either form."""
    if re.match(r"\w+\s+[^=]*$", text):
        name, _, value = text.partition(" ")
        return {name: value.strip()}
    pairs = (word.partition("=") for word in shlex.split(text))
    return {name: value for name, _, value in pairs}
