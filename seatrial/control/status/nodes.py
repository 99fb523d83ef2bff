"""What is wrong with the nodes of the bus, in sentences."""

from collections.abc import Iterator

from seatrial.control.nodes import noted
from seatrial.wire.counted import counted


def failing() -> Iterator[str]:
    """One sentence each for nodes that are gone, streams that nothing is stored in, and copies that are missing."""
    found = noted()
    for name in found.gone:
        yield f"The bus's node {name} does not answer. Start nats-server there, or see why nobody reaches it"
    if found.halted:
        yield (
            f"The bus stores nothing in {', '.join(found.halted)}: most of the nodes that keep it are gone. Everything waits, and goes "
            "on when one of them is back"
        )
    elif found.short:
        yield (
            f"The bus does not keep {counted(found.copies, 'copy', 'copies')} of {', '.join(found.short)} "
            "(GALLEY_NATS_REPLICAS): it needs as many nodes, of one cluster. They are made when the nodes are there"
        )
