from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.engines.native.onnxfile import with_lengths


def field(number: int, value: bytes) -> bytes:
    assert len(value) < 128
    return bytes([number << 3 | 2, len(value)]) + value


def node(kind: bytes, output: bytes) -> bytes:
    return field(1, field(2, output) + field(4, kind))


def model(*nodes: bytes, outputs: tuple[bytes, ...] = (b"output",)) -> bytes:
    named = b"".join(field(12, field(1, name)) for name in outputs)
    return b"\x08\x08" + field(7, b"".join(nodes) + named)


def test_the_only_ceil_becomes_an_output() -> None:
    whole = model(node(b"Add", b"x"), node(b"Ceil", b"w_ceil"))
    assert with_lengths(whole) == whole + field(7, field(12, field(1, b"w_ceil")))
    assert with_lengths(with_lengths(whole)) == with_lengths(whole)


def test_other_models_stay_as_they_are() -> None:
    for other in (
        model(node(b"Add", b"x")),
        model(node(b"Ceil", b"a"), node(b"Ceil", b"b")),
        model(node(b"Ceil", b"a"), outputs=(b"output", b"a")),
        b"",
    ):
        assert with_lengths(other) == other


def test_a_cut_off_model_is_refused() -> None:
    with pytest.raises(ValueError, match="cut off"):
        with_lengths(model(node(b"Ceil", b"w"))[:-3])


@given(st.binary(max_size=60))
def test_any_bytes_come_back_or_are_refused(data: bytes) -> None:
    try:
        patched = with_lengths(data)
    except ValueError:
        return
    assert patched.startswith(data)
