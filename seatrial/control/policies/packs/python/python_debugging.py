"""Nothing of debugging is left in the code.

Reads Python by its syntax, so that text in comments and strings does not matter: calls of `breakpoint()`, of pdb, ipdb, pudb and their
imports. A line that holds nothing else is removed by the fix. Tests count, too. Parameter `allow`: patterns of paths that may.
"""

import ast
from fnmatch import fnmatch

NAME = "No debugger left"
PARAMS = {"allow": []}
TESTS = [
    {"name": "nothing", "input": {"files": {"a.py": "x = 1  # breakpoint()\ny = 'pdb.set_trace()'\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "a breakpoint", "input": {"files": {"a.py": "def f():\n    x = 1\n    breakpoint()\n    return x\n"}},
     "expected": {"passed": False, "findings": [{"path": "a.py", "line": 3, "fix": "--- a/a.py\n+++ b/a.py\n@@ -3,1 +2,0 @@\n-    breakpoint()\n"}]}},
    {"name": "pdb", "input": {"files": {"a.py": "import pdb; pdb.set_trace()\n"}}, "expected": {"passed": False, "findings": 2}},
    {"name": "the only line of a block", "input": {"files": {"a.py": "def f():\n    breakpoint()\n"}}, "expected": {"passed": False, "findings": [{"line": 2, "fix": ""}]}},
    {"name": "allowed", "input": {"files": {"tools/a.py": "breakpoint()\n"}}, "params": {"allow": ["tools/*"]}, "expected": {"passed": True}},
    {"name": "cannot be understood", "input": {"files": {"a.py": "def breakpoint(\n"}}, "expected": {"passed": True, "message": {"contains": "Not understood: a.py"}}},
]  # fmt: skip

DEBUGGERS = {"pdb", "ipdb", "pudb", "pdbpp", "web_pdb", "remote_pdb", "rpdb", "celery.contrib.rdb"}
QUICK = r"breakpoint|pdb|pudb|\brdb\b"
SKIPPED = ["node_modules/", "vendor/", "third_party/", ".venv/"]


def evaluate(project, params):
    answer = project.search(QUICK, glob="*.py", exclude=SKIPPED)  # what names a debugger
    near = dict.fromkeys([*(one["path"] for one in answer["found"]), *answer["unread"]])
    near = [path for path in near if not any(fnmatch(path, pattern) for pattern in params["allow"])]
    found, unread = [], []
    for path, text in project.read_files(sorted(near)):
        try:
            found += [finding(path, text, *one) for one in debuggers(ast.parse(text))]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            unread.append(path)
    note = f" Not understood: {', '.join(unread[:3])}." if unread else ""
    if not found:
        return {
            "passed": True,
            "score": 100,
            "message": f"No debugger in {answer['files']} files of Python.{note}",
        }
    return {
        "passed": False,
        "score": max(0, 60 - 10 * len(found)),
        "message": "; ".join(f"{one['path']}:{one['line']} {one['message']}" for one in found[:3])
        + f".{note}",
        "findings": found[:500],
    }


def debuggers(module):
    """(line, text, whether the statement can be removed alone)."""
    for parent in ast.walk(module):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(parent, name, None)
            for node in block if isinstance(block, list) else []:
                what = debugger(node)
                if what:
                    alone = len(block) > 1 and node.lineno == node.end_lineno
                    yield node.lineno, what, alone


def debugger(node):
    if isinstance(node, ast.Import):
        return next((f"imports {one.name}" for one in node.names if one.name in DEBUGGERS), None)
    if isinstance(node, ast.ImportFrom):
        return f"imports {node.module}" if node.module in DEBUGGERS else None
    call = node.value.func if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) else None
    if isinstance(call, ast.Name) and call.id == "breakpoint":
        return "calls breakpoint()"
    if isinstance(call, ast.Attribute) and isinstance(call.value, ast.Name) and call.value.id in DEBUGGERS:
        return f"calls {call.value.id}.{call.attr}()"
    return None


def finding(path, text, line, what, alone):
    found = {"path": path, "line": line, "message": what, "severity": "medium", "fix": ""}
    whole = text.split("\n")[line - 1]
    if alone and ";" not in whole and ":" not in whole and what.startswith("calls"):
        found["fix"] = f"--- a/{path}\n+++ b/{path}\n@@ -{line},1 +{line - 1},0 @@\n-{whole}\n"
    return found
