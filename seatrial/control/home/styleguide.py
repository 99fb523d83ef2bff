"""The style guide, for people who build pages."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from seatrial.wire.states import AgentState, DeploymentState, EnvironmentState, EvaluationState, ResultState
from seatrial.wire.words import ServiceState


def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component once, with its states."""
    groups = {
        "Environments": list(EnvironmentState),
        "Deployments": list(DeploymentState),
        "Evaluations": list(EvaluationState),
        "Results": list(ResultState),
        "Services": list(ServiceState),
        "Agents": list(AgentState),
        "Deliveries": [
            "accepted", "rejected (signature)", "rejected (secret unavailable)", "rejected (parse)",
        ],
    }  # fmt: skip
    return render(request, "home/styleguide.html", {"groups": groups})
