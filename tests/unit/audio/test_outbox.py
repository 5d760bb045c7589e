from __future__ import annotations

import io

from audio.outbox import Outbox
from audio.wire import Packet, read


def written(outbox: Outbox, pipe: io.BytesIO) -> list[str]:
    outbox.close()
    outbox.run()
    pipe.seek(0)
    kinds = []
    while (packet := read(pipe)) is not None:
        kinds.append(packet.kind)
    return kinds


def test_packets_leave_in_order() -> None:
    outbox = Outbox(pipe := io.BytesIO())
    for kind in ("ready", "voice", "ended"):
        outbox.put(Packet(kind, 0))
    assert written(outbox, pipe) == ["ready", "voice", "ended"]


def test_a_slow_reader_loses_levels_first_then_silence_then_the_oldest() -> None:
    outbox = Outbox(pipe := io.BytesIO(), size=3)
    for kind in ("silence", "level", "voice", "ended", "played", "playing"):
        outbox.put(Packet(kind, 0))
    assert written(outbox, pipe) == ["ended", "played", "playing"]
    assert outbox.dropped == 3


def test_a_reader_that_has_gone_ends_the_writing() -> None:
    pipe = io.BytesIO()
    pipe.close()
    outbox = Outbox(pipe)
    outbox.put(Packet("ready", 0))
    outbox.run()
