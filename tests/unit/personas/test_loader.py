from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assistant.personas.findings import BrokenPersona
from assistant.personas.loader import MAX_BYTES, check, load

WHOLE = b"""\
schema: 1
name: Ada Marrow
nickname: Ada
aliases: [aida, the lamp keeper]
prompt:
  description: "{{char}} likes <USER>."
  after_history: {text: Be brief., place: last_user}
examples:
  - - user: no
    - char: 12:30
greeting: Gull Rock light.
voice: {engine: piper, model: 007, speed: 0.95, noise: 0.5}
llm: {sampling: {temperature: 0.8, seed: 7}, stop: ["\\nUser:"]}
speech: {max_sentences: 3}
"""

TOML = b"""\
schema = 1
name = "Ada"
examples = [[{user = "hi"}, {char = "hello"}]]
[voice]
model = "x"
speed = 1.5
"""


def found(data: bytes, file: str = "ada.yaml") -> list[str]:
    persona, findings = check(data, file)
    assert (persona is None) == bool(findings)
    return [str(finding) for finding in findings]


def test_a_whole_file_is_read_and_its_strings_stay_as_written() -> None:
    persona = load(WHOLE, "keepers/marrow.yaml")
    assert (persona.id, persona.called) == ("marrow", "Ada")
    assert persona.examples[0][0].user == "no"
    assert persona.examples[0][1].char == "12:30"
    assert persona.greeting == ("Gull Rock light.",)
    assert (persona.voice.model, persona.voice.speed) == ("007", 0.95)
    assert persona.llm.sampling.seed == 7
    assert persona.llm.stop == ("\nUser:",)


def test_toml_has_the_same_schema() -> None:
    persona = load(TOML, "ada.toml")
    assert (persona.id, persona.voice.speed) == ("ada", 1.5)
    assert persona.examples[0][1].char == "hello"


def test_schema_and_name_alone_make_a_persona() -> None:
    assert load(b"schema: 1\nname: Ada\n", "Ada the 2nd.yaml").id == "ada-the-2nd"


def test_everything_wrong_is_told_at_once_with_its_place() -> None:
    text = b"""\
schema: 1
nmae: Ada
name: Ada
name: Eve
voice: {enigne: piper, speed: fast, speaker: -1}
examples:
  - - usr: hi
    - {user: a, char: b}
  - nope
llm: no
prompt: {description: "{{usr}}"}
id: Not A Slug
"""
    assert found(text) == [
        "2:1: nmae: unknown key; did you mean 'name'?",
        "4:1: name: the key is there twice, first in line 3",
        "5:9: voice.enigne: unknown key; did you mean 'engine'?",
        "5:24: voice.speed: should be a number, not 'fast'",
        "5:37: voice.speaker: should be greater than or equal to 0, not '-1'",
        "7:7: examples[0][0].usr: unknown key; did you mean 'user'?",
        "8:7: examples[0][1]: one of 'user' and 'char', with what is said",
        "9:5: examples[1]: should be a list, not 'nope'",
        "10:1: llm: should be keys with values, not 'no'",
        "11:10: prompt.description: unknown macro {{usr}}; did you mean 'user'?",
        "12:1: id: should be small letters, digits, '-' and '_', 64 at most, not 'Not A Slug'",
    ]


def test_toml_findings_have_lines_too() -> None:
    text = b"schema = 1\nname = 'Ada'\n[voice]\nspeeed = 1\nspeed = 'x'\n"
    assert [line.split(": ")[:2] for line in found(text, "ada.toml")] == [
        ["4:1", "voice.speeed"],
        ["5:1", "voice.speed"],
    ]
    assert found(b"schema = 1\nname = \n", "ada.toml")[0].startswith("2:8: not valid TOML")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "1:1: the file is empty"),
        (b"- a\n", "1:1: a persona file begins with keys"),
        (b"name: Ada\n", "1:1: schema: is missing"),
        (b"schema: 2\nname: Ada\n", "1:1: schema: should be '1', not '2'"),
        (b"schema: 1\nname: ''\n", "2:1: name: String should have at least 1 character"),
        (b"name: &a Ada\n", "1:7: '&' begins an anchor"),
        (b"name: *a\n", "1:7: '*' begins an alias"),
        (b"greeting: *waves* hi\n", "1:17: not valid YAML: while scanning an alias"),
        (b"name: !!python/object:os.system x\n", "1:7: '!' begins a tag"),
        (b"scenario: {{user}} rings\n", "1:20: not valid YAML"),
        (b"name: Ada\n---\nname: Eve\n", "2:1: not valid YAML"),
        (b"[" * 50, "1:33: nested deeper than 32 levels"),
        (b"name: \xff", "1:7: byte 0xff is not UTF-8"),
        (b"a: b\nname: \x07", "2:7: the character U+0007 is not allowed"),
        (b'name: "\\UFFFFFFFF"', "1:1: not valid YAML"),
        (b"{a: b}: c", "1:1: a key must be text"),
        (b"x" * (MAX_BYTES + 1), "1:1: the file has 262145 bytes; at most 262144 are read"),
        (b'schema: 1\nname: "\\ud800"\n', "2:1: name: "),
    ],
)
def test_broken_files_are_told_where_and_what(data: bytes, told: str) -> None:
    assert any(line.startswith(told) for line in found(data)), found(data)


def test_load_raises_one_error_that_holds_all_findings() -> None:
    with pytest.raises(BrokenPersona) as caught:
        load(b"nam: Ada\nschema: 3\n", "ada.yaml")
    assert str(caught.value).splitlines() == [
        f"ada.yaml:{finding}" for finding in caught.value.findings
    ]
    assert len(caught.value.findings) == 3


SCRAPS = st.sampled_from(
    [
        "schema: 1\n",
        "name: ",
        "voice: ",
        "{",
        "}",
        "[",
        "]",
        "&a",
        "*a",
        "!!x ",
        "- ",
        "\n",
        "  ",
        "? ",
        ": ",
        "|",
        ">",
        '"',
        "'",
        "\\U",
        "\\x",
        "#",
        "---\n",
        "%YAML 9\n",
        "=",
        "[[a]]\n",
        "é",
    ]
)


@given(st.lists(SCRAPS, max_size=30).map(lambda scraps: "".join(scraps).encode()) | st.binary())
@example(b"a = " + b"[" * 5000)
@example(b"%TAG ! x\n--- !x")
def test_whatever_the_bytes_there_is_a_persona_or_a_finding(data: bytes) -> None:
    for file in ("a.yaml", "a.toml"):
        persona, findings = check(data, file)
        assert (persona is None) == bool(findings)
        assert all(finding.mark >= (1, 1) and finding.text for finding in findings)
