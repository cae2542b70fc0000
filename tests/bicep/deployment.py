"""What a Bicep file would deploy: every resource with its values, and what they refer to."""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.bicep.resource import Resource
from tests.bicep.syntax import Expression, Parser, Statement, Wrong

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
TENANT = "99999999-2222-3333-4444-555555555555"
TYPES: Mapping[str, type] = {"string": str, "int": int, "bool": bool, "array": list, "object": dict}

Runtime = Mapping[str, Any]


class Deployment:
    """A file with its parameters, worked out. `scope` is the id of a subscription or a resource group."""

    def __init__(self, path: Path, parameters: Mapping[str, Any], scope: str) -> None:
        self.path, self.scope = path, scope
        statements = Parser(path.read_text()).file()
        self.statements = {(each.kind, each.name): each for each in statements}
        if len(self.statements) < len(statements):
            raise Wrong(f"{path.name}: a name is declared twice")
        level = [each.value for each in statements if each.kind == "targetScope"]
        at_subscription = level == [("string", "subscription")]
        if at_subscription == ("/resourceGroups/" in scope):
            raise Wrong(f"{path.name} is deployed to {scope}")
        self._made: dict[str, Any] = dict(checked(path, statements, parameters))
        self._making: set[str] = set()
        for each in statements:
            if each.kind == "param" and each.name not in self._made:
                if each.value is None:
                    raise Wrong(f"{path.name} needs the parameter {each.name}")
                self._made[each.name] = self.work(each.value, {})
            if each.kind == "param":
                fits(path, each, self._made[each.name])
        for each in statements:
            if each.kind in ("var", "resource", "module"):
                self.symbol(each.name)
        self.outputs = {e.name: self.work(e.value, {}) for e in statements if e.kind == "output" and e.value}

    def resources(self) -> Iterator[Resource]:
        """All that would be made, also by modules."""
        for kind, name in self.statements:
            if kind in ("resource", "module"):
                made = self._made[name]
                for each in made if isinstance(made, list) else [made]:
                    if isinstance(each, Deployment):
                        yield from each.resources()
                    elif each is not None:
                        yield from (r for r in (each, *each.nested.values()) if not r.existing)

    def symbol(self, name: str) -> Any:
        """What a name stands for. Raises Wrong for one that is not declared, or that needs itself."""
        if name in self._made:
            return self._made[name]
        found = [each for (kind, of), each in self.statements.items() if of == name and kind != "output"]
        if not found or name in self._making:
            raise Wrong(f"{self.path.name}: {name} is {'a circle' if found else 'not declared'}")
        self._making.add(name)
        [statement] = found
        assert statement.value is not None
        self._made[name] = self._statement(statement, statement.value, {})
        return self._made[name]

    def _statement(self, statement: Statement, value: Expression, local: Runtime) -> Any:
        if statement.kind == "var":
            return self.work(value, local)
        if value[0] == "when":
            if not self.work(value[1], local):
                return None
            value = value[2]
        if value[0] == "for":
            return [self._statement(statement, value[4], each) for each in self._rounds(value, local)]
        body = self.work(("object", value[1], []), local)
        if statement.kind == "module":
            return self._module(statement, body)
        made = self._resource(statement, body)
        for child in value[2]:
            made.nested[child.name] = self._nested(made, child, local)
        return made

    def _resource(self, statement: Statement, body: dict[str, Any]) -> Resource:
        kind, _, version = statement.type.partition("@")
        above = body.get("parent")
        if above is not None:
            if kind.rpartition("/")[0] != above.type:
                raise Wrong(f"{kind} does not belong to {above.type}")
            place = f"{above.id}/{kind.rpartition('/')[2]}"
        elif kind == "Microsoft.Resources/resourceGroups":
            place = f"{self.scope}/resourceGroups"
        else:
            place = f"{body['scope'].id if 'scope' in body else self.scope}/providers/{kind}"
        name = body["name"]
        return Resource(kind, version, f"{place}/{name}", name, body, statement.existing)

    def _nested(self, above: Resource, child: Statement, local: Runtime) -> Resource:
        assert child.value is not None
        kind = f"{above.type}/{child.type}"
        name = self.work(child.value, local)["name"]
        return Resource(kind, above.version, f"{above.id}/{child.type}/{name}", name, {}, child.existing)

    def _module(self, statement: Statement, body: dict[str, Any]) -> "Deployment":
        unknown = set(body) - {"name", "scope", "params", "dependsOn"}
        if unknown or len(body["name"]) > 64:
            raise Wrong(f"module {statement.name}: {unknown or body['name']}")
        scope = body["scope"].id if "scope" in body else self.scope
        return Deployment(self.path.parent / statement.type, body.get("params", {}), scope)

    def _rounds(self, loop: Expression, local: Runtime) -> Iterator[Runtime]:
        _, item, index, over, _ = loop
        for number, each in enumerate(self.work(over, local)):
            yield {**local, item: each, **({index: number} if index else {})}

    def work(self, what: Expression, local: Runtime) -> Any:
        """The value of an expression; `local` are the variables of loops around it."""
        handle = getattr(self, f"_work_{what[0]}", None)
        if handle is None:
            raise Wrong(f"{what[0]} has no place here")
        return handle(what, local)

    def _work_literal(self, what: Expression, local: Runtime) -> Any:
        return what[1]

    def _work_string(self, what: Expression, local: Runtime) -> str:
        parts = [each if isinstance(each, str) else self.work(each, local) for each in what[1:]]
        if not all(isinstance(each, str | int) for each in parts):
            raise Wrong(f"{parts} is no text")
        return "".join(map(str, parts))

    def _work_name(self, what: Expression, local: Runtime) -> Any:
        return local[what[1]] if what[1] in local else self.symbol(what[1])

    def _work_array(self, what: Expression, local: Runtime) -> list[Any]:
        return [self.work(each, local) for each in what[1:]]

    def _work_object(self, what: Expression, local: Runtime) -> dict[str, Any]:
        return {key: self.work(value, local) for key, value in what[1]}

    def _work_for(self, what: Expression, local: Runtime) -> list[Any]:
        return [self.work(what[4], each) for each in self._rounds(what, local)]

    def _work_property(self, what: Expression, local: Runtime) -> Any:
        return self._get(self.work(what[1], local), what[2])

    def _work_index(self, what: Expression, local: Runtime) -> Any:
        return self.work(what[1], local)[self.work(what[2], local)]

    def _work_nested(self, what: Expression, local: Runtime) -> Any:
        return self.work(what[1], local).nested[what[2]]

    def _work_not(self, what: Expression, local: Runtime) -> bool:
        return not self.work(what[1], local)

    def _work_if(self, what: Expression, local: Runtime) -> Any:
        # Both are worked out, so that neither can hold what is not declared.
        chosen = (self.work(what[3], local), self.work(what[2], local))
        return chosen[bool(self.work(what[1], local))]

    def _work_binary(self, what: Expression, local: Runtime) -> bool:
        left, right = self.work(what[2], local), self.work(what[3], local)
        both, either = bool(left and right), bool(left or right)
        answers = {"==": left == right, "!=": left != right, "&&": both, "||": either}
        return bool(answers[what[1]])

    def _work_call(self, what: Expression, local: Runtime) -> Any:
        given = [self.work(each, local) for each in what[2:]]
        if what[1] == "loadJsonContent":
            return json.loads((self.path.parent / given[0]).read_text())
        if what[1] not in FUNCTIONS:
            raise Wrong(f"no function: {what[1]}")
        return FUNCTIONS[what[1]](*given)

    def _get(self, value: Any, name: str) -> Any:
        if isinstance(value, Resource):
            return value.value(name)
        if isinstance(value, Deployment):
            value = {"outputs": value.outputs}
        if not isinstance(value, dict) or name not in value:
            raise Wrong(f"{self.path.name}: there is no {name}")
        return value[name]


