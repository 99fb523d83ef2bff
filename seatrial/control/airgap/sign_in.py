"""What is in the database about providers of sign-in that the settings turn off."""

from collections.abc import Iterator

from allauth.socialaccount.models import SocialAccount, SocialApp
from django.db import transaction

from seatrial.control.accounts.providers.configured import incomplete, providers
from seatrial.control.configuration import Configuration
from seatrial.wire.counted import counted


def synced(configuration: Configuration) -> Iterator[str]:
    """Delete what only configured them, in one transaction, and say what is kept. Idempotent.

    Providers come from the settings alone, so such rows (of another product's database, or made by hand) never count here. Accounts
    that people have linked are kept: with their provider off nobody comes in by them, and with it on again they work as before.
    """
    off = [one for one in providers(configuration) if not one.enabled]
    with transaction.atomic():
        for one in off:
            deleted, _ = SocialApp.objects.filter(provider=one.kind.value).delete()
            if deleted:
                yield f"Deleted {deleted} SocialApp row(s) for disabled provider '{one.kind.value}'."
    on = [one.name for one in providers(configuration) if one.usable]
    turned_off = ", ".join(one.name for one in off)
    yield f"Sign-in follows the settings; on: {', '.join(on) or 'none'}; off: {turned_off or 'none'}."
    for one in off:
        if linked := SocialAccount.objects.filter(provider=one.kind.value).count():
            yield f"{counted(linked, 'linked account')} of {one.name} kept: nobody signs in with one while {one.switch} is off."
    yield from (f"Warning: {sentence}." for sentence in incomplete())
