"""The button of an evaluation's page that saves its signed results."""

import json

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from seatrial.control.accounts.access import find_visible
from seatrial.control.accounts.authentication import person
from seatrial.control.policies.errors import NotEnded
from seatrial.control.policies.models import Evaluation
from seatrial.control.policies.signing.api import envelope_of


@require_GET
@login_required
def attestation(request: HttpRequest, key: str) -> HttpResponse:
    """The envelope, as a file."""
    evaluation = find_visible(person(request), Evaluation, key, "project")
    try:
        envelope = envelope_of(evaluation)
    except NotEnded as error:
        messages.warning(request, str(error))
        return redirect("policies:evaluation", key=evaluation.pk)
    name = f"{evaluation.project.slug}-{evaluation.commit[:10]}.dsse.json"
    answer = HttpResponse(json.dumps(envelope, indent=1) + "\n", content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "private, no-store"
    return answer
