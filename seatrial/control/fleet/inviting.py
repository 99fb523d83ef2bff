"""The page on which the instance admin makes a bootstrap token for one more agent."""

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from seatrial.control.accounts.access import Action, require
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.fleet.errors import UnfitName
from seatrial.control.fleet.pages import Placed
from seatrial.control.fleet.registration import TOKEN_LIFETIME, issue_bootstrap
from seatrial.wire.counted import counted

MOST_OF_A_NAME = 63


class NewAgentForm(forms.Form):
    """What the agent is called."""

    explains = True
    name = forms.CharField(
        max_length=MOST_OF_A_NAME,
        help_text="Such as its host's. An agent that has the name already is replaced by the new one.",
    )


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
def new_agent(request: HttpRequest, placed: Placed) -> HttpResponse:
    """Ask for a name; then show the token, once."""
    require(person(request), Action.MANAGE_AGENTS, None)
    form = NewAgentForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["name"]
        try:
            token = issue_bootstrap(name, by=actor(request))
        except UnfitName as error:
            form.add_error("name", str(error))
        else:
            hours = counted(TOKEN_LIFETIME.days * 24, "hour")
            context = {
                "name": name,
                "line": f"GALLEY_AGENT_TOKEN={token}",
                "lifetime": hours,
                "tab": "agents",
            }
            return render(request, "fleet/token.html", context)
    return render(request, "fleet/new.html", {"form": form, "tab": "agents"})
