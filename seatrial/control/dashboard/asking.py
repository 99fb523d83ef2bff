"""Asks for confirmation before something that cannot be undone."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def ask(request: HttpRequest, question: str, context: dict[str, Any]) -> HttpResponse:
    """The template `question` for the open page's dialog, or as a page of its own where no scripts run."""
    if getattr(request, "htmx", False):
        return render(request, question, context)
    return render(request, "dashboard/confirm.html", {**context, "question": question})
