"""Compute environments and credentials as the public API shows them."""

from collections.abc import Mapping
from typing import Any

from shared.api import keys as provider_keys
from shared.api.answers import labels as label_answers
from shared.api.answers.shape import iso, present
from shared.api.tenancy import shown_workspace
from shared.model.access import Credentials
from shared.model.environment import Environment, ResourceRow
from shared.model.label import Label


def entry(environment: Environment, labels: Mapping[int, Label]) -> dict[str, Any]:
    """An environment in a listing."""
    config = environment.config
    return present(
        id=environment.id,
        name=environment.name,
        platform=environment.platform,
        description=environment.description or None,
        status=environment.status,
        message=message_of(environment),
        primary=environment.primary,
        credentialsId=environment.credentials_id or None,
        region=text(config.get("region")),
        workDir=text(config.get("workDir")),
        lastUsed=iso(environment.used_at),
        workspaceName=shown_workspace(environment.workspace_id).get("workspaceName"),
        waveEnabled=config.get("waveEnabled") is True,
        fusion2Enabled=config.get("fusion2Enabled") is True,
        schedEnabled=config.get("schedEnabled") is True,
        labels=label_answers.of(environment, labels),
    )


def described(environment: Environment, labels: Mapping[int, Label]) -> dict[str, Any]:
    """An environment in full."""
    shown = shown_workspace(environment.workspace_id)
    return present(
        id=environment.id,
        name=environment.name,
        platform=environment.platform,
        description=environment.description or None,
        config=config_of(environment),
        status=environment.status,
        message=message_of(environment),
        primary=environment.primary,
        credentialsId=environment.credentials_id or None,
        dateCreated=iso(environment.created_at),
        lastUpdated=iso(environment.updated_at),
        lastUsed=iso(environment.used_at),
        # Terraform's provider takes any value, also false, for a removed environment.
        deleted=True if environment.status == "DELETED" else None,
        orgId=shown.get("orgId"),
        workspaceId=shown.get("workspaceId"),
        labels=label_answers.of(environment, labels),
    )


def config_of(environment: Environment) -> dict[str, Any]:
    """The config that was sent, its platform, and what was made and removed for it."""
    rows = environment.resources
    here = [row for row in rows if row.state in ("making", "present", "removing", "failed")]
    gone = [row for row in rows if row.gone_at]
    config = {**present(**environment.config), "discriminator": environment.platform}
    if rows:
        config["forgedResources"] = [made(environment.platform, row) for row in here]
        config["deletedResources"] = [made(environment.platform, row) for row in gone]
    return config


def made(platform: str, row: ResourceRow) -> dict[str, str]:
    """One resource: its type and its id, in the form that the public API has for the platform."""
    id = row.cloud_id or row.name
    return {"key": row.type, "value": id} if platform == "azure-cloud" else {row.type: id}


def message_of(environment: Environment) -> str | None:
    """Why it is in this state, or why it is not further on."""
    waits = environment.wait.reason if environment.wait is not None else ""
    return environment.message or waits or None


def credentials(record: Credentials, used_at: float = 0.0) -> dict[str, Any]:
    """Credentials without their secrets. `used_at` is when an environment last used them."""
    kept = record.public
    return present(
        id=record.id,
        name=record.name,
        description=record.description or None,
        provider=record.provider,
        baseUrl=kept.get("baseUrl"),
        category=kept.get("category"),
        keys={**provider_keys.shown(record.provider, kept), "discriminator": record.provider},
        dateCreated=iso(record.created_at),
        lastUpdated=iso(record.updated_at),
        lastUsed=iso(max(used_at, record.used_at)),
        lastValidated=iso(record.validated_at),
        message=record.message or None,
        deleted=record.deleted or None,
        status=record.status,
    )


def text(value: Any) -> str | None:
    """A config's value, if it is text."""
    return value if isinstance(value, str) else None
