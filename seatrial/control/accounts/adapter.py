"""allauth, narrowed: people sign in here, they do not sign up."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class ClosedSignUpAdapter(DefaultAccountAdapter):
    """Accounts are made by an admin."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False
