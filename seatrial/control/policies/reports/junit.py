"""JUnit's XML, which CI systems show as tests: one test per policy."""

import re
from xml.etree import ElementTree

from seatrial.control.policies.findings import place
from seatrial.control.policies.reports.told import Report, Told
from seatrial.wire.evaluations import Finding
from seatrial.wire.states import ResultState
from seatrial.wire.visible import visible

# What XML 1.0 has no way to write, not even escaped.
_IMPOSSIBLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
BROKEN = (ResultState.ERRORED, ResultState.TIMED_OUT)
LEFT_OUT = (ResultState.SKIPPED, ResultState.WAIVED)


def junit(report: Report) -> bytes:
    """A failed policy is a failure, with a line for each finding; an errored one an error; skipped and waived ones are skipped.

    What an advisory policy says against the commit is printed by a test that passes: it fails no check here, and must fail none there.
    """
    evaluation = report.evaluation
    counts = {
        "tests": str(len(report.told)),
        "failures": str(report.number(ResultState.FAILED)),
        "errors": str(report.number(*BROKEN)),
        "skipped": str(report.number(*LEFT_OUT)),
        "time": f"{evaluation.seconds or 0:.3f}",
    }
    suites = ElementTree.Element("testsuites", {"name": "Seatrial", **counts})
    suite = ElementTree.SubElement(
        suites,
        "testsuite",
        {"name": _clean(visible(evaluation.project.name)), "timestamp": _stamp(report), **counts},
    )
    known = {
        "commit": evaluation.commit,
        "evaluation": evaluation.pk,
        "state": evaluation.state,
        "glass": report.glass,
        "page": report.page_url,
    }
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in known.items():
        ElementTree.SubElement(properties, "property", {"name": name, "value": _clean(value)})
    for one in report.told:
        _case(suite, one)
    ElementTree.indent(suites)
    written: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _case(suite: ElementTree.Element, one: Told) -> None:
    known = {
        "classname": one.policy.pack or "policies",
        "name": one.policy.slug,
        "time": f"{one.seconds:.3f}",
    }
    case = ElementTree.SubElement(suite, "testcase", {name: _clean(value) for name, value in known.items()})
    if one.is_remark:
        ElementTree.SubElement(case, "system-out").text = _clean("\n".join([one.shown_state, *_said(one)]))
    elif one.state is ResultState.FAILED:
        told = ElementTree.SubElement(case, "failure", {"message": _line(one.message), "type": "policy"})
        told.text = _clean("\n".join(_said(one)))
    elif one.state in BROKEN:
        told = ElementTree.SubElement(case, "error", {"message": _line(one.message), "type": one.state})
        told.text = _clean(one.message)
    elif one.state in LEFT_OUT:
        ElementTree.SubElement(case, "skipped", {"message": _line(one.waived or one.message or one.state)})


def _said(one: Told) -> list[str]:
    return [one.message, *map(_finding, one.findings), *_more(one)]


def _finding(finding: Finding) -> str:
    return f"{visible(place(finding)) or 'repository'}: {finding.severity}: {finding.message}"


def _more(one: Told) -> list[str]:
    return [f"{one.left_out} more findings are not listed."] if one.left_out else []


def _stamp(report: Report) -> str:
    at = report.evaluation.finished_at or report.evaluation.created_at
    return at.strftime("%Y-%m-%dT%H:%M:%S")


def _line(text: str) -> str:
    return _clean(" ".join(text.split()))


def _clean(text: str) -> str:
    return _IMPOSSIBLE.sub("\ufffd", text)
