"""Runs in the worker library's own Python: indexes the app in a directory, and invokes what stdin asks for.
Only the wire to the host is missing: its messages stand in for themselves."""

import asyncio
import base64
import json
import sys
from unittest.mock import MagicMock

from azure.functions.decorators.core import BindingDirection
from azure_functions_runtime import handle_event
from azure_functions_runtime.bindings.datumdef import Datum
from azure_functions_runtime.bindings.meta import load_binding_registry
from azure_functions_runtime.native_invocation import invocation_request_native


def datum(said):
    """A value as the host sends it."""
    value = said["value"]
    if said["type"] == "bytes":
        value = base64.b64decode(value)
    if said["type"] == "http":
        value = {
            part: datum(each)
            if "type" in each and "value" in each
            else {k: datum(v) for k, v in each.items()}
            for part, each in value.items()
        }
    return Datum(value, said["type"])


def shown(answer):
    """A value as a test can read it."""
    if answer is None:
        return None
    value = answer.value
    if answer.type == "http":
        return {"status": value["status_code"].value, "body": value["body"].value.decode()}
    return value


async def invoked(asked, ids):
    facts = {name: datum(each) for name, each in asked["facts"].items()}
    inputs = [(asked["name"], datum(asked["value"]))]
    ok, answer, _, error, trace = await invocation_request_native("1", ids[asked["function"]], inputs, facts)
    return {"ok": ok, "answer": shown(answer), "error": error, "trace": trace}


async def main(directory):
    sys.path.insert(0, directory)
    handle_event.protos = MagicMock()
    for direction in BindingDirection:
        setattr(handle_event.protos.BindingInfo, direction.name.lower(), direction.value)
    load_binding_registry()
    indexed = handle_event.index_functions(f"{directory}/function_app.py", directory)
    registry = handle_event._functions._functions
    ids = {info.name: id for id, info in registry.items()}
    answers = [await invoked(asked, ids) for asked in json.load(sys.stdin)]
    return {"count": len(indexed), "functions": sorted(ids), "answers": answers}


if __name__ == "__main__":
    out, sys.stdout = sys.stdout, sys.stderr
    json.dump(asyncio.run(main(sys.argv[1])), out)
