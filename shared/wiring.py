"""The only place that reads settings from outside and names implementations.

`world_from_env` builds the world of a Lambda (DynamoDB, SQS, KMS); `functions_world` that of an Azure
Function (Tables, storage queues, Key Vault); `local_world` that of one machine (SQLite, a key file).
Everything is imported where it is used, so that a host loads only its own.
"""

import functools
import importlib
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from shared.azure_endpoints import endpoints, loopback
from shared.clock import SystemClock, SystemIds
from shared.errors import Fault, Refused
from shared.model.access import Credentials, Registry, no_registry
from shared.model.environment import Environment
from shared.model.machine import Task
from shared.model.run import Attempt, Run
from shared.model.settings import Settings
from shared.ports import Clock, Ids, LogSource, Provider, Store, Vault, World

PLATFORMS: Mapping[str, str] = {
    "aws-batch": "shared.providers.aws.batch.wired",
    "aws-cloud": "shared.providers.aws.wired",
    "azure-batch": "shared.providers.azure.batch.wired",
    "azure-cloud": "shared.providers.azure.wired",
    "local-platform": "shared.providers.local.wired",
}
"""Platform -> the module that makes its provider and log source, imported when it is first asked for.
Each has `provider`, `logs` and `faults`, with the parameters that `Platforms` passes."""

PROVING: Mapping[str, str] = {
    "aws": "aws-cloud",
    "azure": "azure-batch",
    "azure_entra": "azure-batch",
    "azure-cloud": "azure-cloud",
}
"""Provider of credentials -> the platform that can ask its cloud whether they are good."""
PROVING_REGION = "us-east-1"
"""Any will do: whose credentials they are is the same everywhere."""

_clients: dict[tuple[str, ...], Any] = {}
"""Cloud clients by credentials, their generation, and region: making one costs more than a call."""


def forget_clients() -> None:
    """Drops every client: the next one reads the environment's endpoint and credentials again."""
    _clients.clear()


class Platforms:
    """Finds the provider and the log source of an environment."""

    def __init__(self, store: Store, vault: Vault, settings: Settings, clock: Clock, root: Path) -> None:
        self._store = store
        self._vault = vault
        self._settings = settings
        self._clock = clock
        self._root = root

    def provider(self, environment: Environment) -> Provider:
        """The provider bound to this environment. Raises Refused for a platform we do not have, or
        credentials that cannot be read."""
        made: Provider = module(environment.platform).provider(
            environment,
            self._clients(environment),
            self._settings,
            self._clock,
            self._root,
            functools.partial(self._registry, environment.workspace_id),
        )
        return made

    def logs(self, environment: Environment) -> LogSource:
        """The log source bound to this environment; raises as `provider` does."""
        made: LogSource = module(environment.platform).logs(
            environment, self._clients(environment), self._root
        )
        return made

    def regions(self, platform: str) -> list[str]:
        """As `ports.Accounts`."""
        return list(module(platform).regions())

    def look_ups(self, platform: str, region: str, credentials_id: str) -> dict[str, Any]:
        """As `ports.Accounts`."""
        clients = self._clients_of(platform, credentials_id, region)
        found: dict[str, Any] = module(platform).look_ups(clients, region)
        return found

    def sizes(self, platform: str, region: str, credentials_id: str, task: Task) -> dict[str, Any]:
        """As `ports.Accounts`."""
        chosen = getattr(module(platform), "sizes", None)
        if chosen is None:
            raise Refused(f"on {platform} no machine is chosen for a task")
        clients = self._clients_of(platform, credentials_id, region) if credentials_id else None
        found: dict[str, Any] = chosen(clients, region, task, self._settings, self._clock)
        return found

    def prove(self, credentials: Credentials) -> str:
        """As `ports.Accounts`."""
        platform = PROVING.get(credentials.provider)
        if platform is None:
            return f"keys of {credentials.provider} are kept; whether they are accepted was not checked"
        said: str = module(platform).prove(self._made(platform, credentials, PROVING_REGION))
        return said

    def _clients(self, environment: Environment) -> Any:
        region = str(environment.config.get("region") or "")
        return self._clients_of(environment.platform, environment.credentials_id, region)

    def _clients_of(self, platform: str, credentials_id: str, region: str) -> Any:
        credentials = self._credentials(credentials_id)
        generation = str(credentials.generation) if credentials else "0"
        key = (platform, credentials_id, generation, region, self._settings.installation)
        if key not in _clients:
            _clients[key] = self._made(platform, credentials, region)
        return _clients[key]

    def _made(self, platform: str, credentials: Credentials | None, region: str) -> Any:
        keys = self._open(credentials) if credentials else None
        return module(platform).clients(keys, region, self._settings)

    def _credentials(self, credentials_id: str) -> Credentials | None:
        if not credentials_id:
            return None
        found = self._store.get(Credentials, credentials_id)
        if found is None or found.deleted:
            raise Refused(f"credentials {credentials_id} not found")
        return found

    def _registry(self, workspace_id: int, id: str) -> Registry:
        """As `ports.Registries`, for one workspace."""
        found = self._store.get(Credentials, id)
        if found is None or (why := no_registry(found, id, workspace_id)):
            raise Refused(why if found else f"credentials {id} not found")
        keys = self._open(found)
        texts = (str(keys.get(name) or "") for name in ("registry", "userName", "password"))
        return Registry(**dict(zip(("server", "user", "password"), texts, strict=True)))

    def _open(self, credentials: Credentials) -> dict[str, Any]:
        secret = json.loads(self._vault.open(credentials.sealed, f"credentials/{credentials.id}"))
        return {**credentials.public, **secret}


