from __future__ import annotations

from pathlib import Path

import pytest

from assistant.engines.native.devicelog import Device, LogLines, cpu_warning, parse_device

LOGS = Path(__file__).parents[2] / "fixtures" / "logs"


@pytest.mark.parametrize(
    ("file", "device"),
    [
        ("whisper-cpu.txt", Device("cpu")),
        ("whisper-metal.txt", Device("metal", "Apple M2 Pro")),
        ("whisper-metal-refused.txt", Device("cpu")),
        ("whisper-cuda.txt", Device("cuda", "NVIDIA GeForce RTX 4070")),
        ("llama-cpu.txt", Device("cpu")),
        ("llama-metal.txt", Device("metal", "Apple M2 Pro", (31, 31))),
        ("llama-metal-old.txt", Device("metal", "Apple M1", (31, 31))),
        ("llama-metal-no-layers.txt", Device("cpu", "", (0, 31))),
        ("llama-cuda.txt", Device("cuda", "NVIDIA H200", (31, 31))),
    ],
)
def test_the_log_tells_the_device(file: str, device: Device) -> None:
    assert parse_device((LOGS / file).read_text(encoding="utf-8")) == device


def test_only_apple_silicon_that_wanted_its_gpu_is_warned() -> None:
    def warn(device: Device, *, system: str, machine: str, wanted: bool = True) -> bool:
        found = cpu_warning(device, wanted_gpu=wanted, system=system, machine=machine)
        return found is not None and "Metal" in found

    cpu, metal = Device("cpu"), Device("metal")
    assert warn(cpu, system="Darwin", machine="arm64")
    assert not warn(metal, system="Darwin", machine="arm64")
    assert not warn(cpu, system="Darwin", machine="arm64", wanted=False)
    assert not warn(cpu, system="Darwin", machine="x86_64")
    assert not warn(cpu, system="Linux", machine="x86_64")


def test_facts_have_the_device_its_layers_and_the_warning() -> None:
    assert Device("metal", "Apple M1", (31, 31)).facts(None) == {
        "device": "metal",
        "device_name": "Apple M1",
        "layers_on_gpu": 31,
        "layers": 31,
    }
    assert Device().facts("slow") == {"device": "cpu", "warning": "slow"}


def test_warnings_reach_standard_error_and_the_rest_is_only_kept(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = LogLines()
    log.add(2, "using Metal backend\n")
    log.add(3, "no memory\n")
    assert log.text == "using Metal backend\nno memory\n"
    assert capsys.readouterr().err == "no memory\n"
