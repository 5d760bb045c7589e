"""Packets survive any pipe; a child serves by urgency and never starts what was cancelled."""

from __future__ import annotations

import asyncio
import io
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.host import Jobs
from audio.wire import Packet, WireError, encode, read, read_async

names = st.text(min_size=1, max_size=8).filter(lambda n: n not in ("kind", "id", "bytes"))
values = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers())
packets = st.builds(
    Packet,
    kind=st.text(min_size=1, max_size=12),
    id=st.integers(),
    fields=st.dictionaries(names, values, max_size=4),
    payload=st.binary(max_size=200),
)


async def read_all_async(data: bytes) -> list[Packet]:
    stream = asyncio.StreamReader()
    stream.feed_data(data)
    stream.feed_eof()
    found: list[Packet] = []
    while (packet := await read_async(stream)) is not None:
        found.append(packet)
    return found


@given(st.lists(packets, max_size=5))
def test_packets_come_out_as_they_went_in_by_either_reader(sent: list[Packet]) -> None:
    data = b"".join(map(encode, sent))
    stream = io.BytesIO(data)
    assert [read(stream) for _ in sent] == sent
    assert read(stream) is None
    assert asyncio.run(read_all_async(data)) == sent


@given(st.binary(max_size=300))
def test_anything_else_is_a_wire_error_or_the_end(data: bytes) -> None:
    stream = io.BytesIO(data)
    with suppress(WireError):
        while read(stream) is not None:
            assert stream.tell() > 0
    with suppress(WireError):
        assert isinstance(asyncio.run(read_all_async(data)), list)


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (b'{"kind":"x","id":1,"bytes":99999999999}\n', "over the limit"),
        (b'{"kind":"x","id":1,"bytes":-1}\n', "over the limit"),
        (b'{"kind":"x","id":true,"bytes":0}\n', "not a packet head"),
        (b'{"kind":"x","id":1,"bytes":10}\nabc', "before the end of a payload"),
        (b"[" * 5000 + b"\n", "not a packet head"),
    ],
)
def test_a_broken_packet_says_what_is_wrong(head: bytes, says: str) -> None:
    with pytest.raises(WireError, match=says):
        read(io.BytesIO(head))


def test_a_field_may_not_take_a_reserved_name() -> None:
    with pytest.raises(ValueError, match="'bytes'"):
        encode(Packet("x", 1, {"bytes": 3}))


def request(ident: int, **fields: Any) -> Packet:
    return Packet("work", ident, fields)


def test_jobs_are_served_by_urgency_then_by_age() -> None:
    jobs = Jobs()
    for packet in (request(1, priority=2), request(2), request(3, priority=2), request(4)):
        jobs.put(packet)
    assert [job.id for _ in range(4) if (job := jobs.next())] == [2, 4, 1, 3]


def test_a_cancelled_job_says_so_and_an_unknown_one_is_forgotten() -> None:
    jobs = Jobs()
    jobs.put(request(1))
    jobs.cancel(1)
    jobs.cancel(77)
    job = jobs.next()
    assert job is not None
    assert jobs.cancelled(job.id)


def test_closing_ends_the_wait_and_cancels_what_runs() -> None:
    jobs = Jobs()
    jobs.put(request(1))
    assert not jobs.cancelled(1)
    jobs.close()
    assert jobs.cancelled(1)
    assert jobs.next() is None
