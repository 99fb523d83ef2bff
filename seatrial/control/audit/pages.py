"""The page of the audit log."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from seatrial.control.audit.checking import check
from seatrial.control.audit.exporting import ExportFormat
from seatrial.control.audit.models import AuditEntry, Verification
from seatrial.control.audit.sealing import seal
from seatrial.control.audit.searching import Wanted, actions_of, matching
from seatrial.control.dashboard.links import Named
from seatrial.control.dashboard.paging import page_of
from seatrial.control.inputs import InvalidInput

FILTERS = ("actor", "action", "target", "since", "until")


def log(request: HttpRequest, rows: QuerySet[AuditEntry], named: Named, *, whole: bool) -> HttpResponse:
    """The page with those of `rows` that match the request's filters, newest first.

    The caller passes only the rows that the person may see; `whole`: that is the log of the whole instance, whose chain they
    may verify. `named` gives their targets names.
    """
    filters = {name: request.GET.get(name, "").replace("\x00", "").strip() for name in FILTERS}
    problem = ""
    try:
        found = matching(rows, Wanted.read(filters))
    except InvalidInput as error:
        found, problem = rows.none(), str(error)
    page = page_of(request, found.order_by("-id"))
    context = {
        **page,
        "links": named(request.user, [row.target for row in page["rows"]]),
        "filters": filters,
        "filtered": any(filters.values()),
        "problem": problem,
        "actions": actions_of(rows),
        "exports": [] if problem else _exports(filters),
        "whole": whole,
        "verified": Verification.objects.first() if whole else None,
        "tab": "audit",
    }
    return render(request, "audit/log.html", context)


def _exports(filters: dict[str, str]) -> list[tuple[str, str]]:
    """Names and addresses of the files with what the page shows."""
    asked = {name: value for name, value in filters.items() if value}
    return [
        (name, f"/api/v1/audit/export?{urlencode({'format': form, **asked})}")
        for name, form in (("CSV", ExportFormat.CSV), ("JSON Lines", ExportFormat.JSONL))
    ]


def verify(request: HttpRequest) -> HttpResponse:
    """Seal what waits, verify all of it, and show the page, which says what was found."""
    seal()
    found: Any = check()
    if found.fault is None:
        messages.success(request, "The audit log is as it was sealed.")
    return redirect("audit_log")
