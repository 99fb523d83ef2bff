"""Asks for confirmation before something that cannot be undone."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def ask(request: HttpRequest, question: str, context: dict[str, Any]) -> HttpResponse:
    """The template `question` for the open page's dialog, or as a page of its own where no scripts run.

    Its variable `heading` is the element of its heading: a page has exactly one h1. What has `autofocus` in it must do
    no harm when somebody presses Enter without reading.
    """
    if getattr(request, "htmx", False):
        return render(request, question, {**context, "heading": "h2"})
    return render(request, "dashboard/confirm.html", {**context, "question": question, "heading": "h1"})
