"""What creating an environment would do, without doing any of it."""

from collections.abc import Sequence

from shared.errors import Fault, Refused
from shared.model.environment import Environment, Resource
from shared.model.machine import Offer
from shared.model.records import Model
from shared.model.run import Run
from shared.ports import World
from shared.steps import required_tags
from shared.steps.environments import credentials_faults, registry_faults


class Preview(Model, frozen=True, kw_only=True):
    """A dry run: what is wrong, what would be made, and which machines runs would ask for, in order."""

    faults: tuple[Fault, ...] = ()
    resources: tuple[Resource, ...] = ()
    offers: tuple[Offer, ...] = ()
    notes: tuple[str, ...] = ()
    """What people should know beforehand, such as how much of a quota is left."""


def preview(world: World, environment: Environment) -> Preview:
    """Holds an environment that is not stored against its own words, then against the account; reads
    only. Raises Retry when the account is out of reach."""
    faults = [
        *world.faults(environment.platform, environment.config),
        *credentials_faults(
            world, environment.workspace_id, environment.platform, environment.credentials_id
        ),
        *registry_faults(world, environment.workspace_id, environment.config),
        *required_tags.missing(environment.config, environment.tags),
    ]
    if faults:
        return Preview(faults=tuple(faults))
    try:
        provider = world.provider(environment)
        faults = provider.check()
        details = {} if faults else provider.details()
        if not faults:
            provider = world.provider(environment.but(details=details))
    except Refused as error:
        return Preview(faults=(Fault("credentialsId", str(error)),))
    return Preview(
        faults=tuple(faults),
        notes=tuple(details.get("notes", ())),
        resources=in_order(provider.resources()),
        offers=() if faults else tuple(provider.offers(Run(id="plan", name="plan", session_id="plan"))),
    )


def in_order(resources: Sequence[Resource]) -> tuple[Resource, ...]:
    """The resources in an order in which they can be made."""
    made: dict[str, Resource] = {}
    left = list(resources)
    while ready := [each for each in left if all(need in made for need in each.needs)]:
        made |= {each.key: each for each in ready}
        left = [each for each in left if each.key not in made]
    return (*made.values(), *left)
