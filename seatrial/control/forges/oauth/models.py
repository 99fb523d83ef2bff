"""Authorizations by OAuth: those that somebody is asked for, and those that connections act by."""

from django.db import models
from django.utils import timezone

from seatrial.control.accounts.models import Workspace
from seatrial.control.ids import UlidField
from seatrial.control.projects.models import Connection
from seatrial.control.vault.fields import EncryptedTextField


class RequestState(models.TextChoices):
    """What became of a request. REST says these words."""

    WAITING = "waiting"
    AUTHORIZED = "authorized"
    REFUSED = "refused"
    EXPIRED = "expired"


class AuthorizationRequest(models.Model):
    """Somebody is to authorize this server at a forge, in a browser. How long it is kept: `retention`.

    `connection` is the one that is to be authorized again, and, once it is authorized, the one that acts by it.
    `verifier` is that of PKCE; empty until a browser was sent to the forge. `problem`: why it was refused. It ends once:
    `taken_at` is set by the first browser that comes back with the right state.
    """

    id = UlidField()
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="authorization_requests")
    connection = models.ForeignKey(
        Connection, models.CASCADE, null=True, related_name="authorization_requests"
    )
    forge = models.CharField(max_length=20)
    base_url = models.CharField(max_length=500)
    name = models.CharField(max_length=200, blank=True)
    client_id = models.CharField(max_length=500, blank=True)  # empty: the application of sign-in
    client_secret = EncryptedTextField(blank=True)
    verifier = EncryptedTextField(blank=True)
    asked_by = models.CharField(max_length=200)
    until = models.DateTimeField()
    taken_at = models.DateTimeField(null=True)
    authorized_at = models.DateTimeField(null=True)
    problem = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"authorization at {self.base_url}"

    @property
    def outcome(self) -> RequestState:
        """What became of it."""
        if self.authorized_at is not None:
            return RequestState.AUTHORIZED
        if self.problem:
            return RequestState.REFUSED
        return RequestState.WAITING if self.until > timezone.now() else RequestState.EXPIRED


class Authorization(models.Model):
    """The authorization that a connection acts by: there is one exactly while its credential is an `OAuthPair`.

    `by` authorized it here, as the account that the connection's Account names. `asked_at`: since when the forge may have
    given new tokens that are not stored; None: it has not. `problem`: why the tokens cannot be renewed, since
    `problem_at`; `ended`: nothing but authorizing again helps.
    """

    connection = models.OneToOneField(
        Connection, models.CASCADE, related_name="authorization", primary_key=True
    )
    client_id = models.CharField(max_length=500, blank=True)  # empty: the application of sign-in
    by = models.CharField(max_length=200)
    at = models.DateTimeField()
    asked_at = models.DateTimeField(null=True)
    problem = models.TextField(blank=True)
    problem_at = models.DateTimeField(null=True)
    ended = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"authorization of {self.connection}"
