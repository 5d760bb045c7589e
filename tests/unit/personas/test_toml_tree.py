from __future__ import annotations

import time

import pytest

from assistant.personas.toml_tree import read_toml


def test_tables_and_keys_are_found_where_they_stand() -> None:
    text = '-a = 1\n  [ b . "c" ] # why\n\td\t= 2\n[[ e ]]\n f.g=3\n'
    marks = {path: tuple(mark) for path, mark in read_toml(text).marks.items()}
    assert marks == {
        ("-a",): (1, 1),
        ("b", "c"): (2, 3),
        ("b", "c", "d"): (3, 2),
        ("e",): (4, 1),
        ("e", "f", "g"): (5, 2),
    }


@pytest.mark.parametrize("line", ["{}x", "[{}", "[ a{}x", "a{}x", "[a]{}x", "[[{}]"])
def test_the_effort_grows_with_the_length_of_a_line_not_faster(line: str) -> None:
    def seconds(length: int) -> float:
        text = f'a = """\n{line.format(" " * length)}\n"""\n'
        begun = time.process_time()
        read_toml(text)
        return time.process_time() - begun

    assert min(seconds(4000) for _ in range(3)) < 8 * min(seconds(1000) for _ in range(2)) + 0.001
