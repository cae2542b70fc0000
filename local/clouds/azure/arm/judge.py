"""Decides whether a caller may: by what was enforced for it, or by its role assignments."""

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.clouds.azure.authorization import conditions
from local.clouds.azure.authorization.builtin import BUILT_IN
from local.clouds.azure.errors import forbidden, linked_forbidden

if TYPE_CHECKING:
    from local.clouds.azure.state import State

Block = Mapping[str, Sequence[str]]
"""A role's permissions: actions, notActions, dataActions, notDataActions."""
ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"


@dataclass(frozen=True)
class Refusal:
    """A call that was refused, and the action that was missing."""

    principal: str
    action: str
    scope: str


class Judge:
    """Apps of the directory may do everything until `enforce` gives them a role; managed identities
    may do what their role assignments allow, once these have propagated."""

    def __init__(self, state: "State") -> None:
        self._state = state
        self.enforced: dict[str, list[Block]] = {}
        """By object id."""
        self.refusals: list[Refusal] = []

    def clear(self) -> None:
        """Every app may do everything again."""
        self.enforced.clear()
        self.refusals.clear()

    def may(
        self,
        principal: str,
        action: str,
        scope: str,
        *,
        data: bool = False,
        attributes: Mapping[str, str] | None = None,
    ) -> bool:
        """Whether the principal holds an action at a scope. `attributes` of the resource are what
        conditions of assignments ask for; conditions say nothing about actions that are none on data."""
        known = {name.lower(): value for name, value in (attributes or {}).items()}
        blocks = self._blocks(principal, scope, conditions.Asked(action, known) if data else None)
        return blocks is None or any(allows(block, action, data=data) for block in blocks)

    def require(self, principal: str, action: str, scope: str, *, data: bool = False) -> None:
        """Raises Refused without it."""
        if not self.may(principal, action, scope, data=data):
            self.note(principal, action, scope)
            raise forbidden(principal, action, scope)

    def require_linked(self, principal: str, action: str, scope: str, linked: str) -> None:
        """Raises Refused when the caller may not use what a request refers to."""
        if not self.may(principal, action, linked):
            self.note(principal, action, linked)
            raise linked_forbidden(principal, action, scope, linked)

    def note(self, principal: str, action: str, scope: str) -> None:
        """Adds to the refusals one that a service words itself."""
        self.refusals.append(Refusal(principal, action, scope))

    def is_enforced(self, principal: str) -> bool:
        """Whether the principal has no more than was enforced, or assigned, to it."""
        return self._blocks(principal, "/", None) is not None

    def _blocks(self, principal: str, scope: str, asked: conditions.Asked | None) -> list[Block] | None:
        known = self.enforced.get(principal)
        if known is not None:
            return known
        found = self._state.directory.by_object.get(principal)
        if found is not None and found.trusted:
            return None
        return list(self._assigned(principal, scope, asked))

    def _assigned(self, principal: str, scope: str, asked: conditions.Asked | None) -> Iterator[Block]:
        state, wanted = self._state, scope.lower().rstrip("/") + "/"
        for each in state.store.of(ASSIGNMENTS):
            if each.properties["principalId"].lower() != principal.lower():
                continue
            if state.now < each.made_at + state.timings.propagation:
                continue
            condition = each.properties.get("condition")
            if asked and condition and not conditions.read(condition)(asked):
                continue
            if wanted.startswith(each.properties["scope"].lower().rstrip("/") + "/"):
                yield from self._permissions(each.properties["roleDefinitionId"])

    def _permissions(self, definition: str) -> list[Block]:
        name = definition.rpartition("/")[2].lower()
        if name in BUILT_IN:
            return [BUILT_IN[name].permissions]
        for each in self._state.store.of("Microsoft.Authorization/roleDefinitions"):
            if each.name.lower() == name:
                blocks: list[Block] = each.properties["permissions"]
                return blocks
        return []


def allows(block: Block, action: str, *, data: bool = False) -> bool:
    """Whether a role's permissions hold an action; "*" stands for any text, case does not matter."""
    yes, no = ("dataActions", "notDataActions") if data else ("actions", "notActions")
    return _any(block.get(yes) or (), action) and not _any(block.get(no) or (), action)


def _any(patterns: Sequence[str], action: str) -> bool:
    wanted = action.lower()
    return any(fnmatch.fnmatchcase(wanted, pattern.lower()) for pattern in patterns)
