"""Labels as the public API shows them."""

from collections.abc import Mapping
from typing import Any

from shared.api.answers.shape import iso, present
from shared.model.label import Label
from shared.steps.labels import Bearer


def label(record: Label) -> dict[str, Any]:
    """A label."""
    return present(
        id=int(record.id),
        name=record.name,
        value=record.value if record.resource else None,
        resource=record.resource,
        isDefault=record.default,
        isDynamic=False,
        isInterpolated=False,
        dateCreated=iso(record.created_at),
    )


def of(bearer: Bearer, known: Mapping[int, Label]) -> list[dict[str, Any]]:
    """What something bears, by name; labels that were deleted are left out."""
    found = [known[id] for id in bearer.label_ids if id in known]
    return [label(each) for each in sorted(found, key=lambda each: each.key)]
