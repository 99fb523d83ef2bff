"""Dockerfile syntax that docker's builder knows and buildah does not: rewritten if there is an equivalent, else refused."""

import platform
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from seatrial.agent.builds.debian import output
from seatrial.agent.commands.programs import find
from seatrial.agent.recipes.dockerfile import read_dockerfile
from seatrial.agent.recipes.dockerfile_lines import HEREDOC, WITH_HEREDOC, escape_of, instructions, joined
from seatrial.agent.vocabulary.errors import BuildError

Version = tuple[int, int]
HEREDOCS_SINCE: Version = (1, 33)
FLAG = re.compile(r"--([a-z-]+)(?:=(\S*))?\s*")
NEW_FLAGS = {"parents", "exclude", "checksum", "keep-git-dir", "unpack"}
NOTHING_HERE = {
    ("COPY", "link"), ("ADD", "link"), ("HEALTHCHECK", "start-interval"), ("RUN", "network"), ("RUN", "security"),
}  # fmt: skip
NEW_LINE = "\n"
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass
class Dialect:
    """Reads one Dockerfile for the buildah of `version`. `workdirs` are those of its base images."""

    file: str
    version: Version
    workdirs: Mapping[str, str]
    arguments: Mapping[str, str]
    notes: list[str] = field(default_factory=list)  # for the log: where the result differs from docker's
    _workdir: str = "/"
    _continued: re.Pattern[str] = field(init=False)
    _stage: str = ""
    _stages: dict[str, str] = field(default_factory=dict)

    def adapted(self, raw: bytes) -> bytes:
        """`raw` in the dialect of this buildah; unchanged if it needs no rewriting. Raises BuildError."""
        lines = raw.decode("utf-8-sig", errors="surrogateescape").splitlines(keepends=True)
        parsed = list(instructions(raw))
        self._continued = re.compile(re.escape(escape_of(lines)) + r"[ \t]*$")
        closing = {line.strip() for line in lines}
        bases = iter(read_dockerfile(self.file, raw, self.arguments).stages)
        written = lines[: parsed[0][0] - 1]
        for (number, keyword, rest), after in zip(
            parsed, [*parsed[1:], (len(lines) + 1, "", "")], strict=True
        ):
            if keyword == "FROM":
                stage = next(bases)
                self._begin(stage.base, stage.name)
            heredoc = keyword in WITH_HEREDOC and any(name in closing for *_, name in HEREDOC.findall(rest))
            changed = self._instruction(f"{self.file}:{number}: {keyword}", keyword, rest, heredoc=heredoc)
            whole = lines[number - 1 : after[0] - 1]
            if heredoc and self.version < HEREDOCS_SINCE:
                written.append(f"RUN {self._scripted(changed, whole)}\n")
            else:
                written += whole if heredoc or changed == rest else [f"{keyword} {changed}\n"]
        text = "".join(written)
        return raw if text == "".join(lines) else text.encode(errors="surrogateescape")

    def _begin(self, base: str, name: str | None) -> None:
        self._stages[self._stage] = self._workdir
        self._stage = (name or "").lower()
        self._workdir = self._stages.get(base.lower()) or self.workdirs.get(base) or "/"

    def _instruction(self, where: str, keyword: str, rest: str, *, heredoc: bool) -> str:
        if heredoc and keyword != "RUN" and self.version < HEREDOCS_SINCE:
            raise BuildError(
                f"{where}: {self._buildah} knows heredocs (<<) in RUN only; elsewhere they came with buildah 1.33. "
                "Commit the file and copy it, or install a newer buildah on the agent's host"
            )
        if keyword == "WORKDIR":
            self._workdir = posixpath.join(self._workdir, rest.strip("\"'"))
        return self._flags(where, keyword, rest)

    def _flags(self, where: str, keyword: str, rest: str) -> str:
        kept, position = "", 0
        for match in leading(rest):
            name, value = match[1], match[2]
            self._check(f"{where} --{name}", keyword, name, value or "")
            if name == "mount" and keyword == "RUN":
                kept += f"--mount={self._mount(where, value or '')} "
            elif (keyword, name) not in NOTHING_HERE:
                kept += match[0]
            position = match.end()
        return kept + rest[position:] if kept.strip() != rest[:position].strip() else rest

    def _check(self, where: str, keyword: str, name: str, value: str) -> None:
        refused = CHECKS.get((keyword, name))
        fix = refused(value) if refused else None
        if fix is None and name in NEW_FLAGS and keyword in {"COPY", "ADD"} and self.version < HEREDOCS_SINCE:
            fix = f"{self._buildah} does not know it. Do without, or install a newer buildah on the agent's host"
        if fix:
            raise BuildError(f"{where}{f'={value}' if value else ''}: {fix}")
        if (keyword, name, value) == ("RUN", "network", "none"):
            self.notes.append(f"{where}=none: not known here; the step has the network of the whole build")

    def _scripted(self, text: str, whole: Sequence[str]) -> str:
        """A RUN with heredocs, rewritten as one line: the step's own shell decodes the script and runs it."""
        bare = [line.rstrip("\r\n") for line in whole]
        _, _, body = joined(bare, 0, self._continued)
        flags = "".join(match[0] for match in leading(text))
        command = text.removeprefix(flags)
        script = [command, *bare[body:]]
        alone = HEREDOC.fullmatch(command)
        if alone:  # without a command, the body is the script
            tabs = "\t" if alone[1] else ""
            script = [line.lstrip(tabs) if tabs else line for line in bare[body:]]
            script = script[: script.index(alone[3])]
        return f"{flags}eval \"$(printf %b '{''.join(map(octal, NEW_LINE.join(script)))}')\""

    def _mount(self, where: str, value: str) -> str:
        """The mount with an absolute target: buildah accepts no other."""
        parts = value.split(",")
        asks = any(part in {"required", "required=true"} or part.startswith("env=") for part in parts)
        if "type=secret" in parts and asks:
            raise BuildError(f"{where} --mount={value}: a build is given no secrets. Do the step without one")
        return ",".join(self._absolute(f"{where} --mount={value}", part) for part in parts)

    def _absolute(self, where: str, part: str) -> str:
        name, _, path = part.partition("=")
        if name not in {"target", "dst", "destination"} or path.startswith(("/", "$", '"')):
            return part
        if "$" in self._workdir:
            raise BuildError(f"{where}: the target is relative to a variable. Write it from / on")
        return f"{name}={posixpath.normpath(posixpath.join(self._workdir, path))}"

    @property
    def _buildah(self) -> str:
        return f"buildah {self.version[0]}.{self.version[1]} of this host"


