"""Tools of coding agents work on every machine.

Reads the MCP configurations that a repository shares (.mcp.json, .cursor/mcp.json, .vscode/mcp.json and others): valid JSON, each server with a
command or an address, no folder of one person's machine, no address of one machine, and scripts of the repository that are there. Parameter
`allow_localhost`: an address of the machine itself passes.
"""

import json
import re
from posixpath import normpath

NAME = "Portable MCP configuration"
PARAMS = {"allow_localhost": False}
TESTS = [
    {"name": "good", "input": {"files": {".mcp.json": '{"mcpServers": {"a": {"command": "npx", "args": ["-y", "a"]}, "b": {"url": "https://x.test/mcp"}}}'}}, "expected": {"passed": True, "score": 100}},
    {"name": "a folder of one person", "input": {"files": {".mcp.json": '{"mcpServers": {"a": {\n"command": "/Users/bob/bin/a"}}}'}}, "expected": {"passed": False, "findings": [{"path": ".mcp.json", "line": 2}]}},
    {"name": "one machine", "input": {"files": {".cursor/mcp.json": '{"mcpServers": {"a": {"url": "http://localhost:3000/mcp"}}}'}}, "expected": {"passed": False, "score": 50}},
    {"name": "one machine is wanted", "input": {"files": {".cursor/mcp.json": '{"mcpServers": {"a": {"url": "http://localhost:3000/mcp"}}}'}}, "params": {"allow_localhost": True}, "expected": {"passed": True}},
    {"name": "Visual Studio Code's words, and comments", "input": {"files": {".vscode/mcp.json": '{ // ours\n"servers": {"a": {"command": "${workspaceFolder}/run.sh"}}}', "run.sh": ""}}, "expected": {"passed": True}},
    {"name": "a script that is not there", "input": {"files": {".mcp.json": '{"mcpServers": {"a": {"command": "node", "args": ["./tools/a.js"]}}}'}}, "expected": {"passed": False, "message": {"contains": "./tools/a.js"}}},
    {"name": "neither command nor address", "input": {"files": {".mcp.json": '{"mcpServers": {"a": {}}}'}}, "expected": {"passed": False}},
    {"name": "broken", "input": {"files": {".mcp.json": "{"}}, "expected": {"passed": False, "score": 0}},
    {"name": "none", "input": {"files": {"a": ""}}, "expected": {"passed": True}},
]  # fmt: skip

FILE = re.compile(
    r"\.mcp\.json|mcp\.json|\.(cursor|vscode|roo|kiro/settings|gemini|windsurf|amazonq|junie/mcp|idea)/(mcp|mcp_config|settings)\.json"
)
PERSONAL = re.compile(r"(^|[=:\s])(/(Users|home|root)/[^/\s$]+|[A-Za-z]:[\\/]|~/)")
LOCAL = re.compile(r"https?://(localhost|127\.[\d.]+|0\.0\.0\.0|\[::1\]|host\.docker\.internal)\b")


def evaluate(project, params):
    files = project.files
    problems, servers = [], []
    for path in files.matching(FILE, whole=True):
        text = text_of(project, path)
        try:
            data = json.loads(plain_json(text))
            found = data.get("mcpServers") or data.get("servers") or {}
            for name, server in found.items():
                servers.append(f"{name} ({path})")
                problems += [
                    (path, line_of(text, value or name), f"{name} {problem}", local)
                    for value, problem, local in judge(server, files, params["allow_localhost"])
                ]
        except (ValueError, AttributeError, TypeError, RecursionError) as error:
            problems.append((path, 1, f"cannot be read: {error}", None))
    if not problems:
        what = f"Work everywhere: {', '.join(servers[:5])}." if servers else "No MCP configuration is shared."
        return {"passed": True, "score": 100, "message": what}
    kinds = {local for _, _, _, local in problems}
    score = 0 if None in kinds else 50 if kinds == {True} else max(0, 50 - 20 * len(problems))
    return {
        "passed": False,
        "score": score,
        "message": "; ".join(f"{path}:{line} {text}" for path, line, text, _ in problems[:3]) + ".",
        "findings": [
            {"path": p, "line": n, "message": text, "severity": "low"} for p, n, text, _ in problems[:200]
        ],
    }


def text_of(project, path):
    """The text of a file; empty if it has none, or is not there."""
    try:
        return project.get_file_content(path) or ""
    except ValueError:  # a binary file, or above 1 MB
        return ""


def judge(server, files, allow_localhost):
    """(value, problem, whether it is only an address of this machine)."""
    address, command = (
        server.get("url") or server.get("serverUrl") or server.get("httpUrl"),
        server.get("command"),
    )
    if not address and not command:
        yield None, "has neither a command nor an address", False
    words = [command, *(server.get("args") or []), *(server.get("env") or {}).values(), server.get("cwd")]
    for word in [str(word) for word in words if word]:
        if PERSONAL.search(word):
            yield word, f"names {word[:80]}, which is on one machine only", False
        script = re.match(r"(?:\$\{workspaceFolder\}/|\./)([\w./-]+)$", word)
        if script and not files.among([normpath(script[1]), normpath(script[1]) + "/"]):
            yield word, f"runs {word[:80]}, which is not in the repository", False
    if address and LOCAL.match(str(address)) and not allow_localhost:
        yield str(address), f"is at {str(address)[:80]}, which is another thing on each machine", True


def line_of(text, value):
    return text.count("\n", 0, max(text.find(json.dumps(str(value))[1:-1]), 0)) + 1


def plain_json(text):
    """JSON without comments and without commas before a closing bracket; both may stand in strings."""
    text = re.sub(
        r'("(?:[^"\\\n]|\\.)*")|//[^\n]*|/\*.*?\*/', lambda match: match[1] or "", text, flags=re.DOTALL
    )
    return re.sub(r'("(?:[^"\\\n]|\\.)*")|,(?=\s*[}\]])', lambda match: match[1] or "", text)
