"""Tags that the policy of an environment's credentials asks for, held against those that things will carry: a
cloud would refuse a launch without them and name no tag."""

from collections.abc import Mapping
from typing import Any

from shared.errors import Fault


def missing(config: Mapping[str, Any], tags: Mapping[str, str]) -> list[Fault]:
    """What `requiredTags` of the config asks for and neither its `labels` nor these tags have; a tag wins
    over a label of the same name. Pure."""
    wanted, labels = config.get("requiredTags"), config.get("labels")
    if not isinstance(wanted, dict):
        return []
    carried = {**(labels if isinstance(labels, dict) else {}), **tags}
    found = {str(key): str(value) for key, value in carried.items()}
    said = "the tag {}={}, which requiredTags asks for, is {}"
    return [
        Fault("labels", said.format(key, value, found.get(key, "missing")))
        for key, value in sorted(wanted.items())
        if found.get(key) != str(value)
    ]
