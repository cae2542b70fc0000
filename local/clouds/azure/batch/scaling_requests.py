"""Requests about a pool's formula."""

from local.clouds.answer import Answer
from local.clouds.azure.batch import errors, listing, pool_life, pools, scaling
from local.clouds.azure.batch.service import Request


def enable(request: Request) -> Answer:
    """200: turns it on, or gives it another formula or interval, at most once in so many seconds."""
    found, asked = pools.find(request, writes=True), request.body()
    if found.scales and request.now < found.enabled_at + request.state.timings.autoscale_pause:
        raise errors.busy_enabling()
    if not found.scales and found.allocation.name != "steady":
        raise errors.being("Pool", "Resized")
    given = {
        name: asked[name] for name in ("autoScaleFormula", "autoScaleEvaluationInterval") if asked.get(name)
    }
    if not given:
        raise errors.bad_scaling("Neither a formula nor an interval is given.")
    body = {name: value for name, value in found.body.items() if not name.startswith("target")}
    body |= {**given, "enableAutoScale": True}
    scaling.check(body)
    pool_life.change(found, body, request.now)
    scaling.enable(request.state, request.account, found, request.now)
    return request.done(200, f"pools/{found.id}", found.changed_at, found.version)


def disable(request: Request) -> Answer:
    """200: the pool stays as large as it is."""
    found = pools.find(request, writes=True)
    if not found.scales:
        raise errors.wrong_state("The pool is not scaled by a formula.")
    body = {name: value for name, value in found.body.items() if not name.startswith("autoScale")}
    found.schedule += 1
    pool_life.change(found, {**body, "enableAutoScale": False}, request.now)
    return request.done(200, f"pools/{found.id}", found.changed_at, found.version)


def evaluate(request: Request) -> Answer:
    """200 with what a formula would say now; nothing changes."""
    found, asked = pools.find(request, writes=True), request.body()
    if not found.scales:
        raise errors.wrong_state("The pool is not scaled by a formula.")
    formula = asked.get("autoScaleFormula")
    if not formula:
        raise errors.missing("autoScaleFormula")
    scaling.check_formula(str(formula))
    return listing.sent(scaling.evaluated(found, str(formula), request.now)[0])