def module(platform: str) -> Any:
    """The module of a platform. Raises Refused for one that we do not have, or that was not deployed
    here: a Lambda's archive holds nothing for running machines of its own."""
    path = PLATFORMS.get(platform)
    if path is None:
        raise Refused(f"platform {platform} is not supported; supported: {', '.join(PLATFORMS)}")
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        if not f"{path}.".startswith(f"{error.name}."):
            raise
        raise Refused(f"platform {platform} cannot be used from this host") from None


def faults(platform: str, config: dict[str, Any]) -> list[Fault]:
    """What is wrong with a config by its own words; calls nothing."""
    if platform not in PLATFORMS:
        known = ", ".join(PLATFORMS)
        return [Fault("platform", f"{platform!r} is not supported; supported: {known}")]
    try:
        found: list[Fault] = module(platform).faults(config)
    except Refused as error:
        return [Fault("platform", str(error))]
    return found


def changeable(platform: str) -> frozenset[str]:
    """The `changeable` of a world."""
    return frozenset(getattr(module(platform), "CHANGEABLE", ()))


def policy(settings: Settings) -> Callable[[str, str | None, dict[str, Any] | None], dict[str, Any]]:
    """The `policy` of a world."""

    def of(platform: str, step: str | None, config: dict[str, Any] | None) -> dict[str, Any]:
        found = getattr(module(platform), "policy", None)
        if found is None:
            raise Refused(f"platform {platform} needs no permissions")
        document: dict[str, Any] = found(step, settings, config)
        return document

    return of


def boot(settings: Settings) -> Callable[[Run, Attempt, str], str]:
    """The `boot` of a world: renders user data for an attempt."""

    def render(run: Run, attempt: Attempt, token: str) -> str:
        from shared.nextflow.boot import boot_document

        return boot_document(
            control_url=settings.api_url,
            run_id=run.id,
            attempt=attempt.number,
            token=token,
            deadline=attempt.deadline,
            now=attempt.created_at,
        )

    return render


def settings_from(environ: Mapping[str, str], **given: Any) -> Settings:
    """Settings from `HEADNODE_<FIELD>` variables, over what is given. Raises Refused naming a variable
    that is not of its field's type."""
    values: dict[str, Any] = dict(given)
    for field, kind in Settings.__annotations__.items():
        text = environ.get(f"HEADNODE_{field.upper()}")
        if text is None:
            continue
        try:
            values[field] = kind(text)
        except ValueError:
            raise Refused(f"HEADNODE_{field.upper()} is not a number: {text!r}") from None
    if not re.fullmatch(r"[A-Za-z0-9-]{1,40}", str(values.get("installation", ""))):
        raise Refused("HEADNODE_INSTALLATION must be 1 to 40 letters, digits or hyphens")
    return Settings(**values)


def local_world(data: Path, settings: Settings, clock: Clock | None = None, ids: Ids | None = None) -> World:
    """The world of one machine: everything under `data`, which is made when missing."""
    from shared.queues.sqlite import SqliteQueue
    from shared.stores.sqlite import SqliteStore
    from shared.vaults.file import FileVault

    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    clock = clock or SystemClock()
    store = SqliteStore(data / "headnode.db")
    vault = FileVault(data / "vault.key")
    queue = SqliteQueue(data / "queue.db", clock=clock)
    return assembled(store, queue, vault, settings, clock, ids or SystemIds(), data)


