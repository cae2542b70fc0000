"""The house's rules, read from the source: who imports whom, where time comes from, how long things are.

Each rule takes modules and returns its complaints, so that every rule is also shown an offence and must
complain about it.
"""

import ast
import graphlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("shared", "functions", "lambdas", "local", "infra")
CORE = ("shared.errors", "shared.model", "shared.ports")
IMPLEMENTATION = (*CORE, "shared.nextflow")
AZURE = "shared.azure_endpoints"

LAYERS: dict[str, tuple[str, ...]] = {
    "shared.errors": (),
    "shared.model": ("shared.errors", "shared.model"),
    "shared.ports": ("shared.errors", "shared.model"),
    "shared.clock": CORE,
    "shared.azure_endpoints": CORE,
    "shared.plan": CORE,
    "shared.capacity": CORE,
    "shared.steps": (*CORE, "shared.plan", "shared.capacity", "shared.steps"),
    "shared.nextflow": (*CORE, "shared.nextflow"),
    "shared.runner": ("shared.runner",),
    "shared.stores": (*CORE, AZURE, "shared.stores"),
    "shared.queues": (*CORE, AZURE, "shared.queues", "shared.stores"),
    "shared.vaults": (*CORE, AZURE, "shared.vaults"),
    "shared.logs": (*IMPLEMENTATION, AZURE, "shared.logs"),
    # A cloud's log source speaks through that cloud's clients.
    "shared.logs.cloudwatch": (*IMPLEMENTATION, "shared.logs", "shared.providers.aws"),
    "shared.logs.s3": (*IMPLEMENTATION, "shared.logs", "shared.providers.aws"),
    "shared.logs.azure": (*IMPLEMENTATION, AZURE, "shared.logs", "shared.providers.azure"),
    "shared.logs.azurebatch": (*IMPLEMENTATION, AZURE, "shared.logs", "shared.providers.azure"),
    "shared.logs.blob": (*IMPLEMENTATION, AZURE, "shared.logs", "shared.providers.azure"),
    "shared.providers": (),
    "shared.providers.fields": (),
    "shared.providers.aws": (
        *IMPLEMENTATION, "shared.logs", "shared.providers.fields", "shared.providers.aws",
    ),
    "shared.providers.azure": (
        *IMPLEMENTATION, AZURE, "shared.logs", "shared.providers.fields", "shared.providers.azure",
    ),
    "shared.providers.local": (*IMPLEMENTATION, "shared.logs", "shared.providers.local"),
    # The API hands out the runner (an archive) besides records.
    "shared.api": (
        *CORE, "shared.api", "shared.steps", "shared.plan", "shared.capacity", "shared.nextflow",
        "shared.runner.archive",
    ),
    "shared.wiring": ("shared",),
    "lambdas": (*CORE, "shared.wiring", "shared.api", "shared.steps.deliver", "lambdas"),
    "functions": (*CORE, "shared.wiring", "shared.api", "shared.steps.deliver", "functions"),
    "local": (
        *CORE, "shared.wiring", "shared.api", "shared.steps.deliver", "shared.runner.archive",
        "shared.providers.local", "infra", "local",
    ),
    # The custom roles of a deployment follow from the permissions (data).
    "infra": (
        *CORE, "shared.runner.archive", "shared.providers.azure.permissions",
        "shared.providers.azure.batch.permissions", "infra",
    ),
}  # fmt: skip

LIBRARIES = {
    "": {"msgspec"},
    "shared.api": {"msgspec", "fastapi", "pydantic", "starlette"},
    "shared.runner": set(),
}
"""Third-party modules that `shared` may need at import; an SDK is none of them."""

