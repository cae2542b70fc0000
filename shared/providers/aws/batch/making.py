"""Each resource of the graph with the module that makes, removes and looks for it."""

from collections.abc import Callable, Mapping

from shared.errors import Refused, Retry
from shared.model.environment import Made, ResourceRow
from shared.providers.aws import forge
from shared.providers.aws.batch import definition, efs, fsx, graph, group, queues, roles, template
from shared.providers.aws.batch.account import BatchAccount

Rows = Mapping[str, ResourceRow]
ENSURE: dict[str, Callable[[BatchAccount, ResourceRow, Rows], Made]] = {
    **dict.fromkeys(graph.ROLES, lambda account, row, _: roles.ensure(account, row)),
    **dict.fromkeys((*graph.ENVIRONMENTS, *graph.QUEUES), queues.ensure),
    forge.PROFILE: lambda account, row, _: Made(cloud_id=forge.ensure(account, row)),
    "template": template.ensure,
    "definition": definition.ensure,
    "storage-group": lambda account, row, _: group.ensure(account, row),
    "efs": lambda account, row, _: efs.ensure(account, row),
    "efs-targets": lambda account, _, made: efs.ensure_targets(account, made),
    "fsx": fsx.ensure,
}
REMOVE: dict[str, Callable[[BatchAccount, ResourceRow], bool]] = {
    **dict.fromkeys(graph.ROLES, roles.remove),
    **dict.fromkeys((*graph.ENVIRONMENTS, *graph.QUEUES), queues.remove),
    forge.PROFILE: forge.remove,
    "template": lambda account, row: template.remove(account, row.name),
    "definition": definition.remove,
    "storage-group": group.remove,
    "efs": efs.remove,
    "efs-targets": efs.remove_targets,
    "fsx": fsx.remove,
}
EXISTS: dict[str, Callable[[BatchAccount, ResourceRow], bool]] = {
    "template": lambda account, row: bool(template.find(account, row.name)),
    "definition": lambda account, row: bool(definition.active(account, row.name)),
    "storage-group": lambda account, row: bool(group.find(account, row.name)),
    "efs": lambda account, row: bool(efs.find(account, row.name)),
    "efs-targets": lambda account, row: bool(efs.find(account, row.name)),
    "fsx": lambda account, _: bool(fsx.find(account)),
    **dict.fromkeys(
        (*graph.ENVIRONMENTS, *graph.QUEUES),
        lambda account, row: queues.status(queues.find(account, row)) not in queues.GONE,
    ),
}


def ensure(account: BatchAccount, row: ResourceRow, made: Rows) -> Made:
    """Makes it, or looks how far an earlier try came. Raises NotYet while AWS is still at it."""
    return ENSURE[row.key](account, row, made)


def remove(account: BatchAccount, row: ResourceRow) -> bool:
    """One move towards its absence; True when AWS answered that it does not exist."""
    return REMOVE[row.key](account, row)


def left(account: BatchAccount, row: ResourceRow) -> str:
    """Why it counts as left; empty when it is gone."""
    if row.key == forge.PROFILE:
        return forge.profile_left(account, row)
    try:
        if row.key in graph.ROLES:
            return forge.role_left(account, row.name)
        return "it still exists" if EXISTS[row.key](account, row) else ""
    except (Refused, Retry) as error:
        return str(error)
