"""Function `reap`: every machine goes, the moment its work ends. Its queue, Event Grid and timers call it."""

from azure.functions import EventGridEvent, TimerRequest

from functions.delivery import from_event, queue_functions

blueprint = queue_functions("reap")


@blueprint.function_name("reap_tick")
@blueprint.timer_trigger(arg_name="timer", schedule="0 * * * * *")
def reap_tick(timer: TimerRequest) -> None:  # noqa: ARG001
    """Raises when a tick failed, so that the alarm sees it; the next tick is its retry."""
    from functions.events import TICK

    outcome, failed = from_event(TICK)
    if failed:
        raise RuntimeError(f"the tick failed: {outcome}")


@blueprint.function_name("reap_event")
@blueprint.event_grid_trigger(arg_name="event")
def reap_event(event: EventGridEvent) -> None:
    """What failed comes again through the queue. Raises when that could not be kept: Event Grid repeats."""
    from functions.events import translated

    for message in translated(event):
        from_event(message)


@blueprint.function_name("reap_expired")
@blueprint.timer_trigger(arg_name="timer", schedule="0 7 * * * *")
def reap_expired(timer: TimerRequest) -> None:  # noqa: ARG001
    """Forgets records that expired: Azure's tables do not by themselves."""
    from shared.wiring import functions_world

    world = functions_world()
    world.store.expire(world.clock.now())
