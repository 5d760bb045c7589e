"""A room without hardware: a private PulseAudio server whose microphone and loudspeaker are silent
to the world, and one recording that holds both on one clock.

    with PulseRoom(tmp_path) as room:
        child = subprocess.Popen([...], env=room.env())
        room.play_to_mic(wav)
        room.recording().speaker    # what the child said

Sound played to the microphone and sound from the loudspeaker meet only in the recording.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from audio import wav
from audio.clip import Clip, Samples
from audio.resample import resample

RATE = 16_000
"""Hz of the recording."""

_ROOM_RATE = 44_100
_PROGRAMS = ("pulseaudio", "pactl", "paplay", "pacat", "parec")
_TICK_S = 0.02


def missing() -> str:
    """Return which programs a room lacks on this machine; empty when it can be made."""
    return ", ".join(name for name in _PROGRAMS if shutil.which(name) is None)


def _leash() -> list[str]:
    """Return the command that ends a child with the thread that started it, where there is one."""
    return ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []


@dataclass(frozen=True)
class Recording:
    """Both sides from the start of the room on one clock: float32, 16 kHz, equally long."""

    mic: Samples
    speaker: Samples

    def sounding(self, side: str, *, above_db: float = -50.0) -> list[tuple[float, float]]:
        """Return the (start, end), s, of each run of sound on a side, joined over gaps of 0.3 s."""
        samples: Samples = getattr(self, side)
        step = RATE // 100
        blocks = samples[: len(samples) // step * step].reshape(-1, step)
        loud = np.abs(blocks).max(axis=1, initial=0.0) > 10.0 ** (above_db / 20.0)
        runs: list[tuple[float, float]] = []
        for index in np.flatnonzero(loud):
            start, end = int(index) / 100, int(index + 1) / 100
            if runs and start - runs[-1][1] < 0.3:
                start = runs.pop()[0]
            runs.append((start, end))
        return runs


class PulseRoom:
    """A server of its own, ready when the constructor returns. Several may live side by side."""

    def __init__(self, folder: Path, *, noise_db: float | None = -80.0) -> None:
        """folder: an empty one. noise_db: floor of noise in the microphone, dBFS rms; None: none.

        Without noise the microphone gives exact zeros while nothing is played to it.
        """
        self._folder = folder
        self._children: list[subprocess.Popen[bytes]] = []
        self._modules: dict[str, str] = {}
        self._made = 0
        try:
            self._start()
            self._furnish()
            if noise_db is not None:
                self._make_noise(noise_db)
            self._record()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def env(self) -> dict[str, str]:
        """Return the environment for a process that lives in this room."""
        return os.environ | {
            "PULSE_SERVER": f"unix:{self._folder}/native",
            "PULSE_RUNTIME_PATH": str(self._folder),
            "XDG_RUNTIME_DIR": str(self._folder),
        }

    @property
    def now_s(self) -> float:
        """The recording's length, s: the room's clock."""
        return (self._folder / "recording").stat().st_size / (4 * RATE)

    def play_to_mic(
        self, sound: Clip | Path, *, at_s: float | None = None, volume: float = 1.0
    ) -> subprocess.Popen[bytes]:
        """Play into the microphone; return the player, which ends with the sound.

        at_s: moment of the recording to begin at, give or take 50 ms; None for at once
        """
        clip = wav.read(sound, _ROOM_RATE) if isinstance(sound, Path) else sound
        clip = Clip(resample(clip, _ROOM_RATE).samples * np.float32(volume), _ROOM_RATE)
        self._made += 1
        path = self._folder / f"played-{self._made}.wav"
        wav.write(path, clip)
        if at_s is not None:
            self.wait(lambda: self.now_s >= at_s, within_s=at_s - self.now_s + 5.0)
        return self._spawn("paplay", "--device=mic_feed", "--latency-msec=20", str(path))

    def say(self, sound: Clip | Path, *, volume: float = 1.0) -> None:
        """Play into the microphone and return when all of it was heard."""
        self.play_to_mic(sound, volume=volume).wait(timeout=60.0)

    def recording(self) -> Recording:
        """Return everything heard so far."""
        data = (self._folder / "recording").read_bytes()
        frames = np.frombuffer(data[: len(data) // 4 * 4], "<i2").reshape(-1, 2)
        sound = frames.astype(np.float32) / 32768.0
        return Recording(mic=sound[:, 0].copy(), speaker=sound[:, 1].copy())

    def wait(self, true: Callable[[], bool], *, within_s: float = 10.0) -> None:
        """Return as soon as `true()` is; raise AssertionError after `within_s`."""
        deadline = time.monotonic() + within_s
        while not true():
            assert time.monotonic() < deadline, f"did not come true within {within_s:g} s"
            time.sleep(_TICK_S)

    def wait_for_speaker(self, *, after_s: float, within_s: float = 10.0) -> float:
        """Return when, s, the loudspeaker first sounds at or after `after_s`."""
        found: list[float] = []

        def sounds() -> bool:
            runs = self.recording().sounding("speaker")
            found[:] = [max(start, after_s) for start, end in runs if end > after_s]
            return bool(found)

        self.wait(sounds, within_s=within_s)
        return found[0]

    def wait_for_silence(self, *, for_s: float = 0.5, within_s: float = 30.0) -> float:
        """Return when, s, the loudspeaker fell silent, once it has been so for `for_s`."""
        last: list[float] = []

        def silent() -> bool:
            heard = self.recording()
            runs = heard.sounding("speaker")
            last[:] = [runs[-1][1] if runs else 0.0]
            return len(heard.speaker) / RATE - last[0] >= for_s

        self.wait(silent, within_s=within_s)
        return last[0]

    def unload_mic(self) -> None:
        """Pull the microphone's plug."""
        self._unload("mic")

    def load_mic(self) -> None:
        """Plug the microphone in; it is the default source."""
        self._load(
            "mic", "module-remap-source", "source_name=mic", "master=room.monitor", "remix=no",
            "channels=1", "channel_map=mono", "master_channel_map=front-left",
        )  # fmt: skip
        self._pactl("set-default-source", "mic")

    def unload_speaker(self) -> None:
        """Pull the loudspeaker's plug."""
        self._unload("speaker")

    def load_speaker(self) -> None:
        """Plug the loudspeaker in; it is the default sink."""
        self._load_sink("speaker", "rear-left")
        self._pactl("set-default-sink", "speaker")

    def kill_server(self) -> None:
        """End the server as a crash would."""
        self._server.kill()
        self._server.wait()

    def close(self) -> None:
        """End everything that lives in the room's server."""
        for child in reversed(self._children):
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout, child.stderr):
                if pipe is not None:
                    pipe.close()
        self._children.clear()

    def _start(self) -> None:
        self._server = self._spawn(
            "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
            "--realtime=no", "--high-priority=no", f"--log-target=file:{self._folder}/log",
            "-L", f"module-native-protocol-unix socket={self._folder}/native auth-anonymous=1",
        )  # fmt: skip
        self.wait(lambda: self._run("pactl", "info").returncode == 0)

    def _furnish(self) -> None:
        self._load(
            "room", "module-null-sink", "sink_name=room", f"rate={_ROOM_RATE}", "channels=4",
            "channel_map=front-left,front-right,rear-left,rear-right",
        )  # fmt: skip
        self._load_sink("mic_feed", "front-left")
        self.load_speaker()
        self.load_mic()

    def _load_sink(self, name: str, side: str) -> None:
        self._load(
            name, "module-remap-sink", f"sink_name={name}", "master=room", "remix=no",
            "channels=1", "channel_map=mono", f"master_channel_map={side}",
        )  # fmt: skip

    def _make_noise(self, noise_db: float) -> None:
        noise = np.random.default_rng(1).standard_normal(10 * _ROOM_RATE, np.float32)
        path = self._folder / "noise"
        path.write_bytes((noise * np.float32(10.0 ** (noise_db / 20.0))).tobytes())
        loop = subprocess.Popen(
            [*_leash(), "sh", "-c", f"while cat '{path}'; do :; done"],
            stdout=subprocess.PIPE,
        )
        self._children.append(loop)
        self._spawn(
            "pacat", "--playback", "--raw", "--device=mic_feed", "--format=float32le",
            "--channels=1", f"--rate={_ROOM_RATE}", "--latency-msec=50",
            stdin=loop.stdout,
        )  # fmt: skip

    def _record(self) -> None:
        path = self._folder / "recording"
        with path.open("wb") as file:
            self._spawn(
                "parec", "--raw", "--device=room.monitor", "--format=s16le", f"--rate={RATE}",
                "--channels=2", "--channel-map=front-left,rear-left", "--no-remix",
                "--latency-msec=20",
                stdout=file,
            )  # fmt: skip
        self.wait(lambda: path.stat().st_size > 0)

    def _spawn(self, *command: str, **pipes: object) -> subprocess.Popen[bytes]:
        child: subprocess.Popen[bytes] = subprocess.Popen(
            [*_leash(), *command],
            env=self.env(),
            **{"stderr": subprocess.DEVNULL, **pipes},  # type: ignore[call-overload]
        )
        self._children.append(child)
        return child

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=self.env(), capture_output=True, text=True, timeout=10, check=False
        )

    def _pactl(self, *arguments: str) -> str:
        done = self._run("pactl", *arguments)
        assert done.returncode == 0, f"pactl {' '.join(arguments)}: {done.stderr}"
        return done.stdout.strip()

    def _load(self, name: str, *module: str) -> None:
        self._modules[name] = self._pactl("load-module", *module)

    def _unload(self, name: str) -> None:
        self._pactl("unload-module", self._modules.pop(name))
