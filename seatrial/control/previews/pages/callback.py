"""What a project's callback host answers: it leads a browser back to the preview that began to sign somebody in."""

from urllib.parse import quote

from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from seatrial.control.previews.callbacks import began, finding
from seatrial.control.previews.desired import address
from seatrial.control.previews.pages.by_host import LONGEST_HOST, Unavailable
from seatrial.control.previews.pages.unavailable import STYLE, alone, policy, stand_in
from seatrial.control.projects.callbacks import project_of
from seatrial.control.projects.models import Project

STATES = ("state", "RelayState")  # as OAuth, OpenID Connect and SAML call what comes back unchanged
_NOBODY = Unavailable(
    "none",
    "No preview began this sign-in",
    "It was not in this browser, or more than 15 minutes ago, or the preview has ended or comes from a fork. Open the preview, and sign in from there.",
    404,
)


@csrf_exempt  # another site's page may post the answer
@never_cache
def callback(request: HttpRequest, path: str) -> HttpResponseBase:
    """Lead the browser to the same path of the preview that began, with all that came. If several may have begun, a page asks which.

    Traefik sends visitors here, with the host that they asked for in X-Forwarded-Host.
    """
    host = request.headers.get("X-Forwarded-Host", "")[:LONGEST_HOST]
    name, _ = split_domain_port(host.lower())
    project = project_of(name.removesuffix(f".{address().domain}"))
    if project is None:
        return stand_in(request, host)
    match _found(request, project):
        case []:
            return alone(request, _NOBODY)
        case [one]:
            return _led(request, _url(request, one, path))
        case several:
            return _asked(request, {one: _url(request, one, path) for one in several})


def _found(request: HttpRequest, project: Project) -> list[str]:
    for parameter in STATES:
        state = request.GET.get(parameter) or request.POST.get(parameter) or ""
        if (named := finding.named(project, state)) is not None:
            return named[:1]
    return finding.opened(project, began.read(request.headers.get("Cookie", "")))


def _url(request: HttpRequest, label: str, path: str) -> str:
    query = request.META.get("QUERY_STRING", "")
    return f"{address().url(label)}/{quote(path, safe='/~:@!$&*+,;=')}" + (f"?{query}" if query else "")


def _led(request: HttpRequest, url: str) -> HttpResponse:
    """What was posted is posted again."""
    status = 302 if request.method in {"GET", "HEAD"} else 307
    return HttpResponse(status=status, headers={"Location": url, "Referrer-Policy": "no-referrer"})


def _asked(request: HttpRequest, several: dict[str, str]) -> HttpResponseBase:
    posted = (
        []
        if request.method == "GET"
        else [(key, value) for key, values in request.POST.lists() for value in values]
    )
    context = {
        "several": several.items(),
        "post": request.method != "GET",
        "posted": posted,
        "style": render_to_string(STYLE),
    }
    shown = csp_replace({**policy(), "form-action": [address().url("*")]})
    response: HttpResponseBase = shown(lambda _: render(None, "previews/callback.html", context))(request)
    response["Referrer-Policy"] = "no-referrer"
    return response
