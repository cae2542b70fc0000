"""Where Azure's services answer: the public cloud's addresses, or those of one emulator.

HEADNODE_AZURE_URL replaces every public address by a path below it. A token may travel over plain http
only to such an emulator on this machine (`plain`); anything else is refused when the endpoints are read.
"""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.errors import Fault, Invalid

VARIABLE = "HEADNODE_AZURE_URL"

ARM_SCOPE = "https://management.azure.com/.default"
QUERY_SCOPE = "https://api.loganalytics.io/.default"
MONITOR_SCOPE = "https://monitor.azure.com/.default"
STORAGE_SCOPE = "https://storage.azure.com/.default"
VAULT_SCOPE = "https://vault.azure.net/.default"
BATCH_SCOPE = "https://batch.core.windows.net//.default"  # the service's own name ends with a slash
"""What a token is asked for, by service; the same for the public cloud and an emulator."""


@dataclass(frozen=True)
class Endpoints:
    """Addresses without a slash at their end. `base` is the emulator's; empty is the public cloud."""

    base: str = ""

    @property
    def plain(self) -> bool:
        """Whether tokens travel over http: only to an emulator on this machine."""
        return self.base.startswith("http://")

    @property
    def arm(self) -> str:
        """Azure Resource Manager."""
        return self.base or "https://management.azure.com"

    @property
    def authority(self) -> str:
        """Who gives Entra tokens."""
        return self.base or "https://login.microsoftonline.com"

    def query(self, customer_id: str) -> str:
        """Log Analytics' query of one workspace, by its customer id (a GUID)."""
        return f"{self.base or 'https://api.loganalytics.io'}/v1/workspaces/{customer_id}/query"

    def blob(self, account: str) -> str:
        """The blob service of a storage account."""
        return f"{self.base}/blob/{account}" if self.base else f"https://{account}.blob.core.windows.net"

    def batch(self, account: str, region: str) -> str:
        """The service of a Batch account, which is in its region."""
        return f"{self.base}/batch/{account}" if self.base else f"https://{account}.{region}.batch.azure.com"

    def vault(self, name: str) -> str:
        """A key vault."""
        return f"{self.base}/keyvault/{name}" if self.base else f"https://{name}.vault.azure.net"


def endpoints(environ: Mapping[str, str] = os.environ) -> Endpoints:
    """The endpoints that this process uses. Raises Invalid for an emulator over http that is not on this
    machine: tokens would travel readable."""
    base = environ.get(VARIABLE, "").rstrip("/")
    parts = urlsplit(base)
    if base and parts.scheme != "https" and not (parts.scheme == "http" and loopback(parts.hostname or "")):
        raise Invalid(Fault(VARIABLE, "an emulator is reached by https, or by http on this machine only"))
    return Endpoints(base)


def loopback(host: str) -> bool:
    """Whether the host is this machine, by its name or address alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
