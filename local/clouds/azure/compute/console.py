"""Boot diagnostics: what a machine printed."""

from typing import TYPE_CHECKING

from local.clouds.answer import Answer
from local.clouds.azure.arm.tracked import existing
from local.clouds.azure.call import Call
from local.clouds.azure.errors import conflict

if TYPE_CHECKING:
    from local.clouds.azure.state import State


def links(state: "State", call: Call) -> Answer:
    """Where the serial console's log is, for a VM that has boot diagnostics."""
    call.path = call.path.rpartition("/")[0]
    vm = existing(state, call)
    if not ((vm.properties.get("diagnosticsProfile") or {}).get("bootDiagnostics") or {}).get("enabled"):
        raise conflict(
            "BootDiagnosticsNotEnabled", "Boot diagnostics is not enabled for the virtual machine."
        )
    base = f"{state.url}/bootdiagnostics/{vm.properties['vmId']}"
    return Answer.json({"serialConsoleLogBlobUri": f"{base}/serialconsole.log"})


def log(state: "State", call: Call) -> Answer:
    """The log itself, also of a machine that is gone; the link is the secret, as a SAS would be."""
    text = state.room.console(call.names["machine"])
    return Answer(200, text.encode(), [("Content-Type", "text/plain")])
