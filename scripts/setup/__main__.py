"""Makes .venv ready: `python3 -m scripts.setup [--tests]`. Standard library only.

Nothing is done twice: a stamp in .venv holds a hash of everything that went in.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time

from scripts.setup import environment, llama, system
from scripts.setup.terminal import ROOT, SetupError, say

STAMP = environment.VENV / "lares-setup"


def main() -> int:
    """Set up; return the exit code: 0, or 1 after one line that says why."""
    parser = argparse.ArgumentParser(prog="python3 -m scripts.setup", description=__doc__)
    parser.add_argument("--tests", action="store_true", help="also what the tests need")
    parser.add_argument("--lint", action="store_true", help="also what `make check` needs")
    asked = parser.parse_args()
    try:
        system.provide([system.PORTAUDIO, system.ALSA_PULSE])
        if asked.tests:
            system.provide(system.needs_for_tests())
        set_up(develop=asked.tests or asked.lint)
    except SetupError as error:
        say(f"setup: {error}")
        return 1
    except KeyboardInterrupt:
        say("setup: stopped; run the same command again to go on")
        return 1
    return 0


def set_up(*, develop: bool) -> None:
    """Bring .venv to what the lock says, unless its stamp says that it is there."""
    wanted = f"{fingerprint()} {'dev' if develop else 'lock'}"
    if STAMP.exists() and environment.usable(environment.VENV):
        held = STAMP.read_text(encoding="utf-8").strip()
        if held in {wanted, wanted.replace(" lock", " dev")}:
            return
    begun = time.monotonic()
    environment.writable()
    environment.make(environment.pick_python())
    STAMP.unlink(missing_ok=True)
    requirements = environment.REQUIREMENTS
    environment.install(requirements / "build.txt", "installing the build tools", 10)
    name = "dev.txt" if develop else "lock.txt"
    environment.install(requirements / name, f"installing requirements/{name}", 45)
    environment.install_wake_words()
    llama.install()
    environment.install_local(["--editable", str(ROOT)], "installing lares")
    STAMP.write_text(wanted + "\n", encoding="utf-8")
    say(f"setup: ready in {time.monotonic() - begun:.0f} s; the command is .venv/bin/lares")


def fingerprint() -> str:
    """Return a hash of all that decides what is in .venv."""
    files = [ROOT / "pyproject.toml", *sorted(environment.REQUIREMENTS.glob("*.txt"))]
    digest = hashlib.sha256(llama.key().encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main())
