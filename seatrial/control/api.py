"""The REST API: every app's router under /api/v1, one shape for errors."""

from collections.abc import Callable, Sequence
from functools import wraps
from http import HTTPStatus
from typing import Any

import structlog
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver
from django.urls import path as address_of
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema

from seatrial.control.accounts.api import router as tokens
from seatrial.control.accounts.audit_api import router as audit
from seatrial.control.accounts.authentication import AUTHENTICATION
from seatrial.control.accounts.members_api import router as members
from seatrial.control.answers import error_body
from seatrial.control.database_errors import log_away
from seatrial.control.entrance.api import router as entrance
from seatrial.control.errors import ControlError, Unexpected, unexpected
from seatrial.control.fleet.api import router as fleet
from seatrial.control.forges.api import router as forges
from seatrial.control.forges.deliveries.api import router as deliveries
from seatrial.control.forges.oauth.api import router as authorizations
from seatrial.control.forges.registry import FORGES
from seatrial.control.inputs import InvalidInput, TextParser, strictly
from seatrial.control.keys.api import router as keys
from seatrial.control.policies.api import router as policies
from seatrial.control.policies.authoring.api import router as authoring
from seatrial.control.policies.authoring.import_api import router as imports
from seatrial.control.policies.authoring.shelf_api import router as packs
from seatrial.control.policies.badges.api import router as badges
from seatrial.control.policies.digests.api import router as digests
from seatrial.control.policies.glass.api import router as glass
from seatrial.control.policies.network.api import router as network
from seatrial.control.policies.notices.api import router as notices
from seatrial.control.policies.reports.api import router as reports
from seatrial.control.policies.rescans.api import router as rescans
from seatrial.control.policies.rollout.api import router as rollout
from seatrial.control.policies.scores.api import router as scores
from seatrial.control.policies.signing.api import router as signing
from seatrial.control.policies.source.api import router as policy_source
from seatrial.control.policies.trials.api import router as trials
from seatrial.control.policies.waivers.api import router as waivers
from seatrial.control.previews.agents.api import router as agents
from seatrial.control.previews.api import router as previews
from seatrial.control.previews.evidence.api import router as evidence
from seatrial.control.previews.log_api import router as preview_logs
from seatrial.control.previews.pulls import router as pulls
from seatrial.control.previews.snapshots_api import router as snapshots
from seatrial.control.registries.api import router as registries
from seatrial.control.status.api import router as status
from seatrial.control.status.checks_api import router as checks
from seatrial.control.status.metrics import router as metrics
from seatrial.control.triggers.api import connections, projects
from seatrial.control.variables.api import router as variables

log = structlog.get_logger(__name__)

CODES = {
    401: "not_authenticated",
    403: "access_denied",
    404: "not_found",
    409: "conflict",
    429: "too_many_requests",
}

ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}}


class Api(NinjaAPI):
    """NinjaAPI, whose OpenAPI document also has the errors of every operation."""

    _document: OpenAPISchema | None = None

    def get_openapi_schema(self, **where: Any) -> OpenAPISchema:
        """The document. Every status that an operation does not list is described as an ErrorAnswer.

        Made once, whoever asks: that takes a large part of a second, and nothing in it changes while the process runs.
        """
        if self._document is None:
            document = super().get_openapi_schema(**where)
            for operations in document["paths"].values():
                for operation in operations.values():
                    operation["responses"]["default"] = {"description": "Not done", "content": ERROR}
            self._document = document
        return self._document


api = Api(
    title="Seatrial",
    version="1",
    description="Every pull request gets a sea trial: policies in a sandbox, and a live preview.",
    auth=AUTHENTICATION,
    docs_url=None,  # that page loads scripts from another site; the document is at /api/v1/openapi.json
    urls_namespace="api",
    parser=TextParser(),
)
api.add_decorator(strictly)
for router in (
    forges,
    deliveries,
    authorizations,
    connections,
    previews,
    preview_logs,
    evidence,
    snapshots,
    pulls,
    entrance,
    variables,
    registries,
    rescans,
    trials,  # before what has a policy's id in the same place
    policies,
    packs,
    imports,
    authoring,
    network,
    scores,
    badges,
    reports,
    signing,
    notices,
    digests,
    policy_source,
    waivers,
    rollout,
    glass,
    tokens,
    members,
    audit,
    fleet,
    agents,  # after what has a word in the place of an id
    keys,
    status,
    checks,
    metrics,
):
    api.add_router("", router)
