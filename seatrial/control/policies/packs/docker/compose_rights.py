"""Containers of compose files have no rights over their host.

Looks into compose files for `privileged`, the engine's socket, the host's network, processes or root folder, and added capabilities
that amount to root. Files for development and tests count less.
"""

import re

NAME = "Rights of compose services"
TESTS = [
    {"name": "none", "input": {"files": {"compose.yaml": "services:\n  a:\n    image: a:1\n    volumes: ['./data:/data']\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "merged from elsewhere", "input": {"files": {"compose.yaml": "x-a: &a\n  privileged: yes\nservices:\n  a:\n    <<: *a\n    image: a:1\n"}}, "expected": {"passed": False, "findings": [{"line": 4}]}},
    {"name": "privileged", "input": {"files": {"compose.yaml": "services:\n  a:\n    image: a:1\n    privileged: true\n"}}, "expected": {"passed": False, "findings": [{"path": "compose.yaml", "line": 4, "severity": "high"}]}},
    {"name": "the socket", "input": {"files": {"docker-compose.yml": "services:\n  a:\n    volumes:\n    - /var/run/docker.sock:/var/run/docker.sock\n"}}, "expected": {"passed": False, "findings": [{"line": 4}]}},
    {"name": "in the long form", "input": {"files": {"compose.yml": "services:\n  a:\n    volumes:\n    - {type: bind, source: /, target: /host}\n    network_mode: host\n"}}, "expected": {"passed": False, "findings": 2}},
    {"name": "for development", "input": {"files": {"compose.dev.yaml": "services:\n  a:\n    privileged: true\n"}}, "expected": {"passed": True, "score": 80, "findings": [{"severity": "low"}]}},
    {"name": "cannot be read", "input": {"files": {"compose.yaml": "services: [\n"}}, "expected": {"passed": False, "message": {"contains": "not valid YAML"}}},
    {"name": "no compose file", "input": {"files": {"a": ""}}, "expected": {"passed": True}},
]  # fmt: skip

FILE = r"(^|/)(docker-)?compose([.-][\w.-]+)?\.ya?ml$"
SKIPPED = re.compile(r"(^|/)(node_modules|vendor|third_party|testdata|fixtures?)/")
ASIDE = re.compile(
    r"(^|/)(tests?|dev|\.devcontainer|ci|examples?)/|[._-](dev|test|tests|ci|local|override)[._-]"
)
SOCKET = re.compile(
    r"^(/var)?/run/(docker|podman/podman|containerd/containerd)\.sock|^(/|/etc|/root|/proc|/sys|/var/lib/docker)/?(:|$)"
)
YES = ("true", "yes", "y", "on")  # as Compose reads it
ROOTLIKE = {"ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "DAC_READ_SEARCH", "SYS_RAWIO"}


def evaluate(project):
    problems, looked = [], []
    for path in project.files.matching(FILE, unless=SKIPPED):
        looked.append(path)
        try:
            documents = project.get_yaml(path) or []
        except ValueError as error:
            problems.append((path, 1, f"was not read: {error}", "medium"))
            continue
        aside = bool(ASIDE.search(path))
        for document in documents:
            problems += [(path, line, text, "low" if aside else "high") for line, text in judge(document)]
    grave = [one for one in problems if one[3] != "low"]
    if not problems:
        return {
            "passed": True,
            "score": 100,
            "message": f"Compose files read: {len(looked)}. No service has rights over its host."
            if looked
            else "No compose file.",
        }
    score = max(0, 50 - 10 * (len(grave) - 1)) if grave else max(70, 100 - 20 * len(problems))
    return {
        "passed": not grave,
        "score": score,
        "message": "; ".join(f"{path}:{line} {text}" for path, line, text, _ in problems[:3]) + ".",
        "findings": [
            {"path": p, "line": n, "message": text, "severity": level} for p, n, text, level in problems[:200]
        ],
    }


def judge(document):
    data, lines = document["data"], document["lines"]
    services = data.get("services") if isinstance(data, dict) else None
    for name, service in services.items() if isinstance(services, dict) else ():
        if not isinstance(service, dict):
            continue
        at = f"services/{name}"
        if str(service.get("privileged")).lower() in YES:
            yield line_of(lines, f"{at}/privileged", at), f"{name} is privileged"
        for key in ("network_mode", "pid", "ipc", "userns_mode"):
            if service.get(key) == "host":
                yield line_of(lines, f"{at}/{key}", at), f"{name} has {key}: host"
        for number, capability in enumerate(listed(service, "cap_add")):
            if str(capability).upper().removeprefix("CAP_") in ROOTLIKE:
                yield line_of(lines, f"{at}/cap_add/{number}", at), f"{name} may {capability}"
        for number, volume in enumerate(listed(service, "volumes")):
            source = str(volume.get("source", "")) if isinstance(volume, dict) else str(volume)
            if SOCKET.match(source):
                yield (
                    line_of(lines, f"{at}/volumes/{number}", at),
                    f"{name} has {source.split(':')[0]} of its host",
                )


def line_of(lines, place, service):
    """Where it is written; what a service has from elsewhere in the file is shown at the service."""
    return lines.get(place, lines.get(service, 1))


def listed(service, key):
    value = service.get(key)
    return value if isinstance(value, list) else []
