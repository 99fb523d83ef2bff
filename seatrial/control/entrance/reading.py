"""Whether a person may look at an environment's preview, and where they are asked who they are."""

from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse

from seatrial.control.accounts.access import Action, allowed
from seatrial.control.accounts.models import User
from seatrial.control.previews.models import Environment


def may_look(user: User, environment: Environment) -> bool:
    """Members of the workspace, and whoever may read the repository at its forge."""
    return allowed(user, Action.VIEW, environment)


def enter_url(environment: Environment, label: str, uri: str) -> str:
    """The dashboard's address that sends somebody who may look on to `uri` of the preview, and asks others to sign in."""
    query = urlencode({"host": label, "to": uri})
    return f"{settings.SITE_URL}{reverse('entrance:enter', kwargs={'key': environment.pk})}?{query}"