MAY_ASK_THE_CLOCK = (
    "shared.clock", "shared.stores", "shared.queues", "shared.vaults", "shared.runner",
    "shared.providers.local", "local",
)  # fmt: skip
TIME_AND_CHANCE = {
    "time.time", "time.time_ns", "time.sleep", "datetime.datetime.now", "datetime.datetime.utcnow",
    "datetime.datetime.today", "datetime.date.today", "os.urandom", "uuid.uuid1", "uuid.uuid4",
    "uuid.uuid7", "secrets.token_hex", "secrets.token_bytes", "secrets.token_urlsafe", "secrets.choice",
    "secrets.randbelow", "secrets.randbits",
}  # fmt: skip
SAYS_NOTHING = {"util", "utils", "helper", "helpers", "common", "manager", "misc"}
SHELL, FILE, FUNCTION = 40, 400, 60


@dataclass(frozen=True)
class Module:
    """One of our source files."""

    name: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.name)

    def imports(self) -> Iterator[tuple[str, bool]]:
        """What it imports as dotted names, and whether merely importing it does so."""
        yield from found(self.tree, True)


def found(node: ast.AST, at_import: bool) -> Iterator[tuple[str, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, at_import) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0 and child.module, "relative imports hide who imports whom"
            yield from ((f"{child.module}.{alias.name}", at_import) for alias in child.names)
        elif not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)):
            function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from found(child, at_import and not function)


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def source() -> list[Module]:
    modules = []
    for package in OURS:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            modules.append(Module(name, path.read_text()))
    return modules


def layers(modules: list[Module]) -> list[str]:
    """A module imports only from the layers that its own may see."""
    wrong = []
    for module in modules:
        rules = [prefix for prefix in LAYERS if within(module.name, prefix)]
        if not rules and module.name != "shared":
            wrong.append(f"{module.name} belongs to no layer")
        allowed = LAYERS[max(rules, key=len)] if rules else ()
        wrong += [
            f"{module.name} imports {name}"
            for name, _ in module.imports()
            if within(name, *OURS) and not within(name, *allowed)
        ]
    return wrong


def no_sdk_at_import(modules: list[Module]) -> list[str]:
    """Importing `shared` needs no SDK; a shell loads its own host's tools only."""
    wrong = []
    for module in modules:
        if not within(module.name, "shared", "infra"):
            continue
        allowed = LIBRARIES[max((key for key in LIBRARIES if not key or within(module.name, key)), key=len)]
        roots = {name.split(".")[0] for name, at_import in module.imports() if at_import}
        foreign = roots - set(OURS) - sys.stdlib_module_names - allowed
        wrong += [f"{module.name} needs {root} to be imported" for root in sorted(foreign)]
    return wrong


def no_cycles(modules: list[Module]) -> list[str]:
    """No import cycle, also not one that an import inside a function would hide."""
    names = {module.name for module in modules}
    graph: dict[str, set[str]] = {}
    for module in modules:
        wanted = {name if name in names else name.rpartition(".")[0] for name, _ in module.imports()}
        graph[module.name] = wanted & names
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return [" -> ".join(error.args[1])]
    return []


def time_and_chance(modules: list[Module]) -> list[str]:
    """Time, ids and randomness come through the ports."""
    wrong = []
    for module in modules:
        if within(module.name, *MAY_ASK_THE_CLOCK):
            continue
        known = {name.split(".")[-1]: name for name, _ in module.imports()}
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Name | ast.Attribute):
                first, _, rest = ast.unparse(node).partition(".")
                dotted = ".".join(filter(None, (known.get(first, ""), rest)))
                if dotted in TIME_AND_CHANCE or within(dotted, "random"):
                    wrong.append(f"{module.name}:{node.lineno} uses {dotted}")
    return wrong


def no_hidden_state(modules: list[Module]) -> list[str]:
    """No module of `shared` keeps state between calls, but for wiring's client cache."""
    wrong = []
    for module in modules:
        if not within(module.name, "shared") or module.name == "shared.wiring":
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Global):
                wrong.append(f"{module.name}:{node.lineno} has a global statement")
        for node in module.tree.body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            filled = isinstance(getattr(node, "value", None), ast.Dict | ast.List | ast.Set)
            name = targets[0].id if isinstance(targets[0], ast.Name) else "X"
            if filled and not name.isupper() and not name.startswith("__"):
                wrong.append(f"{module.name}:{node.lineno} {name} can be changed by anybody")
    return wrong


