"""allauth's second factors: secrets sealed at rest, passkeys bound to our address."""

from typing import Any
from urllib.parse import urlsplit

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser

from seatrial.control.vault.envelope import Identity, seal, unseal
from seatrial.control.vault.fields import keys, sealing_keys

# allauth does not say for whom it encrypts: all rows share one place.
PLACE = Identity("mfa_authenticator", "data", "*")


class SecondFactors(DefaultMFAAdapter):
    """What allauth asks."""

    def encrypt(self, text: str) -> str:
        """Seal the secret of an app, or the seed of recovery codes."""
        return seal(text, PLACE, sealing_keys())

    def decrypt(self, encrypted_text: str) -> str:
        """Open it again."""
        return unseal(encrypted_text, PLACE, keys())

    def get_totp_label(self, user: AbstractBaseUser) -> str:
        """What the app calls the account."""
        return user.get_username()

    def get_totp_issuer(self) -> str:
        """What the app calls us: people may have accounts on several servers."""
        return f"Seatrial {urlsplit(settings.SITE_URL).netloc}"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Passkeys belong to the host of SITE_URL, however somebody came here."""
        return {"id": urlsplit(settings.SITE_URL).hostname or "", "name": "Seatrial"}

    def get_public_key_credential_user_entity(self, user: AbstractBaseUser) -> dict[str, Any]:
        """Without an e-mail address."""
        return {
            **super().get_public_key_credential_user_entity(user),
            "display_name": user.get_username(),
            "name": user.get_username(),
        }

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:
        """The name that a new passkey gets if nobody gives it one."""
        return f"Passkey {Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1}"
