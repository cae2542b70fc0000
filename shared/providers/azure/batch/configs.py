"""How this environment's Nextflow is told where its tasks go, and whether what people say beside it will
work. Nothing is called."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.errors import Fault
from shared.model import tags
from shared.model.run import Run
from shared.nextflow import azurebatch
from shared.nextflow.azure import given, reading
from shared.nextflow.azure.checks import Run as Span
from shared.nextflow.azurebatch import AutoPools, Secrets, Tasks, Written
from shared.providers.azure.batch.account import BatchAccount
from shared.providers.fields import variables

OF_ENVIRONMENT, OF_LAUNCH = "nextflowConfig", "configText"
RETRIES = "maxJobQuotaRetries"
MOST_RETRIES = 60
"""Two hours of Nextflow's own delay: others' jobs end, and a run that fails has to be begun anew."""
OWN = {
    "azure.batch": "managedIdentityClientId",
    "azure.storage": "managedIdentityClientId",
    "azure.storage.tokenDuration": "jobMaxWallClockTime",
    "azure.batch.accountName": "batchAccount",
    "azure.storage.accountName": "storageAccount",
    "azure.batch.location": "region",
    "azure.batch.pools.auto.virtualNetwork": "subnetId",
}
"""Our settings of the scope -> the field of the environment's config that they come from."""


def written(account: BatchAccount, work_dir: str, sas: str) -> Written:
    """The platform's own config, and the variables with the least secret that does."""
    return azurebatch.written(tasks(account, work_dir), secrets(account, sas), span(account))


def faults(account: BatchAccount) -> Iterable[Fault]:
    """What will fail of the environment's settings, its `nextflowConfig` among them. What is wrong with that
    by its own words `form` has said."""
    own, about = platform(account), span(account)
    said = given.given(_text(account.environment.config, OF_ENVIRONMENT))
    alone = set(given.run_faults(given.Given(), own.scope, about))
    found = given.run_faults(said, given.laid(said.scope, own.scope), about)
    told = {each.field for each in own.faults}
    for each in (*own.faults, *(each for each in found if each.field not in told)):
        if each in alone or each in own.faults:
            yield Fault(OWN.get(each.field, "config"), f"{each.field}: {each.message}")
        else:
            yield Fault(OF_ENVIRONMENT, f"{each.field} {each.message}")


def run_faults(account: BatchAccount, run: Run) -> Iterable[Fault]:
    """What will fail of a launch's own config, which is laid over everything else, and of the profiles that
    it chooses. What the environment says without them was checked when it was made."""
    profiles = run.launch.get("configProfiles")
    chosen = [str(each) for each in profiles] if isinstance(profiles, list | tuple) else []
    text = _text(account.environment.config, OF_ENVIRONMENT)
    checked, environment = given.given(text), given.given(text, chosen)
    launch = given.given(_text(run.launch, OF_LAUNCH), chosen)
    if environment == checked and not (launch.scope or launch.unread):
        return
    own, about = platform(account).scope, span(account)
    before = given.laid(environment.scope, own)
    known = {*given.form_faults(checked), *given.run_faults(checked, given.laid(checked.scope, own), about)}
    for field, said, whole in (
        ("configProfiles", environment, before),
        (OF_LAUNCH, joined(environment, launch), given.laid(before, launch.scope)),
    ):
        alone = launch if field == OF_LAUNCH else environment
        for each in (*given.form_faults(alone), *given.run_faults(said, whole, about)):
            if each not in known:
                yield Fault(field, f"{each.field} {each.message}")
            known.add(each)


def joined(one: given.Given, other: given.Given) -> given.Given:
    """What is not known of either is not known."""
    return given.Given(scope=other.scope, unread=(*one.unread, *other.unread))


def remarks(account: BatchAccount) -> list[str]:
    """What people should know of the environment's `nextflowConfig`."""
    said = given.given(_text(account.environment.config, OF_ENVIRONMENT))
    return given.remarks(said, OF_ENVIRONMENT, given.laid(said.scope, platform(account).scope), span(account))


class Platform:
    """The platform's own part of the scope, and what is wrong with it."""

    def __init__(self, scope: Mapping[str, Any], faults: Iterable[Fault]) -> None:
        self.scope = scope
        self.faults = tuple(faults)


def platform(account: BatchAccount) -> Platform:
    """Our own settings. What proves who Nextflow is counts as there, in whose name is not looked at: secrets
    stay out of it."""
    own = azurebatch.fitted(tasks(account, account.options.work_dir), Secrets(), span(account))
    return Platform(nested(own), own.faults)


def nested(found: reading.Reading) -> dict[str, Any]:
    """A reading as a scope again."""
    scope: dict[str, Any] = {}
    for name, value in found.values.items():
        kept = f"{int(value)}s" if found.options[name].duration else value
        given.put(scope, name.split("."), kept)
    return scope


def span(account: BatchAccount) -> Span:
    """What our settings are for: how long a run may take, and the variables that it will have."""
    options, clients = account.options, account.clients
    named = set(variables(account.environment.config, ("head",)))
    if clients.application:
        named |= {"AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"}
    else:
        named |= {"AZURE_STORAGE_SAS_TOKEN"} | ({"AZURE_BATCH_ACCOUNT_KEY"} if clients.batch_key else set())
    return Span(
        longest=account.longest,
        now=account.clock.now(),
        fusion=options.fusion,
        shares=options.auto_pools,
        available=frozenset(named),
    )


def secrets(account: BatchAccount, sas: str) -> Secrets:
    """Everything there is to prove who one is with."""
    clients = account.clients
    return Secrets(application=clients.application, batch_key=clients.batch_key, sas=sas)


def tasks(account: BatchAccount, work_dir: str) -> Tasks:
    """How this environment's tasks run."""
    options = account.options
    labels = {tags.INSTALLATION: account.settings.installation, tags.ENVIRONMENT: account.environment.id}
    text = _text(account.environment.config, OF_ENVIRONMENT)
    own_image = any(word in text for word in ("publisher", "offer", "sku"))
    auto = AutoPools(subnet=options.subnet, labels=labels, own_image=own_image)
    return Tasks(
        pool=account.worker_pool,
        auto=auto if options.auto_pools else None,
        account=account.name,
        region=options.region,
        storage_account=account.storage_name,
        work_dir=work_dir,
        head_client=options.head_client,
        pool_client=options.pool_client,
        wall_clock=options.wall_clock,
        token_duration=options.token_duration,
        job_retries=0 if RETRIES in text else MOST_RETRIES,
        terminate_jobs=options.terminate_jobs,
        delete_jobs=options.delete_jobs,
        delete_tasks=options.delete_tasks,
        delete_pools=options.delete_pools,
        wave=options.wave,
        fusion=options.fusion,
        variables=variables(account.environment.config, ("compute",)),
    )


def _text(config: Mapping[str, Any], field: str) -> str:
    return str(config.get(field) or "")
