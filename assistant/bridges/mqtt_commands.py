"""The MQTT contract: payloads into commands, outcomes into replies. Values in, values out."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.errors import RequestError
from assistant.events import RequestKind
from assistant.report import TurnReport

PAYLOAD_BYTES = 2**16
COMMANDS: tuple[RequestKind, ...] = get_args(RequestKind)

Status = Literal["accepted", "done", "failed", "rejected", "cancelled", "expired"]
TERMINAL: frozenset[Status] = frozenset({"done", "failed", "rejected", "cancelled", "expired"})

_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_REPLY_TOPIC = re.compile(r"lares/[a-z0-9_-]+/reply/[^+#\x00]+")


class Options(BaseModel):
    """The fields of a JSON payload; unknown ones are named in the reply's `warnings`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str = ""
    text: Annotated[str, Field(max_length=PAYLOAD_BYTES)] = ""
    """ask, say: the words. listen: spoken before listening, like `prompt`."""
    prompt: str = ""
    speak: bool = True
    """ask: whether the answer is spoken too."""
    timeout: Annotated[float, Field(ge=1, le=60)] = 8.0
    """listen: how long to wait for a voice, s."""
    expires: Annotated[float, Field(gt=0)] | None = None
    """A command that could not begin for so long is dropped, s."""
    reply_to: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One message, understood."""

    id: str
    kind: RequestKind
    text: str = ""
    aloud: bool = True
    timeout_s: float = 8.0
    expires_s: float | None = None
    reply_topic: str | None = None
    """None: `lares/<node>/reply/<id>`."""
    correlation: bytes | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a command stands."""

    status: Status
    reason: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


class Rejected(RequestError):
    """A payload that is no command; carries the id to answer to."""

    def __init__(self, ident: str, text: str) -> None:
        super().__init__(text)
        self.id = ident


def parse(
    kind: RequestKind,
    payload: bytes,
    *,
    content_type: str = "",
    expires_s: float | None = None,
    response_topic: str = "",
    correlation: bytes | None = None,
) -> Command:
    """Return the command in a message: a JSON object, or plain text as its main field.

    expires_s, response_topic, correlation, content_type: the properties of MQTT 5, which win over
    the fields of the same meaning. Raises Rejected.
    """
    ident = uuid.uuid4().hex
    if len(payload) > PAYLOAD_BYTES:
        raise Rejected(ident, f"the payload has {len(payload)} bytes; at most {PAYLOAD_BYTES}")
    fields = _fields(ident, payload, forced="json" in content_type)
    if isinstance(given := fields.get("id"), str) and given:
        if not _ID.fullmatch(given):
            raise Rejected(ident, "id: 1 to 64 letters, digits and any of _ . : -")
        ident = given
    try:
        options = Options.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Rejected(ident, f"{where}: {first['msg'].lower()}") from None
    text = options.text or (options.prompt if kind == "listen" else "")
    if kind in ("ask", "say") and not text.strip():
        raise Rejected(ident, "text: is empty")
    warnings = [f"unknown field {name!r}" for name in fields if name not in Options.model_fields]
    reply_topic = response_topic or options.reply_to
    if reply_topic and not _REPLY_TOPIC.fullmatch(reply_topic):
        warnings.append(f"reply topic {reply_topic!r} is not below lares/<node>/reply/")
        reply_topic = ""
    return Command(
        id=ident,
        kind=kind,
        text=text,
        aloud=options.speak,
        timeout_s=options.timeout,
        expires_s=expires_s if expires_s is not None else options.expires,
        reply_topic=reply_topic or None,
        correlation=correlation,
        warnings=tuple(warnings),
    )


def _fields(ident: str, payload: bytes, *, forced: bool) -> dict[str, Any]:
    try:
        text = payload.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise Rejected(ident, "the payload is not UTF-8") from None
    if text.startswith("{") or forced:
        try:
            found = json.loads(text or "{}")
        except (ValueError, RecursionError) as error:
            if forced:
                raise Rejected(ident, f"the payload is not JSON: {error}") from None
            found = None
        if isinstance(found, dict):
            return found
        if forced:
            raise Rejected(ident, "the payload is JSON, but no object")
    return {"text": text}


def of_report(report: TurnReport) -> Outcome:
    """Return the outcome of a turn that is over."""
    told = report.as_dict()
    data: dict[str, Any] = {"text": report.reply, "heard": report.heard, "persona": report.persona}
    data |= {"ms": told["ms"], "turn": report.turn}
    if report.error:
        return Outcome(status="failed", reason=report.error, data=data)
    if report.cut_at is not None:
        by_voice = report.barge_in is not None
        reason = "interrupted" if by_voice else "stopped"
        return Outcome(status="cancelled", reason=reason, data={**data, "cut_at": told["cut_at"]})
    return Outcome(status="done", data=data)


def reply(command_id: str, kind: str, outcome: Outcome, warnings: tuple[str, ...]) -> bytes:
    """Return the payload of a reply."""
    table: dict[str, Any] = {"id": command_id, "cmd": kind, "status": outcome.status}
    if outcome.reason:
        table["reason"] = outcome.reason
    if outcome.data:
        table["data"] = dict(outcome.data)
    if warnings:
        table["warnings"] = list(warnings)
    return json.dumps(table, ensure_ascii=False).encode()