def joined(*parts: Iterable[Any]) -> list[Any]:
    return [each for part in parts for each in part]


FUNCTIONS: Mapping[str, Any] = {
    "concat": joined,
    "contains": lambda where, what: what in where,
    "deployment": lambda: {"location": "westeurope"},
    "empty": lambda value: not value,
    "guid": lambda *parts: str(uuid.uuid5(uuid.NAMESPACE_URL, "|".join(parts))),
    "items": lambda value: [{"key": key, "value": value[key]} for key in sorted(value)],
    "readEnvironmentVariable": lambda _, default: default,
    "resourceGroup": lambda name: Resource(
        "", "", f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}", name, {}
    ),
    "resourceId": lambda subscription, group, kind, name: (
        f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{kind}/{name}"
    ),
    "subscription": lambda: {
        "id": f"/subscriptions/{SUBSCRIPTION}",
        "subscriptionId": SUBSCRIPTION,
        "tenantId": TENANT,
    },
    "subscriptionResourceId": lambda kind, name: f"/subscriptions/{SUBSCRIPTION}/providers/{kind}/{name}",
    "uniqueString": lambda *parts: uuid.uuid5(uuid.NAMESPACE_URL, "|".join(parts)).hex[:13],
}


def checked(path: Path, statements: list[Statement], given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Parameters as given. Raises Wrong for one that the file does not have."""
    unknown = set(given) - {each.name for each in statements if each.kind == "param"}
    if unknown:
        raise Wrong(f"{path.name} has no parameter {', '.join(sorted(unknown))}")
    return given


def fits(path: Path, parameter: Statement, value: Any) -> None:
    """Raises Wrong for a value that is not of the parameter's type, or not allowed by its decorators."""
    limits = {
        name: Deployment.work(_NOWHERE, each[0], {}) for name, each in parameter.decorators.items() if each
    }
    size = len(value) if isinstance(value, str | list) else 0
    faults = (
        type(value) is not TYPES[parameter.type],
        value not in limits.get("allowed", [value]),
        size < limits.get("minLength", 0) or size > limits.get("maxLength", size),
        isinstance(value, int)
        and not limits.get("minValue", value) <= value <= limits.get("maxValue", value),
    )
    if any(faults):
        raise Wrong(f"{path.name}: {value!r} does not fit the parameter {parameter.name}")


_NOWHERE = Deployment.__new__(Deployment)
"""Works out what refers to nothing: the arguments of decorators."""
