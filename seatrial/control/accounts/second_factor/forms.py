"""allauth's forms for passkeys, which also look at the page that asked for one."""

from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import forms as allauth
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from fido2.webauthn import AuthenticationResponse, RegistrationResponse

from seatrial.control.accounts.admission.sessions import is_local

# What reading a passkey's answer raises when it has another shape.
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, IndexError)


class PasskeyField(forms.JSONField):
    """What a page of ours sends for a passkey."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Any:
        """Read it; JSON that is too deep or has too large numbers is wrong like any other."""
        try:
            return super().to_python(value)
        except (RecursionError, ValueError) as error:
            raise _wrong() from error


def asked_by_us(kind: type[AuthenticationResponse] | type[RegistrationResponse], credential: Any) -> None:
    """Raise ValidationError unless a page of ours asked for it.

    A browser lets every host below ours ask for our passkeys, and fido2 accepts that. Previews may be below ours: the code
    of a pull request could sign in as its visitor.
    """
    try:
        origin = kind.from_dict(credential).response.client_data.origin
    except UNREADABLE as error:
        raise _wrong() from error
    if origin != settings.SITE_URL:
        raise ValidationError(
            f"This page was opened at {origin}, but passkeys belong to {settings.SITE_URL}: open it there."
        )


def _wrong() -> ValidationError:
    return get_adapter().validation_error("incorrect_code")


class AddPasskey(allauth.AddWebAuthnForm):
    """Every one can sign in by itself: that is what people mean by a passkey."""

    credential = PasskeyField()

    def clean(self) -> dict[str, Any]:
        """What allauth checks, after the page was."""
        if credential := self.cleaned_data.get("credential"):
            asked_by_us(RegistrationResponse, credential)
        try:
            return super().clean()
        except UNREADABLE as error:
            raise _wrong() from error

    def clean_name(self) -> str:
        """Short enough for a table."""
        return str(super().clean_name())[:80]


class UsePasskey(allauth.AuthenticateWebAuthnForm):
    """After a password."""

    credential = PasskeyField()

    def clean_credential(self) -> Authenticator:
        """The passkey that was used, once the page that asked for it was looked at."""
        asked_by_us(AuthenticationResponse, self.cleaned_data["credential"])
        try:
            return super().clean_credential()
        except UNREADABLE as error:
            raise _wrong() from error


class ConfirmWithPasskey(UsePasskey):
    """Before a change of what protects the account."""

    reauthenticated = True


class SignInWithPasskey(UsePasskey):
    """In place of a password."""

    passwordless = True

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, user=None, **named)

    def clean_credential(self) -> Authenticator:
        """Refuse whoever comes in through a provider: it must be asked each time whether they still may."""
        authenticator = super().clean_credential()
        if not is_local(authenticator.user):
            raise ValidationError(
                "Sign in with the provider that you came with; the passkey is your second step there."
            )
        return authenticator
