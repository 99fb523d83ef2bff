"""No image of the preview is larger than it may be.

Looks at the unpacked size of the image of every service. `megabytes` is the limit for each; services whose names are in `except` are left out.
"""

NAME = "Image size"
LIVE = True
PARAMS = {"megabytes": 1000, "except": []}
TESTS = [
    {"name": "small", "input": {"preview": {"services": [{"name": "web", "image_bytes": 90000000}]}}, "expected": {"passed": True, "message": "web 90 MB; the limit is 1000 MB."}},
    {"name": "large", "input": {"preview": {"services": [{"name": "web", "image_bytes": 2000000000}, {"name": "db", "image_bytes": 1}]}}, "expected": {"passed": False, "score": 50, "findings": [{"message": "the image of web has 2000 MB; the limit is 1000 MB"}]}},
    {"name": "left out", "input": {"preview": {"services": [{"name": "web", "image_bytes": 2000000000}]}}, "params": {"except": ["web"]}, "expected": {"passed": True}},
    {"name": "nobody knows", "input": {"preview": {"services": [{"name": "web"}]}}, "expected": {"state": "errored"}},
]  # fmt: skip


def evaluate(project, params):
    services = [one for one in project.preview["services"] if one["name"] not in params["except"]]
    unknown = [one["name"] for one in services if one["image_bytes"] is None]
    if unknown:
        raise RuntimeError(f"the host does not know the image size of {', '.join(unknown)}")
    sizes = {one["name"]: one["image_bytes"] / 1e6 for one in services}
    limit = params["megabytes"]
    large = {name: size for name, size in sizes.items() if size > limit}
    return {
        "passed": not large,
        "score": 100 * limit / max(large.values()) if large else 100,
        "message": (", ".join(f"{name} {size:.0f} MB" for name, size in sizes.items()) or "No service")
        + f"; the limit is {limit:g} MB.",
        "findings": [
            {
                "message": f"the image of {name} has {size:.0f} MB; the limit is {limit:g} MB",
                "severity": "low",
                "fingerprint": name,
            }
            for name, size in large.items()
        ],
    }
