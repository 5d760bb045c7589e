"""Restricted YAML: one document of mappings, lists and strings, and where each stood.

No anchors, aliases or tags; no key twice; every scalar stays the text that was written, so that
`no`, `12:30` and `007` are themselves.
"""

from __future__ import annotations

from typing import Any

import yaml

from assistant.personas.findings import TOP, Finding, Mark, Path, dotted

MAX_DEPTH = 32

Tree = dict[str, "Tree"] | list["Tree"] | str


class _Refused(Exception):
    """The document uses what is not allowed here."""

    def __init__(self, text: str, mark: Mark) -> None:
        super().__init__(text)
        self.finding = Finding(mark, text)


class _Reader(yaml.SafeLoader):
    """Composes nodes and refuses what lies outside the restricted language."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose one node; parent and index are PyYAML's."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call] # PyYAML has none
        mark = _mark(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            raise _Refused("'*' begins an alias, which is not allowed; quote the text", mark)
        if event.anchor is not None:
            raise _Refused("'&' begins an anchor, which is not allowed; quote the text", mark)
        if event.tag is not None:
            raise _Refused("'!' begins a tag, which is not allowed; quote the text", mark)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _Refused(f"nested deeper than {MAX_DEPTH} levels", mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


class Document:
    """What a file holds; `findings` tells what could not be taken over."""

    def __init__(self) -> None:
        self.tree: Tree | None = None
        self.marks: dict[Path, Mark] = {}
        self.findings: list[Finding] = []


def read_yaml(text: str) -> Document:
    """Return the tree of `text`, the mark of every path in it and what is wrong."""
    document = Document()
    try:
        reader = _Reader(text)
        node = reader.get_single_node()
    except _Refused as refused:
        document.findings.append(refused.finding)
    except yaml.reader.ReaderError as error:
        problem = f"the character U+{ord(text[error.position]):04X} is not allowed"
        document.findings.append(Finding(_at(text, error.position), problem))
    except yaml.MarkedYAMLError as error:
        document.findings.append(_syntax(error))
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        document.findings.append(Finding(TOP, f"not valid YAML: {error}"))
    else:
        if node is None:
            document.findings.append(Finding(TOP, "the file is empty"))
        else:
            document.tree = _tree(node, (), document)
    return document


def _tree(node: yaml.Node, path: Path, document: Document) -> Tree:
    document.marks.setdefault(path, _mark(node.start_mark))
    if isinstance(node, yaml.SequenceNode):
        return [_tree(item, (*path, index), document) for index, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return str(node.value)
    found: dict[str, Tree] = {}
    for key, value in node.value:
        mark = _mark(key.start_mark)
        if not isinstance(key, yaml.ScalarNode):
            hint = "a key must be text; put text that begins with '{' in quotes"
            document.findings.append(Finding(mark, hint))
            continue
        name = str(key.value)
        here = (*path, name)
        if name in found:
            first = document.marks[here].line
            twice = f"{dotted(here)}: the key is there twice, first in line {first}"
            document.findings.append(Finding(mark, twice))
            continue
        document.marks[here] = mark
        found[name] = _tree(value, here, document)
    return found


def _syntax(error: yaml.MarkedYAMLError) -> Finding:
    mark = error.problem_mark or error.context_mark
    text = " ".join(filter(None, (error.context, error.problem)))
    hint = "text that holds {{...}} or ': ' or begins with a mark needs quotes"
    return Finding(_mark(mark) if mark else TOP, f"not valid YAML: {text}; {hint}")


def _mark(mark: yaml.Mark) -> Mark:
    return Mark(mark.line + 1, mark.column + 1)


def _at(text: str, position: int) -> Mark:
    before = text[:position]
    return Mark(before.count("\n") + 1, position - before.rfind("\n"))
