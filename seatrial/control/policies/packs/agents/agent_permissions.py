"""Coding agents are not allowed everything by the repository.

Reads shared settings of agents (.claude/settings.json, .gemini, .codex, opencode and others): no rule that allows every command or every
tool, no mode that asks nobody, no server of strangers that is trusted unseen. Settings of one person (settings.local.json) are not committed.
"""

import json
import re

NAME = "Permissions of agents"
TESTS = [
    {"name": "narrow", "input": {"files": {".claude/settings.json": '{"permissions": {"allow": ["Bash(make test:*)", "Read(src/**)"]}}'}}, "expected": {"passed": True, "score": 100}},
    {"name": "every command", "input": {"files": {".claude/settings.json": '{"permissions": {"allow": [\n"Bash(*)"]}}'}}, "expected": {"passed": False, "findings": [{"path": ".claude/settings.json", "line": 2, "severity": "high"}]}},
    {"name": "a tool without a limit", "input": {"files": {".claude/settings.json": '{"permissions": {"allow": ["Bash"]}}'}}, "expected": {"passed": False}},
    {"name": "asks nobody", "input": {"files": {".claude/settings.json": '{"permissions": {"defaultMode": "bypassPermissions"}}'}}, "expected": {"passed": False}},
    {"name": "all servers", "input": {"files": {".claude/settings.json": '{"enableAllProjectMcpServers": true}'}}, "expected": {"passed": False, "findings": [{"severity": "medium"}]}},
    {"name": "of one person", "input": {"files": {".claude/settings.local.json": "{}"}}, "expected": {"passed": False, "message": {"contains": "settings.local.json"}}},
    {"name": "Codex", "input": {"files": {".codex/config.toml": 'approval_policy = "never"\nsandbox_mode = "danger-full-access"\n'}}, "expected": {"passed": False, "findings": 2}},
    {"name": "an interpreter", "input": {"files": {".claude/settings.json": '{"permissions": {"allow": ["Bash(python3:*)", "Bash(sudo:*)"]}}'}}, "expected": {"passed": False, "findings": 2}},
    {"name": "none", "input": {"files": {"a": ""}}, "expected": {"passed": True}},
]  # fmt: skip

PERSONAL = re.compile(r"(.+/)?\.claude/settings\.local\.json")
CLAUDE = re.compile(r"(.+/)?\.claude/settings\.json")
OTHERS = {
    r"(.+/)?\.codex/config\.toml": [
        (r"^\s*approval_policy\s*=\s*[\"']never[\"']", "asks nobody before a command", "high"), (r"^\s*sandbox_mode\s*=\s*[\"']danger-full-access[\"']", "runs commands without a sandbox", "high"),
    ],
    r"(.+/)?\.(gemini|qwen)/settings\.json": [
        (r'"autoAccept"\s*:\s*true|"approvalMode"\s*:\s*"yolo"|"yolo"\s*:\s*true', "asks nobody before a tool", "high"), (r'"trust"\s*:\s*true', "trusts a server unseen", "medium"),
    ],
    r"(\.opencode/)?opencode\.jsonc?": [(r'"(bash|permission|\*)"\s*:\s*"allow"', "allows every command", "high")],
    r"\.cursor/(cli|permissions)\.json": [(r'"Shell\(\*+\)"|"Write\(\*+/?\**\)"', "allows every command", "high")],
    r"\.vscode/settings\.json": [(r'"chat\.tools\.(global\.)?autoApprove"\s*:\s*true', "asks nobody before a tool", "high")],
}  # fmt: skip
SETTINGS = "|".join([PERSONAL.pattern, CLAUDE.pattern, *OTHERS])
ALL = re.compile(
    r"\*|(Bash|Write|Edit|WebFetch|PowerShell|mcp__\*)|(Bash|PowerShell)\(\s*(\*|:\*|\*:\*|\*\*)?\s*\)|(Write|Edit)\((/|//|\*\*|\*|~/?\**|/\*\*)\)"
)
ANYTHING = re.compile(
    r"Bash\((sudo|su|sh|bash|zsh|python3?|node|perl|ruby|eval|env|xargs|ssh|docker|rm|curl|wget|npx|find)(:| )\*\)"
)


def evaluate(project):
    problems, read = [], []
    for path in project.files.matching(SETTINGS, whole=True):
        if PERSONAL.fullmatch(path):
            problems.append((path, 1, "is one person's own, and committed for all", "medium"))
            continue
        rules = next((rules for name, rules in OTHERS.items() if re.fullmatch(name, path)), None)
        if not rules and not CLAUDE.fullmatch(path):
            continue
        text = text_of(project, path)
        read.append(path)
        for pattern, why, level in rules or ():
            problems += [
                (path, text.count("\n", 0, match.start()) + 1, why, level)
                for match in re.finditer(pattern, text, re.M)
            ]
        problems += (
            [] if rules else [(path, line_of(text, value), why, level) for value, why, level in claude(text)]
        )
    if not problems:
        what = (
            f"Allow no more than they name: {', '.join(read)}."
            if read
            else "No settings of coding agents are shared."
        )
        return {"passed": True, "score": 100, "message": what}
    path, line, why, _ = problems[0]
    return {
        "passed": False,
        "score": 0 if any(one[3] == "high" for one in problems) else 50,
        "message": f"{path}:{line} {why}."
        + (f" There are {len(problems) - 1} more." if len(problems) > 1 else ""),
        "findings": [
            {"path": p, "line": n, "message": text, "severity": level} for p, n, text, level in problems[:200]
        ],
    }


def text_of(project, path):
    """The text of a file; empty if it has none, or is not there."""
    try:
        return project.get_file_content(path) or ""
    except ValueError:  # a binary file, or above 1 MB
        return ""


def claude(text):
    """(value in the text, problem, severity)."""
    try:
        data = json.loads(text)
        permissions = data.get("permissions") or {}
        allowed = [str(rule) for rule in permissions.get("allow") or []]
        mode = permissions.get("defaultMode")
    except (ValueError, AttributeError, TypeError, RecursionError):
        yield "", "is not valid JSON", "medium"
        return
    for rule in allowed:
        if ALL.fullmatch(rule.strip()):
            yield rule, f"allows {rule}: everything", "high"
        elif ANYTHING.fullmatch(rule.strip()):
            yield rule, f"allows {rule}, which can do anything", "high"
    if mode == "bypassPermissions":
        yield mode, "asks nobody before a tool", "high"
    if data.get("enableAllProjectMcpServers") is True:
        yield "enableAllProjectMcpServers", "trusts each MCP server that somebody adds", "medium"


def line_of(text, value):
    return text.count("\n", 0, max(text.find(f'"{value}"'), 0)) + 1
