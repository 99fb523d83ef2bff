"""The names by which somebody may be known elsewhere."""

from allauth.socialaccount.models import SocialAccount

from seatrial.control.accounts.models import User


def known_as(user: User) -> set[str]:
    """The user name, and the logins of the accounts that they sign in with, in lower case."""
    accounts = SocialAccount.objects.filter(user=user).values_list("extra_data__login", flat=True)
    return {name.casefold() for name in (user.username, *accounts) if isinstance(name, str) and name}
