"""What is carried along of others may be used.

Reads the texts of licences that lie beside vendored code (`vendor/`, `third_party/`, `node_modules/` and the like) and recognises them. One
that limits use (BUSL, SSPL, Commons Clause and others) fails. Parameters: `deny`: patterns of identifiers that fail, too, such as
["AGPL-*"]; `allow`: the only ones that pass; empty, all do that are known.
"""

from fnmatch import fnmatch

NAME = "Licences of vendored code"
PARAMS = {"deny": [], "allow": []}
TESTS = [
    {"name": "free", "input": {"files": {"vendor/a/LICENSE": "Permission is hereby granted, free of charge, to any person\n", "LICENSE": "Business Source License 1.1\n"}}, "expected": {"passed": True, "score": 100, "message": {"contains": "vendor/a/LICENSE:1 MIT"}}},
    {"name": "limits use", "input": {"files": {"third_party/b/LICENSE": "\nBusiness Source License 1.1\nChange License: Apache License, Version 2.0\n"}}, "expected": {"passed": False, "findings": [{"path": "third_party/b/LICENSE", "line": 2, "severity": "high"}]}},
    {"name": "denied", "input": {"files": {"vendor/c/COPYING": "GNU AFFERO GENERAL PUBLIC LICENSE\nVersion 3\n"}}, "params": {"deny": ["AGPL-*"]}, "expected": {"passed": False, "findings": 1}},
    {"name": "not among those that may be", "input": {"files": {"vendor/c/COPYING": "GNU GENERAL PUBLIC LICENSE\nVersion 2\n"}}, "params": {"allow": ["MIT", "BSD-*"]}, "expected": {"passed": False}},
    {"name": "nobody knows it", "input": {"files": {"vendor/d/LICENSE": "Do with it what you like.\n"}}, "expected": {"passed": True, "score": 80, "findings": [{"severity": "low"}]}},
    {"name": "two, as the tool says", "input": {"files": {}, "fact": {"licences": {"licences": [{"path": "vendor/e/LICENSE", "class": "vendored", "licences": [{"id": "MIT", "line": 1, "limits_use": False}, {"id": "GPL-3.0", "line": 30, "limits_use": False}]}]}}}, "params": {"deny": ["GPL-3*"]}, "expected": {"passed": False, "findings": [{"line": 30}]}},
    {"name": "nothing vendored", "input": {"files": {"LICENSE": "x"}}, "expected": {"passed": True, "message": {"contains": "No licence"}}},
]  # fmt: skip


def evaluate(project, params):
    fact = project.fact("licences")
    vendored = [one for one in fact["licences"] if one["class"] == "vendored"]
    if not vendored:
        return verdict(
            100, f"No licence lies beside vendored code, among {fact['files']} files with licences.", []
        )
    grave, unknown, known = [], [], []
    for one in vendored:
        if not one["licences"]:
            unknown.append(finding(one["path"], 1, "holds no licence text that is known", "low"))
        for licence in one["licences"]:
            why = problem(licence["id"], licence["limits_use"], params)
            if why:
                grave.append(
                    finding(one["path"], licence["line"], f"is {licence['id']}, which {why}", "high")
                )
            known.append(f"{one['path']}:{licence['line']} {licence['id']}")
    if grave:
        shown = "; ".join(f"{one['path']}:{one['line']} {one['message']}" for one in grave[:3])
        return verdict(max(0, 60 - 10 * len(grave)), f"{shown}.", grave + unknown)
    if unknown:
        return verdict(
            80, f"{len(unknown)} of {len(vendored)} are not known, such as {unknown[0]['path']}.", unknown
        )
    more = f", and {len(known) - 5} more" if len(known) > 5 else ""
    return verdict(100, f"Vendored: {', '.join(known[:5])}{more}.", [])


def problem(name, limits_use, params):
    """Why this one does not pass."""
    if params["allow"]:
        allowed = any(fnmatch(name, pattern) for pattern in params["allow"])
        return None if allowed else f"is not among {', '.join(params['allow'])}"
    if any(fnmatch(name, pattern) for pattern in params["deny"]):
        return "is denied here"
    return "limits use" if limits_use else None


def finding(path, line, message, severity):
    return {"path": path, "line": line, "message": message, "severity": severity}


def verdict(score, message, findings):
    return {
        "passed": score >= 70,
        "score": score,
        "message": message,
        "findings": findings[:500],
        "findings_left_out": len(findings[500:]),
    }
