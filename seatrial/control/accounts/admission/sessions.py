"""Sessions of people who come in through a provider."""

from allauth.socialaccount.models import SocialAccount

from seatrial.control.accounts.models import User


def is_local(user: User) -> bool:
    """Whether `user` has a password here; others come in through a provider, and only as long as it lets them."""
    return user.has_usable_password()


def end_sessions(user: User) -> None:
    """End every session of a user without a password at their next request.

    A session counts only while the password's field is as it was; without a password it holds random characters.
    """
    user.set_unusable_password()
    user.save(update_fields=["password"])


def end_sessions_of(provider: str, uid: str) -> None:
    """See `end_sessions`, for whoever signs in with this account only."""
    for account in SocialAccount.objects.filter(provider=provider, uid=uid).select_related("user"):
        if not is_local(account.user):
            end_sessions(account.user)
