"""Values that one agent alone can open."""

import base64

from nacl.exceptions import CryptoError
from nacl.public import PublicKey, SealedBox

from seatrial.control.fleet.errors import UnfitKey
from seatrial.control.fleet.models import Agent


def sealed(agent: Agent, text: str) -> str:
    """`text` in an X25519 sealed box for the key that `agent` registered, in base64. Raises UnfitKey."""
    try:
        box = SealedBox(PublicKey(base64.b64decode(agent.seal_key, validate=True)))
        return base64.b64encode(box.encrypt(text.encode())).decode()
    except (CryptoError, ValueError, TypeError) as error:
        raise UnfitKey(
            f"Nothing can be sealed to the key of agent {agent.name}. Issue a new token for it, "
            "delete the agent's identity and start it with that token as GALLEY_AGENT_TOKEN."
        ) from error