api.add_router("/projects", projects)
for forge in FORGES.values():
    if forge.router is not None:
        api.add_router(f"/{forge.kind}", forge.router)


def _error(request: HttpRequest, status: int, code: str, message: str) -> HttpResponse:
    return api.create_response(request, error_body(code, message), status=status)


def _in_our_shape(view: Callable[..., Any]) -> Callable[..., HttpResponse]:
    """ninja refuses a method that an address does not have, and the root without any, in words of its own."""

    @wraps(view)
    def answer(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        try:
            response: HttpResponse = view(request, *arguments, **named)
        except Http404:
            return unknown(request, "")
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
            return response
        allowed = response["Allow"]
        message = f"{request.path} does not allow {request.method}. It allows: {allowed}."
        refusal = _error(request, HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", message)
        refusal["Allow"] = allowed
        return refusal

    return answer


def urls() -> tuple[list[URLPattern | URLResolver], str, str]:
    """Every address of the API, for `path`."""
    patterns, app, namespace = api.urls
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            document = pattern.name == "openapi-json"  # which ninja gives to any method
            view = _in_our_shape(require_GET(pattern.callback) if document else pattern.callback)
            # ninja itself checks the operations that a session may call; the rest only refuses, in our shape.
            pattern.callback = csrf_exempt(view)
    return patterns, app, namespace


def webhook_urls(patterns: Sequence[URLPattern | URLResolver]) -> list[URLPattern]:
    """The addresses of webhooks that other systems have: they name no connection, and some of them end in a slash.

    `patterns` are those of `urls`.
    """
    doors = [one for one in patterns if isinstance(one, URLPattern) and one.name == "receive_shared_webhook"]
    addresses = ("api/v1/webhooks/<str:forge>/", "api/webhooks/<str:forge>", "api/webhooks/<str:forge>/")
    return [address_of(address, door.callback) for address in addresses for door in doors]


@csrf_exempt
def unknown(request: HttpRequest, path: str) -> HttpResponse:
    """The answer for an address without an operation."""
    message = f"There is nothing at {request.path}. /api/v1/openapi.json lists what there is."
    return _error(request, 404, "not_found", message)


@api.exception_handler(AuthenticationError)
def _not_authenticated(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    answer = _error(request, 401, "not_authenticated", "Send an API token: Authorization: Bearer sea_...")
    answer["WWW-Authenticate"] = "Bearer"
    return answer


@api.exception_handler(ControlError)
def _not_done(request: HttpRequest, error: ControlError) -> HttpResponse:
    if error.status >= 500 and not isinstance(error, Unexpected):
        log.error("the API failed", path=request.path, code=error.code, problem=str(error))
    return _error(request, error.status, error.code, str(error))


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    problems = (f"{'.'.join(_place(e['loc']))}: {e['msg']}" for e in error.errors)
    return _error(request, 422, "invalid", "; ".join(problems))


def _place(location: Sequence[str | int]) -> list[str]:
    """Where the wrong value was sent. In a body's location, the second part is what our code calls it."""
    parts = [str(part) for part in location]
    return [parts[0], *parts[2:]] if parts[0] == "body" else parts


@api.exception_handler(DataError)
def _bad_value(request: HttpRequest, error: DataError) -> HttpResponse:
    return _error(request, 400, "invalid", "A value holds a character, or a number, that cannot be stored.")


@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def _away(request: HttpRequest, error: Exception) -> HttpResponse:
    log_away(request, error)
    return _error(request, 503, "unavailable", "The database does not answer. Ask again in a moment.")


@api.exception_handler(HttpError)
def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    if isinstance(error.__cause__, InvalidInput):  # ninja says less about a body
        return _not_done(request, error.__cause__)
    return _error(request, error.status_code, CODES.get(error.status_code, "bad_request"), str(error))


@api.exception_handler(Exception)
def _unexpected(request: HttpRequest, error: Exception) -> HttpResponse:
    return _not_done(request, unexpected(error, request.path))