def world_from_env(environ: Mapping[str, str] = os.environ) -> World:
    """The world of a Lambda function, from its variables: HEADNODE_TABLE, HEADNODE_QUEUE_<STEP> (URLs),
    HEADNODE_KMS_KEY, and the settings. Its clients are made once for each process."""
    world: World | None = _clients.get(("world",))
    if world is None:
        from shared.model.message import STEPS
        from shared.queues.sqs import SqsQueue
        from shared.stores.dynamodb import DynamoStore
        from shared.vaults.kms import KmsVault

        urls = {step: environ[f"HEADNODE_QUEUE_{step.upper()}"] for step in STEPS}
        settings = settings_from(environ)
        world = assembled(
            DynamoStore(environ["HEADNODE_TABLE"]),
            SqsQueue(urls),
            KmsVault(environ["HEADNODE_KMS_KEY"]),
            settings,
            SystemClock(),
            SystemIds(),
            Path("/tmp"),  # noqa: S108 (a Lambda's only writable place; nothing is kept there)
        )
        _clients[("world",)] = world
    return world


def functions_world(environ: Mapping[str, str] = os.environ) -> World:
    """The world of an Azure Function, from its variables: HEADNODE_STORAGE_ACCOUNT, HEADNODE_TABLE,
    HEADNODE_QUEUE_PREFIX, HEADNODE_KEYVAULT_KEY (the key's URL), and the settings. It is its managed
    identity (AZURE_CLIENT_ID, when that is not the system's own). Its clients are made once for each
    process."""
    world: World | None = _clients.get(("functions",))
    if world is None:
        from shared.queues.storage import StorageQueue
        from shared.stores.storageaccount import StorageAccount
        from shared.stores.tables import TablesStore

        connection = emulated_storage(environ)
        name = (
            environ.get("HEADNODE_STORAGE_ACCOUNT", "") if connection else environ["HEADNODE_STORAGE_ACCOUNT"]
        )
        account = StorageAccount(name, own_identity, connection)
        world = assembled(
            TablesStore(account, environ["HEADNODE_TABLE"]),
            StorageQueue(account, environ["HEADNODE_QUEUE_PREFIX"]),
            key_vault(environ),
            settings_from(environ),
            SystemClock(),
            SystemIds(),
            Path("/tmp"),  # noqa: S108 (as in a Lambda)
        )
        _clients[("functions",)] = world
    return world


def own_identity() -> Any:
    """The credential of this process's managed identity, made once: it keeps its tokens."""
    from azure.identity import ManagedIdentityCredential

    client_id = os.environ.get("AZURE_CLIENT_ID")
    return _clients.setdefault(("identity",), ManagedIdentityCredential(client_id=client_id))


def emulated_storage(environ: Mapping[str, str]) -> str:
    """HEADNODE_STORAGE_CONNECTION: Azurite knows no identities. Raises Refused for a connection string,
    which holds a key, to anything but an emulator on this machine."""
    text = environ.get("HEADNODE_STORAGE_CONNECTION", "")
    parts = (part.partition("=") for part in text.split(";"))
    hosts = [urlsplit(value).hostname or "" for name, _, value in parts if name.endswith("Endpoint")]
    if text and not (hosts and all(map(loopback, hosts))):
        raise Refused("HEADNODE_STORAGE_CONNECTION is for an emulator on this machine only")
    return text


def key_vault(environ: Mapping[str, str]) -> Vault:
    """The vault of HEADNODE_KEYVAULT_KEY. Raises Refused when that is not the URL of a key."""
    from shared.vaults.keyvault import KeyVault

    text = environ["HEADNODE_KEYVAULT_KEY"]
    found = re.fullmatch(r"https://([\w-]+)\.vault\.azure\.net/keys/([\w-]+)(/\w*)?", text, re.ASCII)
    if found is None:
        raise Refused("HEADNODE_KEYVAULT_KEY must be https://<vault>.vault.azure.net/keys/<key>")
    there = endpoints(environ)
    return KeyVault(f"{there.vault(found[1])}/keys/{found[2]}", own_identity, plain=there.plain)


def assembled(
    store: Store, queue: Any, vault: Vault, settings: Settings, clock: Clock, ids: Ids, root: Path
) -> World:
    """A world of these parts."""
    platforms = Platforms(store, vault, settings, clock, root)
    return World(
        store=store,
        queue=queue,
        clock=clock,
        ids=ids,
        vault=vault,
        settings=settings,
        provider=platforms.provider,
        logs=platforms.logs,
        boot=boot(settings),
        faults=faults,
        changeable=changeable,
        policy=policy(settings),
        accounts=platforms,
    )
