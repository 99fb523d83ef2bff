"""What a repository is written in, by the bytes of its files. Counted on the host, from names and sizes alone."""

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath

from seatrial.agent.vocabulary.tree import Entry

_TABLE = """
Assembly asm s
C c h
C# cs
C++ cc cpp cxx hh hpp hxx
Clojure clj cljs cljc
CSS css
Dart dart
Elixir ex exs
Elm elm
Erlang erl hrl
F# fs fsx
Go go
Groovy groovy gradle
Haskell hs
HCL tf hcl
HTML html htm
Java java
JavaScript js cjs mjs jsx
Julia jl
Kotlin kt kts
Less less
Lua lua
Nix nix
Objective-C m mm
OCaml ml mli
Perl pl pm
PHP php
PowerShell ps1 psm1
Python py pyi
R r
Ruby rb rake
Rust rs
Scala scala sbt
SCSS scss sass
Shell sh bash zsh
Svelte svelte
Swift swift
TypeScript ts tsx cts mts
Vue vue
Zig zig
"""
BY_EXTENSION = {
    extension: line.split(" ")[0] for line in _TABLE.split("\n") if line for extension in line.split(" ")[1:]
}
BY_NAME = {"dockerfile": "Dockerfile", "makefile": "Makefile", "rakefile": "Ruby", "gemfile": "Ruby"}
VENDORED = {"node_modules", "vendor", "third_party", "dist", ".venv", "bower_components"}


def language_of(path: str) -> str | None:
    """The language of one file, or None when it does not count as code."""
    pure = PurePosixPath(path.lower())
    if VENDORED.intersection(pure.parts[:-1]) or ".min." in pure.name:
        return None
    return BY_NAME.get(pure.name) or BY_EXTENSION.get(pure.suffix.lstrip("."))


def languages(entries: Iterable[Entry]) -> dict[str, float]:
    """Percent by language, most first, one decimal; empty without code."""
    sizes: Counter[str] = Counter()
    for entry in entries:
        language = language_of(entry.path)
        if language and entry.size:
            sizes[language] += entry.size
    whole = sum(sizes.values())
    return {name: round(100 * size / whole, 1) for name, size in sizes.most_common()}
