"""Workflows pass the audits of zizmor.

zizmor knows some thirty ways in which GitHub workflows and actions are attacked, and is asked about all of them: text of strangers in scripts,
actions that are not pinned, tokens that stay behind, caches that can be poisoned. Parameters: `severity`, the least that fails
(info, low, medium or high; what weighs less is listed); `confidence`, how sure it must be (low, medium or high); `skip`, audits by name.
"""

CRITERIA = {"events": ["pull_request", "push"]}
NAME = "Audited workflows"
PARAMS = {"severity": "medium", "confidence": "medium", "skip": []}
TESTS = [
    {"name": "nothing found", "input": {"fact": {"zizmor": {"version": "1.32.0", "files": 2}}}, "expected": {"passed": True, "score": 100, "message": {"contains": "2 files"}}},
    {"name": "something grave", "input": {"fact": {"zizmor": {"findings": [{"path": ".github/workflows/a.yml", "line": 3, "rule": "template-injection", "severity": "high", "confidence": "high", "message": "code injection"}]}}},
     "expected": {"passed": False, "findings": [{"path": ".github/workflows/a.yml", "line": 3, "severity": "high"}]}},
    {"name": "something small is listed", "input": {"fact": {"zizmor": {"findings": [{"path": "action.yml", "line": 3, "rule": "artipacked", "severity": "low", "confidence": "high", "message": "a token stays"}]}}},
     "expected": {"passed": True, "findings": [{"severity": "low"}]}},
    {"name": "an audit that is skipped", "input": {"fact": {"zizmor": {"findings": [{"path": "action.yml", "line": 3, "rule": "artipacked", "severity": "high", "confidence": "high", "message": "a token stays"}]}}},
     "params": {"skip": ["artipacked"]}, "expected": {"passed": True, "findings": []}},
    {"name": "it is not sure", "input": {"fact": {"zizmor": {"findings": [{"path": "action.yml", "line": 3, "rule": "artipacked", "severity": "high", "confidence": "low", "message": "a token stays"}]}}}, "expected": {"passed": True}},
    {"name": "a workflow that cannot be read", "input": {"fact": {"zizmor": {"files": 1, "left_out": {".github/workflows/b.yml": "not what its place says"}}}}, "expected": {"passed": False, "score": 60, "message": {"contains": "b.yml"}}},
    {"name": "no workflow", "input": {"fact": {"zizmor": {"files": 0}}}, "expected": {"passed": True, "message": {"contains": "no workflow"}}},
]  # fmt: skip
SEVERITIES = ("info", "low", "medium", "high", "critical")
CONFIDENCES = ("", "low", "medium", "high")


def evaluate(project, params):
    fact = project.fact("zizmor")
    found = [one for one in fact["findings"] if one["rule"] not in params["skip"]]
    grave = [one for one in found if counts(one, params)]
    if not fact["files"] and not fact["left_out"]:
        return {"passed": True, "message": "There is no workflow and no action that zizmor could audit."}
    unread = [f"{path}: {why}" for path, why in fact["left_out"].items()]
    read = f"zizmor {fact['version']} read {fact['files']} files" + (
        f", not {unread[0]}" + (f" and {len(unread) - 1} more" if len(unread) > 1 else "") if unread else ""
    )
    findings = [shown(one) for one in grave + [one for one in found if one not in grave]]
    if not grave:
        small = f" Of less weight: {len(found)}." if found else ""
        return {
            "passed": not unread,
            "score": 60 if unread else 100,
            "message": f"{read} and found nothing that counts.{small}",
            "findings": findings[:1000],
        }
    first = "; ".join(f"{one['path']}:{one['line']} {one['message']}" for one in grave[:3])
    return {
        "passed": False,
        "score": max(0, 60 - 10 * len(grave)),
        "message": f"{first}. {read} and found {len(grave)} that count.",
        "findings": findings[:1000],
        "findings_left_out": len(findings[1000:]) + fact["findings_left_out"],
    }


def counts(one, params):
    heavy = SEVERITIES.index(one["severity"]) >= SEVERITIES.index(params["severity"])
    return heavy and CONFIDENCES.index(one["confidence"]) >= CONFIDENCES.index(params["confidence"])


def shown(one):
    message = f"{one['message']} (zizmor: {one['rule']})"
    return {"path": one["path"], "line": one["line"], "severity": one["severity"], "message": message}
