"""No service of the preview runs as root.

Looks at the user that each container was given, by its recipe or by the `USER` of its image. Programs that begin as root and become somebody else, as those of many databases, count as root: services
of the kinds in `except_kinds` are left out, and those whose names are in `except`.
"""

NAME = "Nobody runs as root"
LIVE = True
PARAMS = {"except_kinds": ["database", "cache", "queue"], "except": []}
TESTS = [
    {"name": "a user of its own", "input": {"preview": {"services": [{"name": "web", "user": "app"}, {"name": "api", "user": "1000:1000"}]}}, "expected": {"passed": True, "message": "web runs as app; api runs as 1000:1000."}},
    {"name": "nobody said", "input": {"preview": {"services": [{"name": "web", "user": ""}]}}, "expected": {"passed": False, "findings": [{"message": "web runs as root: neither its recipe nor its image names a user"}]}},
    {"name": "root by name or number", "input": {"preview": {"services": [{"name": "a", "user": "root"}, {"name": "b", "user": "0:1000"}, {"name": "c", "user": "app"}]}}, "expected": {"passed": False, "findings": 2}},
    {"name": "a database", "input": {"preview": {"services": [{"name": "db", "kind": "database", "user": ""}]}}, "expected": {"passed": True}},
    {"name": "left out", "input": {"preview": {"services": [{"name": "web", "user": "0"}]}}, "params": {"except": ["web"]}, "expected": {"passed": True}},
    {"name": "the host does not know", "input": {"preview": {"services": [{"name": "web"}]}}, "expected": {"state": "errored"}},
]  # fmt: skip


def evaluate(project, params):
    services = [
        one
        for one in project.preview["services"]
        if one["kind"] not in params["except_kinds"] and one["name"] not in params["except"]
    ]
    unknown = [one["name"] for one in services if one["user"] is None]
    if unknown:
        raise RuntimeError(f"the host does not know as whom {', '.join(unknown)} runs")
    wrong = [
        f"{one['name']} runs as root: "
        + (f"its user is {one['user']}" if one["user"] else "neither its recipe nor its image names a user")
        for one in services
        if one["user"].split(":")[0] in ("", "0", "root")
    ]
    good = [f"{one['name']} runs as {one['user']}" for one in services]
    return {
        "passed": not wrong,
        "score": 100 * (len(services) - len(wrong)) / len(services) if services else 100,
        "message": "; ".join(wrong or good or ["no service to look at"]) + ".",
        "findings": [{"message": one, "severity": "high", "fingerprint": one} for one in wrong],
    }
