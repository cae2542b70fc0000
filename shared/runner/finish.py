"""What is kept of a run when its engine has ended: the console, Nextflow's files, the results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from shared.runner.spec import Spec
from shared.runner.workdir import WorkDir


class Kept:
    """Writes a run's files into its work directory. Every method may be repeated, and raises Failed."""

    def __init__(self, spec: Spec, store: WorkDir, run_dir: Path, console: Path) -> None:
        self._spec = spec
        self._store = store
        self._run_dir = run_dir
        self._console = console
        self._earlier = run_dir / f"earlier-{spec.run}.txt"
        self._consoles = f".headnode/{spec.session or spec.run}/console/{spec.run}-"

    def fetch_earlier(self) -> None:
        """Brings the consoles of the attempts before this one, in their order; those that were never
        saved are left out."""
        part = self._run_dir / "part.txt"
        with self._earlier.open("wb") as whole:
            for number in range(1, self._spec.attempt):
                if self._store.get(f"{self._consoles}{number}.txt", part):
                    whole.write(part.read_bytes())
        part.unlink(missing_ok=True)

    def save_console(self) -> None:
        """This attempt's console, for those that come after it, should this machine vanish."""
        if self._console.exists():
            with self._console.open("rb") as file:
                self._store.put(f"{self._consoles}{self._spec.attempt}.txt", file)

    def save_log(self) -> None:
        """Nextflow's own log, as far as it is."""
        self._save(f"nf-{self._spec.run}.log")

    def save_all(self, exit_status: int | None) -> None:
        """Everything that is named after the run; the console of all attempts first."""
        run = self._spec.run
        self.save_console()
        sink = self._store.sink(f"nf-{run}.txt")
        try:
            for chunk in chunks(self._earlier, self._console):
                sink.write(chunk)
            sink.close()
        except BaseException:
            sink.abort()
            raise
        own = (f"nf-{run}.log", f"timeline-{run}.html", f"nf-{run}-report.html", f"nf-{run}-reports.tsv")
        for name in own:
            self._save(name)
        (self._run_dir / f"nf-{run}.exit").write_text("" if exit_status is None else f"{exit_status}\n")
        self._save(f"nf-{run}.exit")

    def save_results(self) -> int:
        """The output directory, where it is a relative one: to `results/<run>/`. How many files."""
        outdir = str(self._spec.params.get("outdir") or "results")
        top = (self._run_dir / outdir).resolve()
        if Path(outdir).is_absolute() or "://" in outdir or not top.is_relative_to(self._run_dir.resolve()):
            return 0
        count = 0
        for path in sorted(top.rglob("*")) if top != self._run_dir.resolve() else []:
            if path.is_file():
                with path.open("rb") as file:
                    self._store.put(f"results/{self._spec.run}/{path.relative_to(top)}", file)
                count += 1
        return count

    def _save(self, name: str) -> None:
        path = self._run_dir / name
        if path.exists():
            with path.open("rb") as file:
                self._store.put(name, file)


def chunks(*paths: Path) -> Iterator[bytes]:
    """The bytes of files one after another; those that do not exist are empty."""
    for path in paths:
        if path.exists():
            with path.open("rb") as file:
                while chunk := file.read(1024 * 1024):
                    yield chunk
