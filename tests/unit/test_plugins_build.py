"""`python -m local.plugins` against pretended tools: what it asks for, and what it leaves."""

from pathlib import Path

import pytest

from local import plugins
from local.nextflow import FORCE, PLUGINS, resolve
from tests.unit.test_nextflow_resolve import MVN, Machine, machine  # noqa: F401 (a fixture)

GRADLE = """dependencies {
    compileOnly project(':nextflow')
    compileOnly 'org.slf4j:slf4j-api:2.0.7'
    api('com.azure:azure-storage-blob:12.27.0') {
        exclude group: 'org.slf4j', module: 'slf4j-api'
        exclude group: 'com.google.guava', module: 'guava'
    }
    api ('javax.xml.bind:jaxb-api:2.4.0-b180830.0359')
    api "com.fasterxml.jackson.core:jackson-databind:2.12.7.1"
    constraints {
        api 'some.thing:pinned:1'
    }
    testImplementation "org.apache.groovy:groovy:4.0.23"
}
"""
JAVA = """
case "$*" in
    *FileSystemCompiler*) mkdir -p classes/io && echo "$*" > classes/io/asked ;;
    *-version*) echo "  version 24.10.0 build 1" ;;
esac
"""
SAID = "echo 'unable to resolve class'"
MAVEN = MVN + "; touch lib/brought.jar"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    source = tmp_path / "nextflow/plugins/nf-tower"
    (source / "src/resources/META-INF").mkdir(parents=True)
    (source / "src/main/io").mkdir(parents=True)
    (source / "build.gradle").write_text(GRADLE)
    (source / "src/main/io/Tower.groovy").write_text("class Tower {}")
    (source / "src/main/io/Old.java").write_text("class Old {}")
    manifest = "Plugin-Class: io.Tower\nPlugin-Id: nf-tower\nPlugin-Version: 1.9.3\n"
    (source / "src/resources/META-INF/MANIFEST.MF").write_text(manifest)
    return tmp_path / "nextflow"


@pytest.fixture
def tools(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:  # noqa: F811
    machine.has("java", JAVA)
    machine.has("mvn", MAVEN)
    monkeypatch.setenv("PATH", machine.environ["PATH"])
    machine.environ |= {FORCE: "maven", "XDG_CACHE_HOME": str(machine.cache)}
    return machine


def test_a_plugin_is_laid_out_as_nextflow_installs_it(
    tools: Machine, checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    into = tmp_path / "made"
    assert plugins.main([str(checkout), "nf-tower", "--into", str(into)], tools.environ) == 0
    made = into / "nf-tower-1.9.3"
    assert capsys.readouterr().out == f"{made}\n"
    files = {str(path.relative_to(into)) for path in into.rglob("*") if path.is_file()}
    inside = ("lib/brought.jar", "lib/nextflow-1.jar", "classes/META-INF/MANIFEST.MF", "classes/io/asked")
    assert files == {f"nf-tower-1.9.3/{each}" for each in inside}
    asked = (made / "classes/io/asked").read_text()
    assert "Old.java" in asked
    assert "Tower.groovy" in asked


def test_an_engine_carries_what_was_built_and_is_made_anew_for_it(tools: Machine, checkout: Path) -> None:
    tools.environ[PLUGINS] = str(tools.cache / "own")
    before = tools.resolve("maven")
    assert before.plugins == []
    assert plugins.main([str(checkout), "nf-tower"], tools.environ) == 0
    engine = tools.resolve("maven")
    assert engine.plugins == ["nf-tower@1.9.3"]
    carried = Path(engine.command[0]).parent / "plugins/nf-tower-1.9.3/lib/brought.jar"
    assert carried.exists()
    assert "NXF_PLUGINS_DIR" in Path(engine.command[0]).read_text()
    tools.called()
    assert tools.resolve("maven") == engine
    assert "mvn" not in tools.called()


def test_libraries_are_those_that_the_plugin_brings_along() -> None:
    found = plugins.wanted(GRADLE)
    assert [(each.name, each.version) for each in found] == [
        ("azure-storage-blob", "12.27.0"),
        ("jaxb-api", "2.4.0-b180830.0359"),
        ("jackson-databind", "2.12.7.1"),
    ]
    said = plugins.pom(found)
    assert said.count("<artifactId>slf4j-api</artifactId>") == 3, "logging is the engine's own"
    assert said.count("<artifactId>guava</artifactId>") == 1


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"mvn": MVN + '; case "$*" in *pom*) exit 1 ;; esac'}, "mvn"),
        ({"java": JAVA.replace("mkdir -p", f"{SAID}; exit 1; mkdir -p")}, "unable to resolve"),
    ],
)
def test_what_fails_is_told_and_leaves_nothing(
    tools: Machine,
    checkout: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    broken: dict[str, str],
    said: str,
) -> None:
    resolve(environ=tools.environ)
    for name, body in broken.items():
        tools.has(name, body)
    into = tmp_path / "made"
    assert plugins.main([str(checkout), "nf-tower", "--into", str(into)], tools.environ) == 1
    assert said in capsys.readouterr().err
    assert list(into.iterdir()) == []


def test_a_folder_without_plugins_and_an_engine_without_artifacts_are_told(
    tools: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plugins.main([str(tmp_path), "nf-tower", "--into", str(tmp_path / "made")], tools.environ) == 1
    assert "is no plugin's source" in capsys.readouterr().err
    environ = {**tools.environ, FORCE: "script"}
    assert plugins.main([str(tmp_path), "nf-tower", "--into", str(tmp_path / "made")], environ) == 1
    assert "are built against Nextflow's Maven artifacts" in capsys.readouterr().err
