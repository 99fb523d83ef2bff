"""Every format that a report can have."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from django.http import HttpResponse

from seatrial.control.policies.models import Evaluation
from seatrial.control.policies.reports.junit import junit
from seatrial.control.policies.reports.markdown import markdown
from seatrial.control.policies.reports.sarif import sarif
from seatrial.control.policies.reports.table import table
from seatrial.control.policies.reports.told import Report, report_of


class ReportFormat(StrEnum):
    """The formats. REST and the command line say these words."""

    SARIF = "sarif"
    JUNIT = "junit"
    CSV = "csv"
    MARKDOWN = "markdown"


@dataclass(frozen=True)
class Form:
    """How a format is written, and how it travels."""

    name: str
    suffix: str
    media_type: str
    write: Callable[[Report], bytes]


def _as_sarif(report: Report) -> bytes:
    return json.dumps(sarif(report), indent=1).encode() + b"\n"


FORMS = {
    ReportFormat.SARIF: Form("SARIF", "sarif", "application/sarif+json", _as_sarif),
    ReportFormat.JUNIT: Form("JUnit", "xml", "application/xml", junit),
    ReportFormat.CSV: Form("CSV", "csv", "text/csv; charset=utf-8", lambda report: table(report).encode()),
    ReportFormat.MARKDOWN: Form(
        "Markdown",
        "md",
        "text/markdown; charset=utf-8",
        lambda report: markdown(report).encode(errors="replace"),
    ),
}


def download(evaluation: Evaluation, wanted: ReportFormat) -> HttpResponse:
    """The report as a file. Raises NotEnded."""
    form = FORMS[wanted]
    name = f"{evaluation.project.slug}-{evaluation.commit[:10]}.{form.suffix}"
    answer = HttpResponse(form.write(report_of(evaluation)), content_type=form.media_type)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "private, no-store"
    return answer
