"""The buttons of an evaluation's page that save its report."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from seatrial.control.accounts.access import find_visible
from seatrial.control.accounts.authentication import person
from seatrial.control.policies.errors import NotEnded
from seatrial.control.policies.models import Evaluation
from seatrial.control.policies.reports.formats import ReportFormat, download


@require_GET
@login_required
def report(request: HttpRequest, key: str, wanted: str) -> HttpResponse:
    """One format, as a file."""
    evaluation = find_visible(person(request), Evaluation, key, "project")
    if wanted not in [*ReportFormat]:
        raise Http404(f"There is no format {wanted}.")
    try:
        return download(evaluation, ReportFormat(wanted))
    except NotEnded as error:
        messages.warning(request, str(error))
        return redirect("policies:evaluation", key=evaluation.pk)
