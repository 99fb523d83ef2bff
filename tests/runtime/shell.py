"""The few commands that containers of the fake runtime know, with the words of busybox.

A script is commands joined by `;` and `&&`, with `> file`, `>> file`, `>&2`, `$VARIABLE` and `exec`; nothing else.
"""

import asyncio
import re
import shlex
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
NOT_FOUND = 127
KILLED = 137


class World(Protocol):
    """What a command can see and do: the container it runs in."""

    environment: Mapping[str, str]
    memory_mb: int

    @property
    def stdin_open(self) -> bool:
        """Whether its standard input stays open."""

    def read(self, path: str) -> str | None:
        """The file's text, None when there is none."""

    def write(self, path: str, text: str) -> None:
        """Make the file, or replace it."""

    def listen(self, port: int, folder: str, *, loopback: bool) -> None:
        """Serve the folder's files from now on."""

    def get(self, url: str) -> str | None:
        """What another container answers, None when it does not."""

    def duplicate(self, source: str, target: str) -> None:
        """Copy all files of a volume to another."""

    def run_out_of_memory(self) -> None:
        """Be killed for it."""


@dataclass(frozen=True)
class Out:
    """Where output goes: `out(stream, text)`."""

    say: Callable[[str, str], None]
    stream: str = "stdout"

    def __call__(self, text: str) -> None:
        self.say(self.stream, text)


class Ended(Exception):
    """`exit`, or the end of what was `exec`ed."""

    def __init__(self, code: int) -> None:
        self.code = code


async def run(world: World, words: Sequence[str], say: Callable[[str, str], None]) -> int:
    """The exit code of a program. LookupError when there is no such program."""
    try:
        if list(words[:2]) in (["sh", "-c"], ["/bin/sh", "-c"]):
            return await _script(world, words[2], say)
        return await _command(world, list(words), Out(say))
    except Ended as ended:
        return ended.code


def known(words: Sequence[str]) -> bool:
    """Whether there is such a program."""
    return bool(words) and words[0].removeprefix("/bin/") in {*COMMANDS, "sh"}


async def _script(world: World, text: str, say: Callable[[str, str], None]) -> int:
    code = 0
    for joined, words in _statements(text):
        if joined == "&&" and code != 0:
            continue
        code = await _statement(world, words, say)
    return code


def _statements(text: str) -> Iterator[tuple[str, list[str]]]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|<>")
    lexer.whitespace_split = True
    joined, words = ";", []
    for word in lexer:
        if word in {";", "&&"}:
            yield joined, words
            joined, words = word, []
        else:
            words.append(word)
    yield joined, words


async def _statement(world: World, words: list[str], say: Callable[[str, str], None]) -> int:
    words = [VARIABLE.sub(lambda match: world.environment.get(match[1] or match[2], ""), w) for w in words]
    replaced = words[:1] == ["exec"]
    words, out = _redirected(world, words[1:] if replaced else words, say)
    try:
        code = await _command(world, words, out)
    except LookupError:
        out.say("stderr", f"sh: {words[0]}: not found\n")
        code = NOT_FOUND
    if replaced:
        raise Ended(code)
    return code


def _redirected(world: World, words: list[str], say: Callable[[str, str], None]) -> tuple[list[str], Out]:
    for operator in (">>", ">", ">&"):
        if operator in words:
            at = words.index(operator)
            words, target = words[:at], words[at + 1]
            if operator == ">&":
                return words, Out(say, "stderr")
            before = (world.read(target) or "") if operator == ">>" else ""
            kept = [before]

            def write(_stream: str, text: str, target: str = target, kept: list[str] = kept) -> None:
                kept.append(text)
                world.write(target, "".join(kept))

            return words, Out(write)
    return words, Out(say)


async def _command(world: World, words: list[str], out: Out) -> int:
    if not words:
        return 0
    name, *arguments = words
    return await COMMANDS[name.removeprefix("/bin/")](world, arguments, out)


async def _echo(_world: World, arguments: list[str], out: Out) -> int:
    out(" ".join(arguments) + "\n")
    return 0


async def _printf(_world: World, arguments: list[str], out: Out) -> int:
    out(arguments[0].replace("\\n", "\n"))
    return 0


async def _exit(_world: World, arguments: list[str], _out: Out) -> int:
    raise Ended(int(arguments[0]))


async def _sleep(_world: World, arguments: list[str], _out: Out) -> int:
    await asyncio.sleep(float(arguments[0]))
    return 0


async def _env(world: World, _arguments: list[str], out: Out) -> int:
    out("".join(f"{name}={value}\n" for name, value in world.environment.items()))
    return 0


async def _cat(world: World, arguments: list[str], out: Out) -> int:
    if not arguments and world.stdin_open:
        await asyncio.Event().wait()
    texts = [world.read(path) for path in arguments]
    out("".join(text or "" for text in texts))
    return int(None in texts)


async def _touch(world: World, arguments: list[str], _out: Out) -> int:
    for path in arguments:
        world.write(path, world.read(path) or "")
    return 0


async def _wget(world: World, arguments: list[str], out: Out) -> int:
    answer = world.get(arguments[-1])
    if answer is None:
        return 1
    if "-O" in arguments and (target := arguments[arguments.index("-O") + 1]) != "-":
        world.write(target, answer)
    else:
        out(answer)
    return 0


async def _httpd(world: World, arguments: list[str], _out: Out) -> int:
    options = dict(pairwise(arguments))
    address, _, port = options["-p"].rpartition(":")
    world.listen(int(port), options.get("-h", "/"), loopback=address == "127.0.0.1")
    if "-f" in arguments:
        await asyncio.Event().wait()
    return 0


async def _dd(world: World, arguments: list[str], _out: Out) -> int:
    """`bs=200M` takes that much memory."""
    megabytes = next(int(a[3:-1]) for a in arguments if a.startswith("bs="))
    if megabytes > world.memory_mb:
        world.run_out_of_memory()
        raise Ended(KILLED)
    return 0


async def _python3(world: World, arguments: list[str], out: Out) -> int:
    """The program that copies a volume, and no other."""
    source, target = arguments[-2:]
    world.duplicate(source, target)
    out("copied\n")
    return 0


async def _true(_world: World, _arguments: list[str], _out: Out) -> int:
    return 0


async def _false(_world: World, _arguments: list[str], _out: Out) -> int:
    return 1


COMMANDS: dict[str, Callable[[World, list[str], Out], Awaitable[int]]] = {
    "echo": _echo, "printf": _printf, "exit": _exit, "sleep": _sleep, "env": _env, "cat": _cat, "touch": _touch,
    "wget": _wget, "httpd": _httpd, "dd": _dd, "python3": _python3, "true": _true, "false": _false,
}  # fmt: skip
