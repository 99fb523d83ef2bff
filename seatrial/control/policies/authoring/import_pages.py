"""The page on which policies are imported from files."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from seatrial.control.accounts.access import Action, require_somewhere, workspaces
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.policies.authoring.finding import managed
from seatrial.control.policies.authoring.importing import MOST_FILES, Imported, import_files
from seatrial.control.policies.authoring.standards import Broken


@require_http_methods(["GET", "POST"])
@login_required
def import_policies(request: HttpRequest) -> HttpResponse:
    """Choose files, and see what came of each."""
    user = person(request)
    require_somewhere(user, Action.MANAGE_POLICIES)
    spaces = workspaces(user, Action.MANAGE_POLICIES).order_by("name")
    context: dict[str, Any] = {"spaces": spaces, "tab": "policies", "most": MOST_FILES}
    if request.method == "POST":
        space = managed(user, request.POST.get("workspace", ""))
        files, unread = _texts(request.FILES.getlist("files"))
        outcome = import_files(space, files, by=actor(request)) if files else Imported()
        outcome.broken += unread
        if not files and not unread:
            messages.warning(request, "Choose at least one file.")
        context |= {"space": space, "outcome": outcome, "files": len(files)}
    return render(request, "policies/import.html", context)


def _texts(uploads: Sequence[Any]) -> tuple[list[tuple[str, str]], list[Broken]]:
    """(name, text) of those that are text, and what is wrong with the others."""
    texts: list[tuple[str, str]] = []
    broken: list[Broken] = []
    for upload in uploads[: MOST_FILES + 1]:
        name = (upload.name or "file")[:200]
        try:
            texts.append((name, upload.read().decode()))
        except UnicodeDecodeError:
            broken.append(Broken(name, 0, "", "it is not UTF-8"))
    return texts, broken
