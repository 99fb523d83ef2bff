"""The page Tokens: what lets programs, coding assistants among them, act for the person who looks."""

import json
from typing import Any

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from seatrial.control.accounts import tokens
from seatrial.control.accounts.access import Scope
from seatrial.control.accounts.authentication import actor, person

PAGE = "accounts/tokens.html"
WORDS = {
    Scope.READ: "look at projects, verdicts, previews and logs",
    Scope.POLICIES_RUN: "evaluate commits, test and replay policies",
    Scope.POLICIES_WRITE: "write policies and their versions",
    Scope.PREVIEWS_WRITE: "rebuild, extend and stop previews",
    Scope.WAIVERS_REQUEST: "request waivers, which somebody else decides",
}
DAYS = (7, tokens.USUAL_DAYS, 90, tokens.MOST_DAYS)


class TokenForm(forms.Form):
    """A token for a program."""

    explains = True  # its fields have help

    name = forms.CharField(
        max_length=tokens.MOST_NAME, help_text="Which program it is for, such as assistant on my laptop."
    )
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=[(scope.value, f"{scope.value}: {text}") for scope, text in WORDS.items()],
        initial=[Scope.READ, Scope.POLICIES_RUN, Scope.WAIVERS_REQUEST],
        widget=forms.CheckboxSelectMultiple,
        help_text="Never more than you may yourself.",
    )
    days = forms.TypedChoiceField(
        label="Valid for",
        coerce=int,
        choices=[(days, f"{days} days") for days in DAYS],
        initial=tokens.USUAL_DAYS,
    )


@require_http_methods(["GET", "POST"])
@login_required
@never_cache
def tokens_page(request: HttpRequest) -> HttpResponse:
    """Somebody's own tokens, and a form that makes one more. The answer to that form is the only page that shows it."""
    if request.method == "GET":
        return render(request, PAGE, _shown(request, TokenForm()))
    raise_if_reauthentication_required(request, app="")  # of no app: always
    form = TokenForm(request.POST)
    if not form.is_valid():
        return render(request, PAGE, _shown(request, form), status=400)
    try:
        made = tokens.make(person(request), **form.cleaned_data, by=actor(request))
    except tokens.UnfitToken as error:
        form.add_error(None, str(error))
        return render(request, PAGE, _shown(request, form), status=error.status)
    return render(request, PAGE, {**_shown(request, TokenForm()), "made": made, "example": _example(made)})


@require_POST
@login_required
def revoke_token(request: HttpRequest, key: str) -> HttpResponse:
    """Revoke one of somebody's own tokens."""
    row = tokens.one_of(person(request), key)
    tokens.revoke(row, by=actor(request))
    messages.success(request, f"{row.name} is revoked: whatever uses it is refused from now on.")
    return redirect("tokens")


def _shown(request: HttpRequest, form: TokenForm) -> dict[str, Any]:
    now = timezone.now()
    rows = [
        {"row": row, "expired": row.expires_at is not None and row.expires_at <= now}
        for row in tokens.of(person(request))
    ]
    return {"rows": rows, "form": form, "example": _example("sea_..."), "address": address()}


def address() -> str:
    """Where coding assistants reach this server."""
    return f"{settings.SITE_URL}/mcp"


def _example(token: str) -> str:
    """What most coding assistants call `.mcp.json`."""
    server = {"type": "http", "url": address(), "headers": {"Authorization": f"Bearer {token}"}}
    return json.dumps({"mcpServers": {"seatrial": server}}, indent=2)
