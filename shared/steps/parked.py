"""Messages that a person must look at: sent again, or dropped."""

from shared.errors import Fault, Invalid, Poison
from shared.model.message import Message, Parked, from_text
from shared.ports import World


def replay(world: World, parked: Parked) -> Message:
    """Sends a parked message again, with its history and a fresh count of tries, and forgets that it was
    parked. A crash in between sends it twice, which every step bears. Raises Invalid for one that is not
    a message of ours."""
    try:
        message = from_text(parked.body).but(tries=0)
    except Poison as error:
        raise Invalid(Fault("body", f"cannot be replayed: {error}")) from None
    world.queue.send(message)
    world.store.remove(Parked, [parked.id])
    return message
