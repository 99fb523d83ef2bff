"""`seatrial connect --oauth`: somebody authorizes this server at the code host, in a browser; the terminal waits for it."""

from seatrial.cli.api import Api, Json
from seatrial.cli.errors import NEGATIVE, CommandError
from seatrial.cli.terminal import Terminal, bold, note
from seatrial.cli.waiting import until

WAITING, AUTHORIZED = "waiting", "authorized"


def authorized(api: Api, terminal: Terminal, asked: Json) -> Json:
    """Say what to open, wait until somebody has decided there, and return the connection. Raises CommandError.

    Interrupting it ends nothing: whoever has the page open can still authorize.
    """
    terminal.line("Open this in a browser, and authorize: ", bold(asked["open"]))
    terminal.line(
        "  ",
        note(
            f"The application at the code host must name exactly this redirect URI: {asked['redirect_uri']}"
        ),
    )
    terminal.line("  ", note(f"It allows {', '.join(asked['scopes'])} as whoever is signed in there."))
    terminal.line("Waiting until it is authorized, for an hour at most.")
    decided: Json = until(lambda: _decided(api, asked))
    if decided["state"] != AUTHORIZED:
        raise CommandError(
            decided["problem"] or "nobody authorized it in time.", code=NEGATIVE, word="not_authorized"
        )
    connection: Json = api.get(f"/connections/{decided['connection']}")
    return connection


def _decided(api: Api, asked: Json) -> Json | None:
    """What became of it; None while nothing did."""
    answer: Json = api.get(f"/authorizations/{asked['id']}")
    return None if answer["state"] == WAITING else answer
