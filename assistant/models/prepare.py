"""Re-quantises a language model once, to what computes fastest here, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import ModelError
from assistant.modelfiles.formats import check_llm
from assistant.models.catalogue import FileSpec, Prepare
from assistant.models.checks import digest_file, load_json, save_json
from assistant.models.part import explain_disk

LIMIT_S = 600.0


@dataclass(frozen=True, slots=True)
class Preparer:
    """Runs the program that re-quantises."""

    command: tuple[str, ...] = (sys.executable, "-P", "-m", "assistant.engines.native.quantise")
    """Called with source, target and the name of the quantisation.

    It may keep what is unfinished in TARGET.part.
    """

    def prepare(self, source: Path, step: Prepare) -> Path:
        """Make the prepared file beside its source; return it.

        A note beside it keeps its length and digest, as no catalogue can know them: they differ
        with the library. Raises ModelError where the program fails or what it made is not whole.
        """
        target = source.with_name(step.file)
        made = False
        try:
            _note(target).unlink(missing_ok=True)
            done = subprocess.run(
                [*self.command, str(source), str(target), step.to],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=LIMIT_S,
                check=False,
            )
            if done.returncode:
                last = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1]
                raise ModelError(f"{source}: cannot be made {step.to}: {last}")
            check_llm(target)
            digest = digest_file(target, "sha256")
            save_json(_note(target), {"bytes": target.stat().st_size, "sha256": digest})
            made = True
        except subprocess.TimeoutExpired as error:
            raise ModelError(f"{source}: not {step.to} within {LIMIT_S:g} s") from error
        except OSError as error:
            raise explain_disk(target, error) from error
        finally:
            target.with_name(step.file + ".part").unlink(missing_ok=True)
            if not made:
                target.unlink(missing_ok=True)
        return target


def prepared_spec(folder: Path, step: Prepare) -> FileSpec | None:
    """Return what the prepared file in this folder must be, None where none was made."""
    note = load_json(_note(folder / step.file))
    length, sha256 = note.get("bytes"), note.get("sha256")
    if not isinstance(length, int) or not isinstance(sha256, str):
        return None
    return FileSpec.model_construct(name=step.file, path="", bytes=length, sha256=sha256, md5=None)


def _note(target: Path) -> Path:
    return target.with_name(target.name + ".json")
