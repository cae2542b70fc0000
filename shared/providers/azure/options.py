"""An environment's config as typed values, with the defaults of the public platform."""

import re
from typing import Any

from shared.model.environment import Environment
from shared.model.records import Model
from shared.model.settings import Settings
from shared.providers.azure.catalogue import plain, size
from shared.providers.fields import text, texts

DEFAULT_TYPE = "Standard_D2ds_v4"
"""2 vCPU and 8 GiB: the public platform's default."""
DEFAULT_DISK = 128
"""GiB of the OS disk. The public platform does not document its own default."""
TABLE = "Nextflow_log_CL"
"""Where log lines go, as the public platform names it."""
SPOT = ("never", "first", "only")
WORK_DIR = re.compile(r"az://(?P<container>[a-z0-9](?:-?[a-z0-9]){2,62})/(?P<path>[^/].*)", re.DOTALL)


class Options(Model, frozen=True, kw_only=True):
    """What an environment asks for. A value of the wrong type reads as absent: `validate.form` has
    refused it before anything was made. Names and ids are empty where the environment makes its own."""

    region: str
    work_dir: str
    container: str
    types: tuple[str, ...]
    zones: tuple[str, ...]
    spot: str
    disk: int
    subscription: str
    group: str
    network_id: str
    subnets: tuple[str, ...]
    identity_id: str
    identity_client_id: str
    workspace_id: str
    table: str
    endpoint: str
    rule_id: str
    storage_account: str
    storage_group: str
    public_ip: bool
    self_delete: bool
    prefix: str

    @property
    def markets(self) -> tuple[bool, ...]:
        """Whether spot, in the order to try."""
        return {"only": (True,), "first": (True, False)}.get(self.spot, (False,))

    @property
    def own_logs(self) -> bool:
        """Whether the user brings the places that log lines are sent to."""
        return bool(self.endpoint and self.rule_id)


def read(environment: Environment, settings: Settings) -> Options:
    """The environment's options. Pure; never raises."""
    config = environment.config
    disk = config.get("diskSizeGb")
    work_dir = text(config, "workDir").rstrip("/")
    found = WORK_DIR.fullmatch(work_dir)
    return Options(
        region=plain(text(config, "region")),
        work_dir=work_dir,
        container=found["container"] if found else "",
        types=types(config),
        zones=texts(config, "zones"),
        spot=text(config, "spot") or "never",
        disk=disk if isinstance(disk, int) and not isinstance(disk, bool) and disk > 0 else DEFAULT_DISK,
        subscription=text(config, "subscriptionId").lower(),
        group=text(config, "resourceGroup"),
        network_id=text(config, "networkId").rstrip("/"),
        subnets=tuple(dict.fromkeys(each.rpartition("/")[2] for each in texts(config, "subnets"))),
        identity_id=text(config, "managedIdentityId").rstrip("/"),
        identity_client_id=text(config, "managedIdentityClientId"),
        workspace_id=text(config, "logWorkspaceId"),
        table=text(config, "logTableName") or TABLE,
        endpoint=text(config, "dataCollectionEndpoint").rstrip("/"),
        rule_id=text(config, "dataCollectionRuleId"),
        storage_account=text(config, "storageAccount"),
        storage_group=text(config, "storageResourceGroup"),
        public_ip=config.get("publicIp") is True,
        self_delete=config.get("selfDelete") is True,
        prefix=text(config, "forgePrefix") or settings.forge_prefix,
    )


def types(config: dict[str, Any]) -> tuple[str, ...]:
    """Sizes in the order to try: `instanceType`, then the others of `instanceTypes`; as the catalogue
    writes them where it knows them."""
    given = filter(None, (text(config, "instanceType"), *texts(config, "instanceTypes")))
    known = (found.name if (found := size(each)) else each for each in given)
    return tuple(dict.fromkeys(known)) or (DEFAULT_TYPE,)
