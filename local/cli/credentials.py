"""`headnode credentials`: what a control plane may use in your cloud account."""

import os
from typing import Annotated, Any

import typer

from local.cli.screen import Format, Output, Screen, ago

app = typer.Typer(help="Cloud credentials.", no_args_is_help=True)

KNOWN = "aws, azure-cloud, azure_entra, azure or container-reg"
"""Providers of credentials."""


def option(help: str, metavar: str | None = None, envvar: str | None = None) -> Any:
    """An option that has no default to be shown."""
    return typer.Option(
        help=help, metavar=metavar, envvar=envvar, show_default=False, show_envvar=bool(envvar)
    )


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="Its name; unique.")],
    *,
    provider: Annotated[str, typer.Option(help=f"{KNOWN}.")] = "aws",
    access_key: Annotated[str | None, option("AWS: access key id.", envvar="AWS_ACCESS_KEY_ID")] = None,
    role: Annotated[str | None, option("AWS: role to assume.", "ARN")] = None,
    external_id: Annotated[str | None, option("AWS: external id for that role.")] = None,
    tenant: Annotated[str | None, option("Azure: directory (tenant) id.", "GUID", "AZURE_TENANT_ID")] = None,
    client: Annotated[
        str | None, option("Azure: application (client) id.", "GUID", "AZURE_CLIENT_ID")
    ] = None,
    subscription: Annotated[
        str | None, option("Azure: subscription.", "GUID", "AZURE_SUBSCRIPTION_ID")
    ] = None,
    storage_account: Annotated[
        str | None, option("Azure: storage account of the work directories.", "NAME")
    ] = None,
    batch_account: Annotated[str | None, option("Azure Batch: its account.", "NAME")] = None,
    with_storage_key: Annotated[
        bool, typer.Option("--with-storage-key", help="azure_entra: the storage account's key, too.")
    ] = False,
    registry: Annotated[
        str | None, option("Container registry: its server. Default: Docker Hub.", "HOST")
    ] = None,
    user: Annotated[
        str | None, option("Container registry: user. None: identities of Azure's own registry.", "NAME")
    ] = None,
    description: Annotated[str, typer.Option(help="For people.")] = "",
    output: Output = Format.text,
) -> None:
    """Add credentials. A secret is read from AWS_SECRET_ACCESS_KEY, AZURE_CLIENT_SECRET,
    AZURE_BATCH_ACCOUNT_KEY, AZURE_STORAGE_ACCOUNT_KEY or REGISTRY_PASSWORD, or asked for: it never is an
    argument, which others on the machine could read.
    """
    from local.cli.client import connect

    screen = Screen(output)
    if provider == "aws":
        keys = aws_keys(access_key, role, external_id)
    elif provider == "azure-cloud":
        keys = azure_keys(tenant, client, subscription, storage_account)
    elif provider == "azure_entra":
        keys = entra_keys(tenant, client, subscription, storage_account, batch_account)
        keys |= {"storageKey": storage_key()} if with_storage_key else {}
    elif provider == "azure":
        keys = account_keys(storage_account, batch_account)
    elif provider == "container-reg":
        keys = registry_keys(registry, user)
    else:
        raise typer.BadParameter(f"is {KNOWN}", param_hint="--provider")
    keys["discriminator"] = provider
    body = {"name": name, "provider": provider, "description": description, "keys": keys}
    made = connect().post("/credentials", {"credentials": body})["credentialsId"]
    screen.data({"credentialsId": made})
    screen.line(made)


def aws_keys(access_key: str | None, role: str | None, external_id: str | None) -> dict[str, Any]:
    """Access keys, a role, or both."""
    if not access_key and not role:
        raise typer.BadParameter("needs --access-key, --role, or both")
    keys: dict[str, Any] = {"mode": "role" if role and not access_key else "keys"}
    if access_key:
        keys |= {"accessKey": access_key, "secretKey": secret("AWS_SECRET_ACCESS_KEY", "Secret access key")}
    if role:
        keys |= {"assumeRoleArn": role} | ({"externalId": external_id} if external_id else {})
    return keys


def azure_keys(
    tenant: str | None, client: str | None, subscription: str | None, storage_account: str | None
) -> dict[str, Any]:
    """An Entra application with its client secret."""
    needs({"--tenant": tenant, "--client": client, "--subscription": subscription})
    keys: dict[str, Any] = {"tenantId": tenant, "clientId": client, "subscriptionId": subscription}
    keys["clientSecret"] = secret("AZURE_CLIENT_SECRET", "Client secret")
    return keys | ({"storageName": storage_account} if storage_account else {})


def entra_keys(
    tenant: str | None,
    client: str | None,
    subscription: str | None,
    storage_account: str | None,
    batch_account: str | None,
) -> dict[str, Any]:
    """An Entra application with its client secret, for a Batch account and its storage. Without the
    subscription the account's quotas are not read."""
    given = {
        "--tenant": tenant,
        "--client": client,
        "--storage-account": storage_account,
        "--batch-account": batch_account,
    }
    needs(given)
    keys = {
        "tenantId": tenant,
        "clientId": client,
        "storageName": storage_account,
        "batchName": batch_account,
    }
    keys["clientSecret"] = secret("AZURE_CLIENT_SECRET", "Client secret")
    return keys | ({"subscriptionId": subscription} if subscription else {})


def account_keys(storage_account: str | None, batch_account: str | None) -> dict[str, Any]:
    """The keys of a Batch account and of its storage account."""
    needs({"--storage-account": storage_account, "--batch-account": batch_account})
    return {
        "batchName": batch_account,
        "batchKey": secret("AZURE_BATCH_ACCOUNT_KEY", "Key of the Batch account"),
        "storageName": storage_account,
        "storageKey": storage_key(),
    }


def storage_key() -> str:
    """The key of the storage account, which file shares need."""
    return secret("AZURE_STORAGE_ACCOUNT_KEY", "Key of the storage account")


def registry_keys(registry: str | None, user: str | None) -> dict[str, Any]:
    """A user of a container registry; nobody where its cloud's identities log in."""
    keys: dict[str, Any] = {"registry": registry} if registry else {}
    if user:
        keys |= {"userName": user, "password": secret("REGISTRY_PASSWORD", "Password")}
    return keys


def needs(given: dict[str, str | None]) -> None:
    """Raises BadParameter for options that are missing."""
    missing = [option for option, value in given.items() if not value]
    if missing:
        raise typer.BadParameter(f"needs {', '.join(missing)}")


def secret(variable: str, prompt: str) -> str:
    """A secret, from the environment or the keyboard."""
    found = os.environ.get(variable) or typer.prompt(prompt, hide_input=True, err=True)
    return str(found).strip()


@app.command("list")
def list_(*, output: Output = Format.text) -> None:
    """List credentials; secrets are never shown."""
    from local.cli.client import connect

    screen = Screen(output)
    found = connect().get("/credentials")["credentials"]
    screen.data(found)
    rows = ((each["id"], each["name"], each["provider"], ago(each.get("lastUsed"))) for each in found)
    screen.table(("ID", "NAME", "PROVIDER", "LAST USED"), rows, "no credentials")


@app.command("delete")
def delete(
    credentials: Annotated[str, typer.Argument(metavar="CREDENTIALS", help="Their name or id.")],
    *,
    output: Output = Format.text,
) -> None:
    """Forget credentials that no environment uses."""
    from local.cli.client import connect
    from local.cli.requests import credentials_id

    screen, api = Screen(output), connect()
    found = credentials_id(api, credentials)
    api.delete(f"/credentials/{found}")
    screen.data({"deleted": found})
    screen.line(f"{found} deleted")
