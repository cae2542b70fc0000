"""The zipapp: the same bytes each time, Python 3.9, the standard library, nothing else of ours."""

import ast
import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import shared.runner
from shared.runner.archive import etag, zipapp_bytes

SOURCES = sorted(Path(shared.runner.__file__).parent.glob("*.py"))
NEWER = re.compile(r"\b(zip\(.*strict=|pairwise|datetime\.UTC|ExceptionGroup|tomllib|slots=|kw_only=)")


def test_it_is_deterministic_and_small() -> None:
    data = zipapp_bytes()
    assert data == zipapp_bytes()
    assert len(data) < 100_000
    assert re.fullmatch(r'"[0-9a-f]{64}"', etag(data))


def test_it_holds_the_runner_and_nothing_else() -> None:
    names = zipfile.ZipFile(io.BytesIO(zipapp_bytes())).namelist()
    sources = {f"shared/runner/{path.name}" for path in SOURCES if path.name != "archive.py"}
    assert set(names) == {"__main__.py", "shared/__init__.py", *sources}


def test_its_source_is_python_3_9() -> None:
    for path in SOURCES:
        text = path.read_text()
        tree = ast.parse(text, path.name, feature_version=(3, 9))
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.Match)], path
        assert not NEWER.search(text), path
        annotated = any(isinstance(node, ast.AnnAssign | ast.FunctionDef) for node in ast.walk(tree))
        # `X | None` in an annotation is only text there; evaluated, it needs 3.10.
        if annotated and path.name != "archive.py":
            assert "from __future__ import annotations" in text, path


def test_it_imports_the_standard_library_only() -> None:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                top = name.split(".")[0]
                assert top in sys.stdlib_module_names or name.startswith("shared.runner"), (path, name)


def test_it_runs_without_any_package(tmp_path: Path) -> None:
    program = tmp_path / "runner.pyz"
    program.write_bytes(zipapp_bytes())
    said = subprocess.run(
        [sys.executable, "-I", "-S", str(program), "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert "--boot BOOT" in said.stdout