def leading(text: str) -> Iterator[re.Match[str]]:
    """The options that `text` begins with."""
    position = 0
    while match := FLAG.match(text, position):
        yield match
        position = match.end()


def octal(character: str) -> str:
    """The character as an octal escape that printf's %b decodes, safe between single quotes."""
    return f"\\0{ord(character):03o}" if character in "\\'\n\"" else character


def no_host_network(value: str) -> str | None:
    """Why `--network` with this value is refused: a step never gets its host's network."""
    return "a build is kept away from its host's network. Remove the option" if value == "host" else None


def no_privileges(value: str) -> str | None:
    """Why `--security` with this value is refused: no step gets more rights than another."""
    return "a build has no privileges to give away. Remove the option" if value == "insecure" else None


def this_machine(value: str) -> str | None:
    """Why `--platform` with this value is refused: a host builds for its own architecture only."""
    ours = MACHINES.get(platform.machine(), platform.machine())
    if "$" in value or value.removeprefix("linux/").partition("/")[0] == ours:
        return None
    return f"this host builds for linux/{ours} only. Remove the option, or write $BUILDPLATFORM"


CHECKS: Mapping[tuple[str, str], Callable[[str], str | None]] = {
    ("RUN", "network"): no_host_network,
    ("RUN", "security"): no_privileges,
    ("FROM", "platform"): this_machine,
}


async def buildah_version() -> Version:
    """The version of buildah on this host; the newest we know if it does not say."""
    match = re.search(r"version (\d+)\.(\d+)", await output(find("buildah") or "buildah", "--version"))
    return (int(match[1]), int(match[2])) if match else HEREDOCS_SINCE
