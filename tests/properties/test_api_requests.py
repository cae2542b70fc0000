"""schemathesis on our own description: no internal error, every answer as it is described, wrong input
refused. Paths name things that there are, so that it is the operations that are tried and not the 404s."""

import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance, unsupported_method

from tests.described import operations as served
from tests.unit.api.examples import EXAMPLES, Example
from tests.unit.api.front import Front
from tests.unit.api.furnished import everything

UNCHECKED = [
    positive_data_acceptance,  # what is well-formed may still name what is not there
    not_a_server_error,  # a 501 is an answer here; any other is a failure below
    ignored_auth,  # by test_strangers_everywhere; this check sends the token that it means to leave out
    unsupported_method,  # by test_edge
]
QUICK, LONG = 1, 25


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Front, Any]:
    api = Front.fresh(tmp_path_factory.mktemp("fuzzed") / "data", "fuzzed")
    return api, everything(api)


def described(app: Any) -> dict[str, APIOperation]:
    """Every operation that is served, by method and path; what removes things comes last."""
    found = schemathesis.openapi.from_asgi("/openapi.json", app)
    each = {
        f"{one.method.upper()} {one.path}": one for one in (all.ok() for all in found.get_all_operations())
    }
    names = sorted((f"{method} {form}" for method, form in served()), key=lambda name: name[:6] == "DELETE")
    return {name: each[name] for name in names}


def things(example: Example, there: Any, form: str) -> dict[str, Any]:
    """What is put into the path."""
    names, values = re.findall(r"\{(\w+)\}", form), example.place(there, form).split("/")
    at = [place for place, word in enumerate(form.split("/")) if word.startswith("{")]
    return dict(zip(names, (values[each] for each in at), strict=True))


def tried(place: tuple[Front, Any], mode: GenerationMode, examples: int) -> int:
    """Tries every operation with so many requests; how many there were."""
    api, there = place
    headers = {"authorization": f"Bearer {api.token}"}
    count = 0

    def send(case: Case) -> None:
        nonlocal count
        count += 1
        answer = case.call_and_validate(headers=headers, excluded_checks=UNCHECKED)
        assert answer.status_code < 500 or answer.status_code == 501, case.as_curl_command()

    for name, operation in described(api.app).items():
        path = things(EXAMPLES[name], there, operation.path)
        given_path = {"path_parameters": path} if path else {}
        strategy = operation.as_strategy(generation_mode=mode, **given_path)
        limits = settings(
            max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        try:
            seed(4711)(limits(given(case=strategy)(send)))()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE, name  # nothing in it can be wrong
    return count


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_each_operation_bears_some_requests(place: tuple[Front, Any], mode: GenerationMode) -> None:
    assert tried(place, mode, QUICK) > 60


@pytest.mark.long
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_each_operation_bears_many_requests(place: tuple[Front, Any], mode: GenerationMode) -> None:
    assert tried(place, mode, LONG) > 60 * LONG
