"""The fact `runtimes`: which versions of runtimes, systems and servers a commit names, each beside the end of its support.

What is read: images (Dockerfiles, compose files), files of version managers, manifests, workflows. A range counts by the oldest version that
it promises to run on. Whether an end has come is for whoever asks to say: the fact is of the files and the data alone (ADR 63).
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from posixpath import basename
from typing import Any

from seatrial.agent.sandboxes.documents.manifests.shape import Lines, table
from seatrial.agent.sandboxes.documents.yaml import documents
from seatrial.agent.sandboxes.facts import dockerfile, lifetimes

Named = tuple[str, str, int | None, str]  # product, version as written, line, kind
IMAGES = {
    "python": "python", "node": "nodejs", "golang": "go", "ruby": "ruby", "php": "php", "eclipse-temurin": "eclipse-temurin", "perl": "perl",
    "openjdk": "openjdk-builds-from-oracle", "amazoncorretto": "amazon-corretto", "debian": "debian", "ubuntu": "ubuntu", "rust": "rust",
    "alpine": "alpine-linux", "postgres": "postgresql", "mysql": "mysql", "mariadb": "mariadb", "redis": "redis", "mongo": "mongodb",
    "nginx": "nginx", "rabbitmq": "rabbitmq", "elixir": "elixir", "erlang": "erlang", "fedora": "fedora", "almalinux": "almalinux",
    "rockylinux": "rocky-linux", "centos": "centos", "amazonlinux": "amazon-linux", "oraclelinux": "oracle-linux", "tomcat": "tomcat",
    "deno": "deno", "bun": "bun", "valkey": "valkey",
}  # fmt: skip
DOTNET = re.compile(r"(?:^|/)dotnet/(?:sdk|aspnet|runtime|runtime-deps)$")
SYSTEM = re.compile(
    r"(?:^|-)(?:(alpine)(\d+\.\d+)|([a-z]+))(?=-|$)"
)  # at the end of a tag: 3.9-slim-buster, 20-alpine3.18
# Of version managers. Each line of .tool-versions names a product and its versions.
FILES = {
    ".python-version": "python", ".nvmrc": "nodejs", ".node-version": "nodejs", ".ruby-version": "ruby", ".go-version": "go",
    ".php-version": "php", ".java-version": "eclipse-temurin",
}  # fmt: skip
TOOLS = {
    "python": "python", "nodejs": "nodejs", "node": "nodejs", "golang": "go", "go": "go", "ruby": "ruby", "php": "php", "java": "eclipse-temurin",
    "erlang": "erlang", "elixir": "elixir", "rust": "rust", "deno": "deno", "bun": "bun", "perl": "perl", "postgres": "postgresql",
    "dotnet": "dotnet", "dotnet-core": "dotnet",
}  # fmt: skip
# Of Node.js: the names of its long-term versions. All end in the order of the alphabet, and have even numbers.
LONG_TERM = (
    "argon",
    "boron",
    "carbon",
    "dubnium",
    "erbium",
    "fermium",
    "gallium",
    "hydrogen",
    "iron",
    "jod",
    "krypton",
)
LONGEST = 200  # characters of a version or a range, as people write them
VERSION = re.compile(r"\d+(?:\.\d+)*")
BOUND = re.compile(r"(>=|<=|!=|==|~=|~>|[\^~<>=]?)\s*v?(\d+(?:\.\d+)*)")
IMAGE_LINE = re.compile(r"[ \t]*(?:-[ \t]+)?image[ \t]*:[ \t]*[\"']?([\w./:@-]{1,500})[\"']?\s*(?:#.*)?$")
COMPOSE = re.compile(r"(?:docker-)?compose[\w.-]*\.ya?ml")
PATTERNS = (
    *dockerfile.PATTERNS, *FILES, ".tool-versions", "mise.toml", ".mise.toml", "runtime.txt", "global.json", "pyproject.toml", "setup.cfg",
    "setup.py", "Pipfile", "package.json", "composer.json", "go.mod", "Gemfile", *(f"/.{forge}/workflows/*.{ending}" for forge in ("github", "gitea", "forgejo") for ending in ("yml", "yaml")),
    "compose*.yml", "compose*.yaml", "docker-compose*.yml", "docker-compose*.yaml", "/.gitlab-ci.yml",
)  # fmt: skip


def read(path: str, text: str) -> list[dict[str, Any]]:
    """`[{"path", "line", "product", "title", "version", "kind", "cycle", "ends", "extended"}]` of one file. `cycle` is empty for a version
    that the data does not know."""
    try:
        named = list(_reader(path)(text))
    except (ValueError, TypeError, AttributeError, RecursionError):  # no such file as its name says
        named = []
    return [_beside_its_end(path, *one) for one in dict.fromkeys(named)]


def _beside_its_end(path: str, product: str, version: str, line: int | None, kind: str) -> dict[str, Any]:
    known = lifetimes.data().products[product]
    cycle = known.cycle_of(version) or known.called(version)
    dates = known.cycles.get(cycle)
    return {
        "path": path, "line": line, "product": product, "title": known.title, "version": version[:80], "kind": kind, "cycle": cycle,
        "ends": str(dates.ends) if dates and dates.ends else None, "extended": str(dates.extended) if dates and dates.extended else None,
    }  # fmt: skip


def _reader(path: str) -> Callable[[str], Iterator[Named]]:
    name = basename(path)
    if name in FILES:
        return lambda text: _version_file(FILES[name], text)
    if name in READERS:
        return READERS[name]
    if COMPOSE.fullmatch(name) or name == ".gitlab-ci.yml":
        return _images_of_yaml
    return _workflow if name.endswith((".yml", ".yaml")) else _dockerfile


def _dockerfile(text: str) -> Iterator[Named]:
    for image in dockerfile.read("", text)[0]["images"]:
        if not image["unknown"] and not image["template"]:
            yield from _image(image["repository"], image["tag"], image["line"])


def _images_of_yaml(text: str) -> Iterator[Named]:
    for number, line in enumerate(text.split("\n"), 1):
        match = IMAGE_LINE.match(line)
        if match:
            one = dockerfile.image(match[1], number, "image", [])
            yield from _image(one["repository"], one["tag"], number)


def _image(repository: str, tag: str, line: int) -> Iterator[Named]:
    """What an image is made of, as its tag says: python:3.9-slim-buster is Python 3.9 on Debian 10."""
    product = "dotnet" if DOTNET.search(repository) else IMAGES.get(repository.rpartition("/")[2])
    if product is None:
        return
    known = lifetimes.data().products
    version = VERSION.match(tag)
    if version or known[product].called(tag.split("-", maxsplit=1)[0]):
        yield product, version[0] if version else tag.split("-", maxsplit=1)[0], line, "image"
    for match in SYSTEM.finditer(tag[version.end() :] if version else ""):
        if match[1]:
            yield "alpine-linux", match[2], line, "image"
        for system in ("debian", "ubuntu"):
            if match[3] and product != system and known[system].called(match[3]):
                yield system, match[3], line, "image"


def _version_file(product: str, text: str) -> Iterator[Named]:
    for number, line in enumerate(text.split("\n"), 1):
        word = line.split("#")[0].strip()
        if word:
            yield from _exact(product, word, number, "version file")


def _exact(product: str, word: str, line: int | None, kind: str) -> Iterator[Named]:
    """A version as version managers write it; what means the newest of its kind is none."""
    name = word.lower().rpartition("/")[2]
    if product == "nodejs" and name in LONG_TERM:
        yield product, str(4 + 2 * LONG_TERM.index(name)), line, kind
        return
    match = VERSION.search(word[:LONGEST])
    if match and not re.match(r"(pypy|jruby|truffleruby|graalpy|miniconda|anaconda)", word):
        yield product, match[0], line, kind


def _tool_versions(text: str) -> Iterator[Named]:
    for number, line in enumerate(text.split("\n"), 1):
        name, *versions = line.split("#")[0].split() or [""]
        for version in versions if name in TOOLS else ():
            yield from _exact(TOOLS[name], version, number, "version file")


def _mise(text: str) -> Iterator[Named]:
    lines = Lines(text)
    for name, given in table(tomllib.loads(text), "tools").items():
        for one in given if isinstance(given, list) else [given]:
            version = one.get("version") if isinstance(one, dict) else one
            if name in TOOLS and isinstance(version, str):
                yield from _exact(TOOLS[name], version, lines.find(name, "[tools"), "version file")


def _runtime_txt(text: str) -> Iterator[Named]:
    match = re.match(r"\s*python-(\S+)", text)
    if match:
        yield from _exact("python", match[1], 1, "version file")


def _global_json(text: str) -> Iterator[Named]:
    yield from _exact(
        "dotnet",
        str(table(json.loads(text), "sdk").get("version", "")),
        Lines(text).find("version"),
        "version file",
    )


def _pyproject(text: str) -> Iterator[Named]:
    data, lines = tomllib.loads(text), Lines(text)
    for value, key in (
        (table(data, "project").get("requires-python"), "requires-python"),
        (table(data, "tool", "poetry", "dependencies").get("python"), "python"),
    ):
        yield from _lowest("python", value, lines.find(key, "[tool.poetry" if key == "python" else ""))


def _by_expressions(product: str, pattern: str) -> Callable[[str], Iterator[Named]]:
    """A reader of files whose texts say it in one line."""
    compiled = re.compile(pattern, re.MULTILINE)

    def found(text: str) -> Iterator[Named]:
        for match in compiled.finditer(text):
            yield from _lowest(product, match[1], text.count("\n", 0, match.start(1)) + 1)

    return found


def _package(text: str) -> Iterator[Named]:
    data, lines = json.loads(text), Lines(text)
    yield from _lowest("nodejs", table(data, "engines").get("node"), lines.find("node", '"engines"'))
    yield from _lowest("nodejs", table(data, "volta").get("node"), lines.find("node", '"volta"'))


def _composer(text: str) -> Iterator[Named]:
    yield from _lowest(
        "php", table(json.loads(text), "require").get("php"), Lines(text).find("php", '"require"')
    )


def _go_mod(text: str) -> Iterator[Named]:
    """The toolchain that it chooses, or else the least that it needs, which is not what runs it."""
    chosen = re.search(r"^toolchain\s+go(\S+)", text, re.MULTILINE)
    found = chosen or re.search(r"^go\s+(\S+)", text, re.MULTILINE)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        yield from _exact("go", found[1], line, "version" if chosen else "least")


def _lowest(product: str, wanted: object, line: int | None) -> Iterator[Named]:
    """The oldest version that a range promises to run on; of one that has no lower end, none."""
    if not isinstance(wanted, str):
        return
    bounds = [
        (sign, number) for sign, number in BOUND.findall(wanted[:LONGEST]) if sign not in ("<", "<=", "!=")
    ]
    if bounds:
        lowest = min(
            (number for _, number in bounds), key=lambda number: [int(part) for part in number.split(".")]
        )
        yield (
            product,
            lowest,
            line,
            "range" if len(bounds) > 1 or bounds[0][0] not in ("", "=", "==") else "version",
        )


WORKFLOW = {
    "python-version": "python", "node-version": "nodejs", "go-version": "go", "ruby-version": "ruby", "php-version": "php",
    "java-version": "eclipse-temurin", "dotnet-version": "dotnet", "deno-version": "deno", "bun-version": "bun", "otp-version": "erlang",
    "elixir-version": "elixir",
}  # fmt: skip
MATRIX = re.compile(r"/matrix(/include/\d+)?$")  # in which people call it `python` as well


def _workflow(text: str) -> Iterator[Named]:
    """What the steps of a workflow set up, and what its matrix names."""
    read_yaml = documents(text)
    for document in read_yaml if isinstance(read_yaml, list) else []:
        yield from _below(document["data"], document["lines"], "")
    yield from _images_of_yaml(text)


def _below(value: Any, lines: dict[str, int], at: str) -> Iterator[Named]:
    for key, inner in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        place = f"{at}/{key}" if at else str(key)
        product = WORKFLOW.get(str(key).replace("_", "-")) or (
            TOOLS.get(str(key)) if MATRIX.search(at) else None
        )
        if product is None:
            yield from _below(inner, lines, place)
            continue
        for number, one in enumerate(inner if isinstance(inner, list) else [inner]):
            line = lines.get(f"{place}/{number}", lines.get(place))
            for word in (
                str(one).split("\n") if isinstance(one, str | int | float) and "${{" not in str(one) else ()
            ):
                yield from _exact(product, word, line, "workflow")


READERS: dict[str, Callable[[str], Iterator[Named]]] = {
    ".tool-versions": _tool_versions,
    "mise.toml": _mise,
    ".mise.toml": _mise,
    "runtime.txt": _runtime_txt,
    "global.json": _global_json,
    "pyproject.toml": _pyproject,
    "setup.cfg": _by_expressions("python", r"^[ \t]*python_requires[ \t]*=[ \t]*(.+)"),
    "setup.py": _by_expressions("python", r"python_requires[ \t]*=[ \t]*[\"']([^\"'\n]+)"),
    "Pipfile": _by_expressions("python", r"^[ \t]*python_(?:full_)?version[ \t]*=[ \t]*[\"']([^\"'\n]+)"),
    "package.json": _package,
    "composer.json": _composer,
    "go.mod": _go_mod,
    "Gemfile": _by_expressions("ruby", r"^[ \t]*ruby[ \t(]+[\"']([^\"'\n]+)"),
}
