"""The services of the preview start without saying that something went wrong.

Reads the log of each service since its start, its newest 200 lines, for lines that begin with, or are marked as, an error, and for tracebacks and panics.
`ignore` is a regular expression for lines that do not matter.
"""

import re

NAME = "A start without errors"
LIVE = True
PARAMS = {"ignore": ""}
TESTS = [
    {"name": "quiet", "input": {"preview": {"services": [{"name": "web", "logs": ["listening on 8080", "0 errors"]}]}}, "expected": {"passed": True, "score": 100, "message": {"contains": "2 lines"}}},
    {"name": "an error", "input": {"preview": {"services": [{"name": "web", "logs": ["2026-01-01 ERROR no database", "ok"]}]}}, "expected": {"passed": False, "findings": [{"message": "web: 2026-01-01 ERROR no database"}]}},
    {"name": "in JSON", "input": {"preview": {"services": [{"name": "web", "logs": ["{\"level\": \"fatal\"}", "[error] x", "level=error x"]}]}}, "expected": {"passed": False, "findings": 3}},
    {"name": "a traceback and a panic", "input": {"preview": {"services": [{"name": "a", "logs": ["Traceback (most recent call last):"]}, {"name": "b", "logs": ["panic: x"]}]}}, "expected": {"passed": False, "findings": 2}},
    {"name": "what does not matter", "input": {"preview": {"services": [{"name": "web", "logs": ["ERROR cache is cold"]}]}}, "params": {"ignore": "cache is cold"}, "expected": {"passed": True}},
    {"name": "words about errors", "input": {"preview": {"services": [{"name": "web", "logs": ["registered error handler", "GET /errors 200", "no error: fine"]}]}}, "expected": {"passed": True}},
    {"name": "no log", "input": {"preview": {"services": [{"name": "web"}]}}, "expected": {"passed": True, "message": {"contains": "web: none"}}},
]  # fmt: skip

WRONG = re.compile(
    r"\b(ERROR|FATAL|CRITICAL|PANIC|EMERG)\b|^(error|fatal|panic|critical)\b[ :]|\[(error|crit|fatal|emerg|alert)\]"
    r"|\blevel\"?[=:] ?\"?(error|fatal|critical|panic)|^Traceback \(most recent call last\)|^Exception in thread|^Unhandled"
)


def evaluate(project, params):
    ignore = re.compile(params["ignore"]) if params["ignore"] else None
    found, read = [], []
    for service in project.preview["services"]:
        read.append(f"{service['name']}: {len(service['logs']) or 'none'}")
        for line in service["logs"]:
            if WRONG.search(line) and not (ignore and ignore.search(line)):
                found.append(f"{service['name']}: {line}")
    lines = sum(len(service["logs"]) for service in project.preview["services"])
    return {
        "passed": not found,
        "score": max(0, 100 - 20 * len(found)),
        "message": "; ".join(one[:200] for one in found[:3])
        if found
        else f"No error in {lines} line{'' if lines == 1 else 's'} ({', '.join(read)}).",
        "findings": [{"message": one, "severity": "medium"} for one in found[:200]],
        "findings_left_out": max(0, len(found) - 200),
    }
