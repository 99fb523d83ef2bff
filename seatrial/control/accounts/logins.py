"""The names by which somebody may be known elsewhere."""

from urllib.parse import urlsplit

from allauth.socialaccount.models import SocialAccount
from django.conf import settings

from seatrial.control.accounts.models import User
from seatrial.control.accounts.providers.configured import providers


def known_as(user: User) -> set[str]:
    """The user name, and the logins of the accounts that they sign in with, in lower case."""
    accounts = SocialAccount.objects.filter(user=user).values_list("extra_data__login", flat=True)
    return {name.casefold() for name in (user.username, *accounts) if isinstance(name, str) and name}


def logins_at(user: User, forge: str, url: str) -> list[str]:
    """The logins of the accounts at this code host that they sign in with; `forge` is its kind, `url` its address."""
    kinds = [
        one.kind.value
        for one in providers(settings.CONFIGURATION)
        if one.usable and one.kind.value == forge and _host(one.url) == _host(url)
    ]
    accounts = SocialAccount.objects.filter(user=user, provider__in=kinds)
    return [
        name
        for name in accounts.values_list("extra_data__login", flat=True)
        if isinstance(name, str) and name
    ]


def _host(url: str) -> str:
    return urlsplit(url).netloc.lower()
