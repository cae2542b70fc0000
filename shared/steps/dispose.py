"""Dispose: walks the graph back from whatever exists, and proves with a listing that nothing is left.

Machines come first and are the reap step's work, which has the permissions for them: it answers with
`emptied_at`. Then resources go wave by wave. Never gives up: a refusal is written on the environment as
the reason why it waits, and tried again.
"""

from shared import plan
from shared.errors import Refused, Retry
from shared.model.environment import Environment, Leftover, Receipt, ResourceRow
from shared.model.message import Message
from shared.model.timeline import Wait
from shared.ports import Provider, World
from shared.steps import sharing
from shared.steps.outcome import Again, Outcome, done

REFUSED_AGAIN = 300.0
"""Seconds until a removal that was refused is tried again: a person has to change something first."""


def run(message: Message, world: World) -> Outcome:
    """Takes an environment from DELETING to DELETED, with a receipt. A late message is a no-op."""
    environment = world.store.get(Environment, message.subject)
    if environment is None or environment.status != "DELETING":
        return done()
    if not environment.emptied_at:
        return done()  # the reap step is at it, and sends this message when it is done
    try:
        provider = world.provider(environment)
        environment, reason, after = backward(environment, provider, world)
        if not reason:
            return settled(environment, provider, world)
    except (Retry, Refused) as error:
        reason, after = str(error), pause(error)
        environment = world.store.get(Environment, environment.id) or environment
    return later(environment, reason, after, world)


def backward(environment: Environment, provider: Provider, world: World) -> tuple[Environment, str, float]:
    """Removes resources wave by wave. Returns why it cannot go on yet ("" when all
    rows are gone) and for how long."""
    environment = withheld(environment, world)
    while wave := plan.removable(environment.resources):
        for row in wave:
            unmade = row.state == "planned" and not row.shared
            environment = environment.with_row(row.to("gone" if unmade else "removing"))
        environment = world.store.save(environment.but(updated_at=world.clock.now()))
        environment, reason, after = remove_wave(environment, provider, world)
        environment = world.store.save(environment)
        if reason:
            return environment, reason, after
    return environment, "", 0.0


def withheld(environment: Environment, world: World) -> Environment:
    """The environment with the rows marked that stay: those with people's data where that is wished, and
    those that other environments use. A row whose removal has begun is not one of them."""
    why = dict.fromkeys(plan.keeping(environment.resources), "disposeOnDeletion is off")
    for id in sharing.shares_of(environment):
        others = sharing.leave(world, id, environment.id)
        if others is not None:
            shared = f"used by {others} more"
            why |= {row.key: shared for row in environment.resources if row.shared == id}
    for row in environment.resources:
        if row.key in why and row.state == "planned":
            environment = environment.with_row(row.to("gone"))
        elif row.key in why and row.state in ("making", "failed", "present"):
            environment = environment.with_row(row.to("kept", reason=why[row.key]))
    return world.store.save(environment) if why else environment


def remove_wave(environment: Environment, provider: Provider, world: World) -> tuple[Environment, str, float]:
    """Asks for the removal of every row of the wave. One that is slow does not stop the others."""
    why, after = "", 0.0
    for row in [row for row in environment.resources if row.state == "removing"]:
        now = world.clock.now()
        try:
            if provider.remove(row):
                environment = environment.with_row(row.to("gone", gone_at=now, reason=""))
                environment = environment.noting(now, "removed", f"{row.type} {row.name}")
                continue
            reason, wait = f"{row.type} {row.name} is being removed", world.settings.look_again
        except (Retry, Refused) as error:
            reason, wait = f"{row.type} {row.name}: {error}", pause(error)
        environment = environment.with_row(row.but(reason=reason))
        why, after = why or reason, max(after, wait)
    return environment, why, after


def settled(environment: Environment, provider: Provider, world: World) -> Outcome:
    """DELETED, once a listing by tag and name finds nothing; the listing is kept as the receipt."""
    rows = environment.resources
    ours = [row for row in rows if row.state != "kept" and (row.gone_at or not row.shared)]
    left = provider.leftovers(ours)
    if left:
        return later(environment, f"still there: {named(left)}", world.settings.look_again, world)
    for id in sharing.shares_of(environment):
        sharing.close(world, id, environment.id)
    now = world.clock.now()
    receipt = Receipt(
        made=tuple(f"{row.type} {row.name}" for row in rows if row.made_at),
        removed=tuple(f"{row.type} {row.name}" for row in rows if row.gone_at),
        kept=tuple(kept(row) for row in rows if row.state == "kept"),
        left=(),
        at=now,
    )
    world.store.save(environment.to("DELETED", now, receipt=receipt, wait=None, deleted_at=now, message=""))
    return done()


def kept(row: ResourceRow) -> str:
    """A resource that stays, with its id in the cloud, and why."""
    known = f" ({row.cloud_id})" if row.cloud_id not in ("", row.name) else ""
    return f"{row.type} {row.name}{known}: {row.reason}"


def pause(error: Retry | Refused) -> float:
    """Seconds until a removal is tried again."""
    return error.after if isinstance(error, Retry) else REFUSED_AGAIN


def named(left: list[Leftover]) -> str:
    """What is left, in one line; the first few by name."""
    names = [f"{each.type} {each.cloud_id}" for each in left[:5]]
    return ", ".join(names) + (f" and {len(left) - 5} more" if len(left) > 5 else "")


def later(environment: Environment, reason: str, after: float, world: World) -> Outcome:
    """Not finished: the reason goes on the record, the message comes back."""
    now = world.clock.now()
    world.store.save(environment.but(wait=Wait(reason=reason, next_at=now + after), updated_at=now))
    return Again(after, reason)
