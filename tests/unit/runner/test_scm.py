"""What opens a private repository, in Nextflow's words."""

from pathlib import Path

from shared.runner import scm
from shared.runner.engine import own_environment
from shared.runner.spec import Spec
from shared.runner.staging import Secrets

MINE = {"server": "https://github.com", "user": "me", "token": "it's \\ secret"}


def spec(**given: object) -> Spec:
    least = {"run": "r", "attempt": 1, "pipeline": "a/b", "work_dir": "/w", "deadline": 1, "token": "t"}
    return Spec.of({**least, **given})


def test_github_itself_has_its_own_name() -> None:
    assert scm.config([MINE]) == (
        "providers {\n    github {\n        user = 'me'\n        password = 'it\\'s \\\\ secret'\n    }\n}\n"
    )
    assert scm.config([]) == ""


def test_another_server_speaks_as_github_does() -> None:
    said = scm.config([{**MINE, "server": "https://git.lab.example"}])
    assert "'git.lab.example' {" in said
    assert "platform = 'github'" in said
    assert "endpoint = 'https://git.lab.example/api/v3'" in said


def test_the_file_is_for_one_user_and_goes_with_the_secrets(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path)
    secrets.stage({}, scm.config([MINE]))
    assert secrets.file is not None
    named = Path(own_environment(spec(git=[MINE]), tmp_path, "/w", secrets.file)["NXF_SCM_FILE"])
    assert named.read_text() == scm.config([MINE])
    assert named.stat().st_mode & 0o777 == 0o600
    assert "NXF_SCM_FILE" not in own_environment(spec(), tmp_path, "/w", secrets.file)
    secrets.remove()
    assert not named.exists()
