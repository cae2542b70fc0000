"""The HTTP API as an ASGI app."""

from fastapi import FastAPI

from shared.api import (
    actions,
    configuring,
    credentials,
    environments,
    hooks,
    labels,
    launch,
    logs,
    machine,
    oauth,
    ops,
    pipeline_versions,
    pipelines,
    platforms,
    problem,
    service,
    sizing,
    stars,
    tasklogs,
    tokens,
    trace,
    unserved,
    users,
    workflows,
)
from shared.api.description import served as description
from shared.api.edge import Edge
from shared.ports import World

ROUTERS = (
    service.router,
    users.router,
    credentials.router,
    environments.router,
    platforms.router,
    launch.router,
    labels.router,
    pipelines.router,
    pipeline_versions.router,
    actions.router,
    hooks.router,
    tokens.router,
    oauth.router,
    workflows.router,
    stars.router,
    logs.router,
    tasklogs.router,
    trace.router,
    machine.router,
    ops.router,
    configuring.router,
    sizing.router,
    description.router,
    unserved.router,
)


def build(world: World) -> FastAPI:
    """The app over a world, served at the root and under /api. Calls nothing; cheap enough for a cold
    start."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.state.world = world
    app.state.routers = ROUTERS
    problem.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(Edge, ids=world.ids)
    return app
