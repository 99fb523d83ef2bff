"""No service listens on a port that nobody declared.

Compares the TCP ports that each container listens on, those of its loopback aside, with those of its recipe and its image (`EXPOSE`). A debugger or an admin page that is
left open is found here. Ports in `allow` do not matter.
"""

NAME = "No undeclared port"
LIVE = True
PARAMS = {"allow": []}
TESTS = [
    {"name": "as declared", "input": {"preview": {"services": [{"name": "web", "listening": [8080], "declared": [8080, 9000]}]}}, "expected": {"passed": True, "message": "web listens on 8080."}},
    {"name": "a debugger", "input": {"preview": {"services": [{"name": "web", "listening": [8080, 9229], "declared": [8080]}]}}, "expected": {"passed": False, "findings": [{"message": "web listens on 9229, which nobody declared"}]}},
    {"name": "allowed", "input": {"preview": {"services": [{"name": "web", "listening": [9229], "declared": []}]}}, "params": {"allow": [9229]}, "expected": {"passed": True}},
    {"name": "one that has ended does not listen", "input": {"preview": {"services": [{"name": "migrate", "state": "exited", "exit_code": 0}, {"name": "web", "listening": []}]}}, "expected": {"passed": True, "message": "web listens on no port."}},
    {"name": "nobody could look", "input": {"preview": {"services": [{"name": "web"}]}}, "expected": {"state": "errored"}},
]  # fmt: skip


def evaluate(project, params):
    services = [
        one for one in project.preview["services"] if one["listening"] is not None or one["exit_code"] is None
    ]
    unseen = [one["name"] for one in services if one["listening"] is None]
    if unseen:
        raise RuntimeError(f"the host could not see which ports {', '.join(unseen)} listens on")
    wrong = [
        f"{one['name']} listens on {port}, which nobody declared"
        for one in services
        for port in one["listening"]
        if port not in one["declared"] and port not in params["allow"]
    ]
    heard = [
        f"{one['name']} listens on {', '.join(map(str, one['listening'])) or 'no port'}" for one in services
    ]
    return {
        "passed": not wrong,
        "message": "; ".join(wrong or heard or ["no service runs"]) + ".",
        "findings": [{"message": one, "severity": "high", "fingerprint": one} for one in wrong],
    }
