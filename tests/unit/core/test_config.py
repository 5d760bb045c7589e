"""Every mistake in the file is told with its line, its key and the nearest name, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.config import Config, load, set_persona
from assistant.errors import ConfigError


def written(folder: Path, text: str) -> Path:
    path = folder / "lares.toml"
    path.write_text(text, encoding="utf-8")
    return path


def complaints(path: Path, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path, environ or {})
    return str(caught.value).splitlines()


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert load(tmp_path / "lares.toml", {}) == Config()


def test_all_mistakes_are_told_at_once_with_line_key_and_nearest_name(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '[session]\npersna = "leo"\npause_ms = "long"\n\n[audoi]\nmicrophone = "x"\n'
        "[mqtt]\nport = 99999\n",
    )
    no_number = "input should be a valid number, unable to parse string as a number"
    assert complaints(path) == [
        f"{path}:3: session.pause_ms: {no_number} (got 'long')",
        f"{path}:2: session.persna: unknown key; did you mean 'persona'?",
        f"{path}:8: mqtt.port: input should be less than or equal to 65535 (got 99999)",
        f"{path}:5: audoi: unknown key; did you mean 'audio'?",
    ]


def test_a_file_that_is_not_toml_says_where(tmp_path: Path) -> None:
    (line,) = complaints(written(tmp_path, "[session\n"))
    assert "not TOML" in line
    assert "line 1" in line


def test_the_environment_lies_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, '[session]\npersona = "nova"\n[stt]\nengine = "whisper"\n')
    config = load(
        path,
        {
            "LARES_SESSION__PERSONA": "leo",
            "LARES_SESSION__PAUSE_MS": "800",
            "LARES_SESSION__BARGE_IN": "false",
            "LARES_CONFIG_DIR": "/elsewhere",
            "LARES_LLM__CONTEXT": "4096",
            "OTHER": "x",
        },
    )
    assert config.session.persona == "leo"
    assert config.session.pause_ms == 800
    assert config.session.barge_in is False
    assert config.llm.engine == "llama"
    assert config.llm.options == {"context": 4096}


def test_a_mistake_in_the_environment_names_its_variable(tmp_path: Path) -> None:
    (line,) = complaints(tmp_path / "none.toml", {"LARES_SESSION__PAUSE_MS": "1"})
    assert line.startswith("LARES_SESSION__PAUSE_MS: session.pause_ms:")


def test_the_choice_of_persona_keeps_comments_and_everything_else(tmp_path: Path) -> None:
    text = '# mine\n[session]\n# who\npersona = "nova"  # she\n\n[audio]\nmicrophone = "USB"\n'
    path = written(tmp_path, text)
    set_persona(path, "leo")
    new = path.read_text(encoding="utf-8")
    assert new == text.replace('"nova"', '"leo"')
    assert load(path, {}).session.persona == "leo"


def test_the_choice_of_persona_makes_the_file_where_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "lares.toml"
    set_persona(path, "leo")
    assert load(path, {}).session.persona == "leo"


def test_a_broken_file_is_not_overwritten(tmp_path: Path) -> None:
    path = written(tmp_path, "[session\n")
    with pytest.raises(ConfigError, match="not TOML"):
        set_persona(path, "leo")
    assert path.read_text(encoding="utf-8") == "[session\n"


def test_options_of_engines_are_kept_for_the_engine(tmp_path: Path) -> None:
    path = written(tmp_path, '[llm]\nengine = "llama"\ncontext = 4096\n')
    assert load(path, {}).llm.options == {"context": 4096}


def test_a_section_that_is_no_table_is_told_whatever_the_environment_says(tmp_path: Path) -> None:
    path = written(tmp_path, "session = 5\n")
    (line,) = complaints(path, {"LARES_SESSION__PERSONA": "leo"})
    assert "session" in line
    with pytest.raises(ConfigError, match="is no table"):
        set_persona(path, "leo")


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    real = written(tmp_path, '[session]\npersona = "nova"\n')
    real.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to(real)
    set_persona(link, "leo")
    assert link.is_symlink()
    assert load(real, {}).session.persona == "leo"
    assert real.stat().st_mode & 0o777 == 0o640
