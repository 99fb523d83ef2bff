"""The page about a problem with signing in."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from seatrial.control.accounts.providers.configured import Provider
from seatrial.control.accounts.providers.problems import Problem, words


def explained(
    request: HttpRequest, provider: Provider, problem: Problem, *, scopes: str = ""
) -> HttpResponse:
    """The page, with the status that fits."""
    said = words(problem, provider, scopes=scopes)
    return render(request, "accounts/sign_in_problem.html", {"said": said}, status=said.status)
