"""The dashboard's address that a browser comes to from the gate, and goes back from with a pass."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from seatrial.control.accounts.authentication import person
from seatrial.control.entrance import passes, reading
from seatrial.control.entrance.deciding import hosts, through_all_hosts
from seatrial.control.entrance.passes import Kind
from seatrial.control.previews.desired import address
from seatrial.control.previews.models import Environment
from seatrial.wire.states import EnvironmentState

LONGEST = 4_000


@require_GET
@never_cache
@login_required
def enter(request: HttpRequest, key: str) -> HttpResponse:
    """Send whoever may look on to the preview. For others, what there is and what is not looks the same."""
    user, wanted, uri = person(request), request.GET.get("host", ""), request.GET.get("to", "/")[:LONGEST]
    rows = Environment.objects.select_related("project", "live", "candidate")
    environment = rows.exclude(state=EnvironmentState.TERMINATED).filter(pk=key.replace("\x00", "")).first()
    if environment is None or not reading.may_look(user, environment):
        return render(request, "entrance/refused.html", {"tab": ""}, status=403)
    served = hosts(environment)
    if not served:
        return redirect("previews:environment", key=environment.pk)
    label = wanted if wanted in served else served[0]
    granted = passes.new_pass(Kind.PERSON, environment.pk, str(user.pk), passes.PERSON_SECONDS)
    back = address().url(label) + (uri if uri.startswith("/") else "/")
    return redirect(through_all_hosts(granted, environment, label, back).url)
