"""For who builds pages."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component once, with its states."""
    groups = {
        "Environments": ["pending", "building", "running", "hibernating", "terminated"],
        "Deployments": ["queued", "building", "starting", "live", "failed", "superseded", "cancelled"],
        "Evaluations and results": [
            "queued", "passed", "failed", "errored", "timed_out", "superseded", "skipped",
        ],
        "Agents": ["online", "draining", "offline", "revoked"],
        "Deliveries": [
            "accepted", "rejected (signature)", "rejected (secret unavailable)", "rejected (parse)",
        ],
    }  # fmt: skip
    return render(request, "home/styleguide.html", {"groups": groups})
