"""The preview comes up in time.

Adds up the phases of its deployment in which services start and become healthy, which a visitor of production waits for as well after a deployment. Building does not count. `seconds` is the limit.
"""

NAME = "Start time"
LIVE = True
PARAMS = {"seconds": 30}
TESTS = [
    {"name": "quick", "input": {"preview": {"phases": [{"name": "build web", "seconds": 90}, {"name": "start", "seconds": 2}, {"name": "health", "seconds": 3.5}]}}, "expected": {"passed": True, "message": "Its services were up after 5.5 s; the limit is 30 s."}},
    {"name": "slow", "input": {"preview": {"phases": [{"name": "start", "seconds": 20}, {"name": "health", "seconds": 40}]}}, "expected": {"passed": False, "score": 50}},
    {"name": "another limit", "input": {"preview": {"phases": [{"name": "start", "seconds": 20}]}}, "params": {"seconds": 10}, "expected": {"passed": False}},
    {"name": "nobody knows", "input": {"preview": {"phases": [{"name": "checkout", "seconds": 1}]}}, "expected": {"state": "errored"}},
]  # fmt: skip


def evaluate(project, params):
    timed = [
        one["seconds"]
        for one in project.preview["phases"]
        if one["name"] in ("start", "health") and one["seconds"] is not None
    ]
    if not timed:
        raise RuntimeError("nobody has measured how long the preview took to start")
    seconds, limit = sum(timed), params["seconds"]
    return {
        "passed": seconds <= limit,
        "score": 100 if seconds <= limit else 100 * limit / seconds,
        "message": f"Its services were up after {seconds:.1f} s; the limit is {limit:g} s.",
    }
