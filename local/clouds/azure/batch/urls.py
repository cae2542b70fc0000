"""Paths of Microsoft.Batch in ARM, and of the accounts' own service."""

from local.clouds.azure.arm.routes import GROUP, SUBSCRIPTION, Route
from local.clouds.azure.batch import accounts, arm_pools, files, jobs, nodes, pools, scaling_requests, tasks
from local.clouds.azure.batch.service import Handler, admitted

VERSIONS = frozenset({"2024-07-01", "2025-06-01"})
_ROOT = "Microsoft.Batch/batchAccounts"
_ACCOUNT = f"{GROUP}/providers/{_ROOT}/{{account}}"
_POOL = _ACCOUNT + "/pools/{pool}"
_PLACE = SUBSCRIPTION + "/providers/Microsoft.Batch/locations/{place}"
_RESULT = _ACCOUNT + "/poolOperationResults/{operation}"
_ARM = (
    ("GET", _ACCOUNT, f"{_ROOT}/read", accounts.get),
    ("GET", f"{GROUP}/providers/{_ROOT}", f"{_ROOT}/read", accounts.every),
    ("GET", f"{SUBSCRIPTION}/providers/{_ROOT}", f"{_ROOT}/read", accounts.every),
    ("POST", _ACCOUNT + "/listKeys", f"{_ROOT}/listKeys/action", accounts.list_keys),
    ("GET", _PLACE + "/quotas", "Microsoft.Batch/locations/quotas/read", accounts.location_quotas),
    ("PUT", _POOL, f"{_ROOT}/pools/write", arm_pools.put),
    ("PATCH", _POOL, f"{_ROOT}/pools/write", arm_pools.patch),
    ("GET", _POOL, f"{_ROOT}/pools/read", arm_pools.get),
    ("GET", _ACCOUNT + "/pools", f"{_ROOT}/pools/read", arm_pools.every),
    ("DELETE", _POOL, f"{_ROOT}/pools/delete", arm_pools.delete),
    ("GET", _RESULT, f"{_ROOT}/poolOperationResults/read", arm_pools.result),
)
_SERVICE: tuple[tuple[str, str, str, str, Handler], ...] = (
    ("GET", "/supportedimages", "ListSupportedImages", "pools/read", pools.images),
    ("GET", "/nodecounts", "ListPoolNodeCounts", "pools/read", nodes.counts),
    ("POST", "/pools", "CreatePool", "pools/write", pools.create),
    ("GET", "/pools", "ListPools", "pools/read", pools.every),
    ("GET", "/pools/{pool}", "GetPool", "pools/read", pools.get),
    ("HEAD", "/pools/{pool}", "PoolExists", "pools/read", pools.head),
    ("PATCH", "/pools/{pool}", "UpdatePool", "pools/write", pools.patch),
    ("POST", "/pools/{pool}/updateproperties", "ReplacePoolProperties", "pools/write", pools.replace),
    ("DELETE", "/pools/{pool}", "DeletePool", "pools/delete", pools.delete),
    ("POST", "/pools/{pool}/resize", "ResizePool", "pools/write", pools.resize),
    ("POST", "/pools/{pool}/stopresize", "StopPoolResize", "pools/write", pools.stop_resize),
    ("POST", "/pools/{pool}/removenodes", "RemoveNodes", "pools/write", pools.remove_nodes),
    ("POST", "/pools/{pool}/enableautoscale", "EnablePoolAutoScale", "pools/write", scaling_requests.enable),
    (
        "POST",
        "/pools/{pool}/disableautoscale",
        "DisablePoolAutoScale",
        "pools/write",
        scaling_requests.disable,
    ),
    (
        "POST",
        "/pools/{pool}/evaluateautoscale",
        "EvaluatePoolAutoScale",
        "pools/read",
        scaling_requests.evaluate,
    ),
    ("GET", "/pools/{pool}/nodes", "ListNodes", "pools/read", nodes.every),
    ("GET", "/pools/{pool}/nodes/{node}", "GetNode", "pools/read", nodes.get),
    ("GET", "/pools/{pool}/nodes/{node}/files/{file*}", "GetNodeFile", "pools/read", files.of_node),
    (
        "HEAD",
        "/pools/{pool}/nodes/{node}/files/{file*}",
        "GetNodeFileProperties",
        "pools/read",
        files.head_of_node,
    ),
    ("POST", "/jobs", "CreateJob", "jobs/write", jobs.create),
    ("GET", "/jobs", "ListJobs", "jobs/read", jobs.every),
    ("GET", "/jobs/{job}", "GetJob", "jobs/read", jobs.get),
    ("PATCH", "/jobs/{job}", "UpdateJob", "jobs/write", jobs.patch),
    ("PUT", "/jobs/{job}", "ReplaceJob", "jobs/write", jobs.put),
    ("DELETE", "/jobs/{job}", "DeleteJob", "jobs/delete", jobs.delete),
    ("POST", "/jobs/{job}/terminate", "TerminateJob", "jobs/write", jobs.terminate),
    ("POST", "/jobs/{job}/disable", "DisableJob", "jobs/write", jobs.disable),
    ("POST", "/jobs/{job}/enable", "EnableJob", "jobs/write", jobs.enable),
    ("GET", "/jobs/{job}/taskcounts", "GetJobTaskCounts", "jobs/read", jobs.task_counts),
    ("POST", "/jobs/{job}/tasks", "CreateTask", "jobs/write", tasks.create),
    ("POST", "/jobs/{job}/addtaskcollection", "CreateTaskCollection", "jobs/write", tasks.create_many),
    ("GET", "/jobs/{job}/tasks", "ListTasks", "jobs/read", tasks.every),
    ("GET", "/jobs/{job}/tasks/{task}", "GetTask", "jobs/read", tasks.get),
    ("PUT", "/jobs/{job}/tasks/{task}", "ReplaceTask", "jobs/write", tasks.put),
    ("DELETE", "/jobs/{job}/tasks/{task}", "DeleteTask", "jobs/write", tasks.delete),
    ("POST", "/jobs/{job}/tasks/{task}/terminate", "TerminateTask", "jobs/write", tasks.terminate),
    ("POST", "/jobs/{job}/tasks/{task}/reactivate", "ReactivateTask", "jobs/write", tasks.reactivate),
    ("GET", "/jobs/{job}/tasks/{task}/files", "ListTaskFiles", "jobs/read", files.every),
    ("GET", "/jobs/{job}/tasks/{task}/files/{file*}", "GetTaskFile", "jobs/read", files.get),
    ("HEAD", "/jobs/{job}/tasks/{task}/files/{file*}", "GetTaskFileProperties", "jobs/read", files.head),
)
"""Method, path, the operation's name (that faults and the journal go by), the right, and who serves it."""

routes = [
    *(Route(method, path, action, handle, VERSIONS) for method, path, action, handle in _ARM),
    *(
        Route(
            method,
            f"/batch/{{account}}{path}",
            f"batch/{name}",
            admitted(handle, needs),
            audience="",
            late=True,
        )
        for method, path, name, needs, handle in _SERVICE
    ),
]
