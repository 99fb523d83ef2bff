"""Whether a person may look at an environment's preview, and where they are asked who they are."""

from urllib.parse import urlencode

import structlog
from django.conf import settings
from django.core.cache import cache
from django.urls import reverse

from seatrial.control.accounts.access import Action, allowed
from seatrial.control.accounts.logins import logins_at
from seatrial.control.accounts.models import User
from seatrial.control.errors import ControlError
from seatrial.control.forges.connected import OF_WEB
from seatrial.control.forges.registry import is_hosted
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Project

log = structlog.get_logger(__name__)

REMEMBERED_SECONDS = 600


def may_look(user: User, environment: Environment) -> bool:
    """Members of the workspace, and whoever may read the repository at its code host.

    Asks the code host, so it is not called in a transaction. What it said is remembered for ten minutes; where it says
    nothing, nobody is let in by it.
    """
    if not user.is_active:
        return False
    return allowed(user, Action.VIEW, environment) or _may_read(user, environment.project)


def _may_read(user: User, project: Project) -> bool:
    connection = project.connection
    if not is_hosted(connection.forge):
        return False
    return any(_told(project, login) for login in logins_at(user, connection.forge, connection.base_url))


def _told(project: Project, login: str) -> bool:
    key = f"may-read-{project.pk}-{login.casefold().encode().hex()}"
    known = cache.get(key)
    if known is None:
        try:
            known = OF_WEB.hosted(project.connection).may_read(project, login)
        except ControlError as error:
            log.warning("who may read a repository was not told", project=project.slug, problem=str(error))
            return False
        cache.set(key, known, REMEMBERED_SECONDS)
    return bool(known)


def enter_url(environment: Environment, label: str, uri: str) -> str:
    """The dashboard's address that sends somebody who may look on to `uri` of the preview, and asks others to sign in."""
    query = urlencode({"host": label, "to": uri})
    return f"{settings.SITE_URL}{reverse('entrance:enter', kwargs={'key': environment.pk})}?{query}"
