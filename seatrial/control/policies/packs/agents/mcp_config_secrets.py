"""Configurations of coding agents hold no secrets.

Headers, environment and arguments of MCP servers, and the environment of agents' settings, name variables (`${TOKEN}`, `${input:token}`)
rather than hold a token. What is found is shown by file, line and name, never itself.
"""

import json
import math
import re
from collections import Counter

NAME = "No secrets for agents"
TESTS = [
    {"name": "a variable", "input": {"files": {".mcp.json": '{"mcpServers": {"a": {"command": "a", "env": {"API_TOKEN": "${API_TOKEN}"}}}}'}}, "expected": {"passed": True, "score": 100}},
    {"name": "in the environment", "input": {"files": {".mcp.json": '{"mcpServers": {"a": {"command": "a", "env": {\n"API_TOKEN": "q8Zr2LkV7bXw3NcT"}}}}'}}, "expected": {"passed": False, "findings": [{"path": ".mcp.json", "line": 2, "severity": "critical"}]}},
    {"name": "in a header", "input": {"files": {".vscode/mcp.json": '{"servers": {"a": {"url": "https://x.test", "headers": {"Authorization": "Bearer q8Zr2LkV7bXw3NcT"}}}}'}}, "expected": {"passed": False}},
    {"name": "in an argument", "input": {"files": {".cursor/mcp.json": '{"mcpServers": {"a": {"command": "a", "args": ["--api-key", "q8Zr2LkV7bXw3NcT"]}}}'}}, "expected": {"passed": False}},
    {"name": "in an address", "input": {"files": {".mcp.json": '{"mcpServers": {"a": {"url": "https://x.test/mcp?api_key=q8Zr2LkV7bXw3NcT"}}}'}}, "expected": {"passed": False}},
    {"name": "in settings", "input": {"files": {".claude/settings.json": '{"env": {"ANTHROPIC_API_KEY": "q8Zr2LkV7bXw3NcT"}}'}}, "expected": {"passed": False}},
    {"name": "a placeholder", "input": {"files": {".mcp.json": '{"mcpServers": {"a": {"command": "a", "env": {"API_KEY": "<your key>", "MODE": "q8Zr2LkV7bXw3NcT"}}}}'}}, "expected": {"passed": True}},
    {"name": "none", "input": {"files": {"a": ""}}, "expected": {"passed": True}},
]  # fmt: skip

FILE = re.compile(
    r"(.+/)?(\.mcp|mcp|mcp_config|claude_desktop_config)\.json|\.(claude|gemini|qwen|cursor|vscode|codex|continue|roo|zed|kiro/settings)/[\w.-]+\.(json|toml|ya?ml)|opencode\.jsonc?"
)
SECRET = re.compile(
    r"secret|token|passw|api[-_]?key|authorization|credential|private[-_]?key|access[-_]?key", re.IGNORECASE
)
POINTER = re.compile(
    r"\$|\{\{|^(Bearer |Basic |token )?(<.*>|your|xxx|\*|changeme|replace|example|dummy|op://|env:)|_FILE$",
    re.IGNORECASE,
)
IN_ADDRESS = re.compile(
    r"[?&][\w-]*(key|token|secret)[\w-]*=([^&$\s{]{10,})|://[^/\s:@$]*:([^/\s@$]{6,})@", re.IGNORECASE
)
PAIR = re.compile(r"[\"']?([\w-]+)[\"']?\s*[:=]\s*[\"']([^\"'\n]+)[\"']")


def evaluate(project):
    problems, read = [], 0
    for path, text in project.read_files(project.files.matching(FILE, whole=True)):
        read += 1
        try:
            named = list(values(json.loads(text)))
        except (ValueError, RecursionError):  # with comments, or no JSON: line by line
            named = PAIR.findall(text)
        problems += [
            (path, line_of(text, value), f"{name} holds a value")
            for name, value in named
            if is_secret(name, value)
        ]
    if not problems:
        return {
            "passed": True,
            "score": 100,
            "message": f"Configurations of coding agents read: {read}. None holds a secret.",
        }
    return {
        "passed": False,
        "score": 0,
        "message": "; ".join(f"{path}:{line} {text}" for path, line, text in problems[:3])
        + ". Remove and revoke them.",
        "findings": [
            {"path": p, "line": n, "message": text, "severity": "critical", "quote": False}
            for p, n, text in problems[:200]
        ],
    }


def values(data):
    """(name, text) of all texts; an argument is called by the one before it."""
    waiting = [("", data)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(str(key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            before = name
            for inner in value:
                option, equals, given = inner.partition("=") if isinstance(inner, str) else ("", "", "")
                waiting.append((option, given) if equals and option.startswith("-") else (before, inner))
                before = inner if isinstance(inner, str) and inner.startswith("-") else name
        elif isinstance(value, str):
            yield name, value


def is_secret(name, value):
    if IN_ADDRESS.search(value) and not POINTER.search(value):
        return True
    bare = re.sub(r"^(Bearer|Basic|token) ", "", value, flags=re.IGNORECASE)
    return (
        bool(SECRET.search(name))
        and len(bare) >= 10
        and " " not in bare
        and not POINTER.search(value)
        and "://" not in bare
        and "/" not in bare[:2]
        and entropy(bare) > 2.8
    )


def entropy(text):
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def line_of(text, value):
    return text.count("\n", 0, max(text.find(value), 0)) + 1