def telling_names(modules: list[Module]) -> list[str]:
    """A name says what a thing is."""
    wrong = []
    for module in modules:
        named = [node for node in ast.walk(module.tree) if isinstance(node, DEFINITIONS)]
        names = [*module.name.split("."), *(node.name for node in named)]
        wrong += [f"{module.name}: {name}" for name in names if SAYS_NOTHING & set(name.lower().split("_"))]
    return wrong


DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def fits_on_a_screen(modules: list[Module]) -> list[str]:
    """Functions, files and shells stay short."""
    wrong = []
    for module in modules:
        lines = len(module.text.splitlines())
        most = SHELL if within(module.name, "lambdas", "functions") else FILE
        wrong += [f"{module.name}: {lines} lines (at most {most})"] if lines > most else []
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                wrong += [f"{module.name}.{node.name}: {length} lines"] if length > FUNCTION else []
    return wrong


def contracts_are_stated(modules: list[Module]) -> list[str]:
    """Every public module, class and function of `shared` says what it promises; a method may leave
    that to the port that it implements."""
    wrong = []
    for module in modules:
        if within(module.name, "shared"):
            tree = module.tree
            public = [node for node in tree.body if isinstance(node, DEFINITIONS) and node.name[0] != "_"]
            nodes: list[ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef] = [*public]
            nodes += [tree] if module.text.strip() else []
            wrong += [
                f"{module.name}: {getattr(node, 'name', 'the module')} has no docstring"
                for node in nodes
                if not ast.get_docstring(node)
            ]
    return wrong


OFFENCES: dict[Callable[[list[Module]], list[str]], tuple[Module, ...]] = {
    layers: (
        Module("shared.steps.x", "from shared.providers.aws import ec2"),
        Module("shared.providers.aws.x", "from shared.providers.azure import vm"),
        Module("shared.model.x", "def f():\n    from shared.ports import World"),
        Module("shared.runner.x", "import shared.errors"),
        Module("lambdas.x", "from shared.stores.dynamodb import DynamoStore"),
    ),
    no_sdk_at_import: (
        Module("shared.providers.aws.x", "import boto3"),
        Module("shared.wiring", "class A:\n    from azure.core import x"),
    ),
    no_cycles: (Module("shared.a", "def f():\n    import shared.a"),),
    time_and_chance: (
        Module("shared.steps.x", "import datetime\ndatetime.datetime.now()"),
        Module("shared.plan", "from time import sleep\nsleep(1)"),
        Module("shared.api.x", "import random\nrandom.random()"),
    ),
    no_hidden_state: (
        Module("shared.x", "cache = {}"),
        Module("shared.x", "def f():\n    global a"),
    ),
    telling_names: (Module("shared.utils", ""), Module("shared.x", "def helper_for_it(): ...")),
    fits_on_a_screen: (
        Module("lambdas.x", "1\n" * 41),
        Module("shared.x", "1\n" * 401),
        Module("shared.x", "def f():\n" + "    1\n" * 60),
    ),
    contracts_are_stated: (Module("shared.x", '"""X."""\ndef f(): ...'), Module("shared.x", "1")),
}


@pytest.mark.parametrize("rule", OFFENCES, ids=lambda rule: rule.__name__)
def test_the_source_keeps_the_rule(rule: Callable[[list[Module]], list[str]]) -> None:
    assert rule(source()) == []


@pytest.mark.parametrize("rule", OFFENCES, ids=lambda rule: rule.__name__)
def test_the_rule_sees_an_offence(rule: Callable[[list[Module]], list[str]]) -> None:
    for offender in OFFENCES[rule]:
        assert rule([offender]), offender
