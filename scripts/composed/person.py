"""The admin, who asks the install what everybody may ask: by REST, through the ingress, with a session of the dashboard."""

import ssl

import httpx

from scripts.composed.place import PASSWORD, Place
from seatrial.cli.api import Api, PlatformAway
from seatrial.cli.errors import CommandError
from seatrial.embedded.remembered import Remembered

CSRF = "__Host-csrftoken"


class Admin(Api):
    """Signed in with the password of .env. Raises CommandError if that was changed since."""

    def __init__(self, place: Place) -> None:
        values = place.values
        self.site = values["SITE_URL"]
        self.remembered = Remembered(
            port=int(values["APP_PORT"]),
            ingress_port=int(values["GALLEY_HTTPS_PORT"]),
            nats_port=int(values["GALLEY_BUS_PORT"]),
            traefik_port=int(values["GALLEY_TRAEFIK_PORT"]),
            site_url=self.site,
        )
        self._client = visitor(place, base_url=f"{self.site}/api/v1")
        self._sign_in(values[PASSWORD])

    def _sign_in(self, password: str) -> None:
        address = f"{self.site}/accounts/login/"
        try:
            page = self._client.get(address)
            form = {
                "login": "admin",
                "password": password,
                "csrfmiddlewaretoken": self._client.cookies.get(CSRF, ""),
            }
            answer = self._client.post(address, data=form, headers={"Referer": self.site})
        except httpx.TransportError as error:
            raise PlatformAway(f"nobody answers at {address}: {error}") from error
        if page.status_code >= 500 or answer.status_code >= 500:
            raise PlatformAway(f"{address} answers {max(page.status_code, answer.status_code)}")
        if not answer.is_redirect:
            raise CommandError(
                "admin cannot sign in with the password of .env: it was changed. Everything runs, and you can look at it "
                "yourself.",
                fix=f"Open {self.site}",
            )
        self._client.headers.update({"X-CSRFToken": self._client.cookies[CSRF], "Referer": self.site})


def visitor(place: Place, *, base_url: str = "") -> httpx.Client:
    """Somebody who trusts the demo's authority, and no other."""
    return httpx.Client(
        base_url=base_url,
        timeout=60,
        trust_env=False,
        verify=ssl.create_default_context(cafile=str(place.authority)),
    )
