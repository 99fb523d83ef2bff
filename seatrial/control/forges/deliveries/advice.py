"""What the result of a delivery means, and what to do about it."""

from dataclasses import dataclass

from seatrial.control.forges.models import Delivery, DeliveryResult, Ending
from seatrial.control.forges.registry import is_hosted


@dataclass(frozen=True)
class Advice:
    """`cause` says why nothing came of a delivery, without a full stop; `fix` what to do. `repair` is the name of the page for that; `action` its button."""

    cause: str
    fix: str
    repair: str = ""
    action: str = ""


ROTATE, CHOOSE = "connections:rotate", "connections:repositories"
OF_RESULT = {
    DeliveryResult.REJECTED_SIGNATURE: Advice(
        "The webhook secret differs on the two sides, or somebody else sent this",
        "Update the secret at the code host, or rotate it here: Settings → Git connection → Rotate webhook secret.",
        ROTATE,
        "Rotate webhook secret",
    ),
    DeliveryResult.REJECTED_SECRET: Advice(
        "No webhook secret is stored for the connection, or it cannot be opened",
        "Rotate one in: Settings → Git connection → Rotate webhook secret. Then paste it into webhooks that were made by "
        "hand; those that Seatrial registered learn it by themselves.",
        ROTATE,
        "Rotate webhook secret",
    ),
    DeliveryResult.REJECTED_PARSE: Advice(
        "The payload is not one of the event that it names",
        "Set the webhook's content type to application/json. If it is, a newer code host sends something that this release "
        "cannot read: update Seatrial. Nothing is lost for pull requests, which are compared every minute.",
    ),
}
OF_ENDING = {
    Ending.NOT_CONNECTED: Advice(
        "No project is connected to that repository, so there is no preview and no verdict",
        "Choose the repository, and replay this delivery. If it was chosen, the connection lost its "
        "access: test the connection on its page, and install the App again where there is one.",
        CHOOSE,
        "Choose repositories",
    ),
    Ending.GIVEN_UP: Advice(
        "Every attempt to handle it failed",
        "The last error is below. When its cause is mended, replay this delivery.",
    ),
}


def advice(delivery: Delivery) -> Advice | None:
    """Why nothing came of `delivery`, and the fix; None when all is well, or it is still to be handled."""
    if delivery.result != DeliveryResult.ACCEPTED:
        return OF_RESULT[DeliveryResult(delivery.result)]
    return OF_ENDING.get(Ending(delivery.ending)) if delivery.ending else None


def repair(delivery: Delivery, said: Advice | None) -> str:
    """The name of the page for what `said` advises; empty where there is none: nothing is chosen on this server."""
    if said is None or (said.repair == CHOOSE and not is_hosted(delivery.connection.forge)):
        return ""
    return said.repair
