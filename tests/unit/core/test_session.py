"""One conversation, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from assistant.events import (
    MAIN,
    BargedIn,
    Cancel,
    Hear,
    Line,
    PhaseChanged,
    Prefill,
    Release,
    RequestDropped,
    Respond,
    Say,
    SessionEnded,
    Settle,
    TakeId,
    Transcribe,
    TurnEnded,
    TurnOpened,
    UtteranceTranscribed,
)
from assistant.session import Phase
from conversation import Walk


def kinds(events: Sequence[object]) -> list[type[object]]:
    return [type(event) for event in events]


def test_a_spoken_question_is_transcribed_answered_and_remembered() -> None:
    walk = Walk()
    walk.feed(walk.started())
    assert walk.phase() is Phase.LISTENING
    walk.after(1.0, walk.paused())
    assert walk.feed(walk.silence(592.0)) == []
    orders = walk.after(0.5, walk.silence(608.0))
    assert kinds(orders) == [TurnEnded, Transcribe, Release, PhaseChanged]
    orders = walk.after(0.1, walk.words(" Who are you? "))
    assert kinds(orders) == [TurnOpened, Respond, PhaseChanged]
    walk.answer("I am Nova.", "I keep you company.")
    assert walk.phase() is Phase.SPEAKING
    walk.after(2.0, walk.ended(clause=1, word=3))
    assert walk.phase() is Phase.IDLE
    assert walk.session.history == (
        Line("user", "Who are you?"),
        Line("assistant", "I am Nova. I keep you company."),
    )
    assert walk.found(Prefill)[-1].history == walk.session.history


def test_the_report_holds_every_step_of_the_turn_in_milliseconds() -> None:
    walk = Walk()
    walk.ask_aloud()
    walk.answer("I am Nova.")
    walk.after(1.0, walk.ended(word=2, heard_ms=900.0))
    (report,) = walk.reports
    ms = report.ms
    assert ms.pause_waited == pytest.approx(608)
    assert ms.transcribe == pytest.approx(100)
    assert ms.first_token == pytest.approx(100)
    assert ms.first_clause == pytest.approx(0)
    assert ms.first_sound == pytest.approx(100)
    assert ms.after_end == pytest.approx(300)
    assert ms.voice_to_voice == pytest.approx(608 + 300)
    assert report.heard == "Who are you?"
    assert report.reply == "I am Nova."
    assert report.cut_at is None
    assert report.cache_hit == 0.9
    assert report.takes.begun == report.takes.released == 1
    assert report.as_dict()["ms"]["transcribe"] == 100.0


def test_a_voice_that_only_breathes_is_one_utterance() -> None:
    walk = Walk()
    walk.feed(walk.started())
    walk.after(1.0, walk.paused(), walk.silence(300.0), walk.resumed())
    walk.after(1.0, walk.silence(700.0))
    assert walk.found(Transcribe) == []
    walk.feed(walk.paused(), walk.silence(608.0))
    assert len(walk.found(Transcribe)) == 1


def test_sound_without_words_opens_no_turn() -> None:
    walk = Walk()
    walk.ask_aloud(text="")
    assert walk.phase() is Phase.IDLE
    assert walk.found(TurnOpened) == []
    assert walk.reports == []
    assert len(walk.found(Settle)) == 1


def test_a_voice_that_goes_on_before_the_reply_is_heard_is_the_same_turn() -> None:
    walk = Walk()
    walk.ask_aloud("Turn on")
    first = walk.take
    orders = walk.after(0.2, walk.resumed())
    assert [(o.take, o.reason) for o in orders if isinstance(o, Cancel)] == [
        (first, "the user went on")
    ]
    walk.after(1.0, walk.paused(), walk.silence(608.0))
    walk.feed(walk.words("Turn on the kitchen light."))
    assert walk.turn == 1
    walk.answer("Done.")
    walk.after(1.0, walk.ended(word=0))
    (report,) = walk.reports
    assert report.heard == "Turn on the kitchen light."
    assert report.takes.begun == 2
    assert report.ms.transcribe is not None
    assert report.ms.transcribe >= 0.0
    assert [line.text for line in walk.session.history] == ["Turn on the kitchen light.", "Done."]
    assert len(walk.found(TurnOpened)) == 1


def test_what_the_loudspeaker_still_tells_of_a_cancelled_take_changes_nothing() -> None:
    walk = Walk()
    walk.ask_aloud("Turn on")
    walk.answer("Done.")
    dead = walk.take
    walk.after(0.2, walk.resumed())
    before = walk.session
    walk.feed(walk.ended(completed=False, take=dead))
    assert walk.session == before


def test_the_utterance_settles_once_the_reply_is_really_heard() -> None:
    walk = Walk()
    walk.ask_aloud()
    walk.answer("I am Nova.", "I keep you company.")
    assert walk.after(0.2, walk.played(0, 0, 150.0)) == []
    assert walk.after(2.0, walk.played(0, 1, 280.0)) == []
    assert kinds(walk.after(0.2, walk.played(0, 2, 420.0))) == [Settle]
    assert walk.after(0.2, walk.played(1, 0, 600.0)) == []


def test_a_voice_over_the_reply_cuts_it_at_the_last_word_heard() -> None:
    walk = Walk()
    walk.ask_aloud()
    walk.answer("I am Nova.", "I keep you company.")
    walk.after(2.0, walk.played(0, 2, 420.0))
    take = walk.take
    orders = walk.after(0.3, walk.started())
    assert kinds(orders) == [Cancel, BargedIn, PhaseChanged]
    assert walk.phase() is Phase.LISTENING
    walk.feed(walk.ended(completed=False, clause=1, word=1, heard_ms=800.0, take=take))
    (report,) = walk.reports
    assert report.reply == "I am Nova. I keep"
    assert report.cut_at is not None
    assert (report.cut_at.word, report.cut_at.ms) == ("keep", 800.0)
    walk.after(1.0, walk.paused(), walk.silence(608.0))
    walk.feed(walk.words("And then?"))
    respond = walk.found(Respond)[-1]
    assert respond.cut_short
    assert respond.history[-1] == Line("assistant", "I am Nova. I keep")


def test_a_cut_that_the_loudspeaker_never_reports_is_closed_with_what_is_known() -> None:
    walk = Walk()
    walk.ask_aloud()
    walk.answer("I am Nova.", "I keep you company.")
    walk.after(2.0, walk.played(0, 2, 420.0), walk.started())
    assert walk.reports == []
    walk.after(3.0, walk.tick())
    assert walk.reports[0].reply == "I am Nova."


def test_without_barge_in_voices_over_the_reply_are_let_go() -> None:
    walk = Walk.ruled(barge_in=False)
    walk.ask_aloud()
    walk.answer("I am Nova.")
    walk.after(2.0, walk.played(0, 2, 420.0))
    assert walk.feed(walk.started()) == []
    assert kinds(walk.feed(walk.paused())) == [Settle]
    assert walk.phase() is Phase.SPEAKING


def test_a_failed_engine_is_apologised_for_and_the_next_turn_works() -> None:
    walk = Walk()
    walk.ask_aloud()
    failed_take = walk.take
    orders = walk.after(0.1, walk.failed())
    assert kinds(orders) == [Cancel, Say, Release]
    assert walk.take > failed_take
    walk.feed(walk.voiced(0, "Sorry."), walk.all_voiced(1), walk.playing())
    walk.after(1.0, walk.ended())
    (report,) = walk.reports
    assert report.handled_by == "apology"
    assert report.error == "llm was killed by signal 9"
    assert walk.session.history == (Line("user", "Who are you?"),)
    walk.ask_aloud("And now?")
    assert walk.phase() is Phase.THINKING


def test_a_reply_that_fails_halfway_is_remembered_as_far_as_it_was_heard() -> None:
    walk = Walk()
    walk.ask_aloud()
    walk.answer("I am Nova.", "I keep you company.")
    walk.after(1.0, walk.played(0, 2, 600.0), walk.failed())
    walk.feed(walk.voiced(0, "Sorry."), walk.all_voiced(1), walk.playing())
    walk.after(1.0, walk.ended())
    assert walk.session.history[-1] == Line("assistant", "I am Nova.")
    assert walk.reports[0].reply == "I am Nova. Sorry."


def test_an_apology_that_fails_too_ends_the_turn() -> None:
    walk = Walk()
    walk.ask_aloud()
    walk.feed(walk.failed("llm is gone"))
    walk.feed(walk.failed("tts is gone"))
    assert walk.phase() is Phase.IDLE
    assert walk.reports[0].error == "llm is gone"


def test_no_answer_in_time_is_a_failure() -> None:
    walk = Walk()
    walk.ask_aloud()
    assert walk.after(29.0, walk.tick()) == []
    assert Say in kinds(walk.after(2.0, walk.tick()))


def test_while_the_model_loads_the_question_is_kept_and_one_moment_is_said_once() -> None:
    walk = Walk()
    walk.feed(walk.crashed("llm"), walk.crashed("stt"))
    walk.ask_aloud()
    asides = [say for say in walk.found(Say) if say.aside]
    assert [say.text for say in asides] == ["One moment."]
    assert walk.after(60.0, walk.tick()) == []
    orders = walk.feed(walk.ready("llm"))
    assert kinds(orders) == [Prefill]
    walk.feed(walk.voiced(0, "One moment.", aside=True), walk.playing())
    walk.after(0.5, walk.played(0, 1, 350.0))
    walk.feed(walk.delta("I am Nova."), walk.written(1, "I am Nova."))
    walk.feed(walk.voiced(1, "I am Nova."), walk.all_voiced(2))
    walk.after(0.4, walk.played(1, 0, 500.0))
    walk.after(1.0, walk.ended(clause=1, word=2))
    assert walk.reports[0].reply == "I am Nova."
    assert walk.reports[0].ms.first_sound == pytest.approx(250)


def test_an_audio_process_that_ends_closes_the_turn_with_what_was_heard() -> None:
    walk = Walk()
    walk.ask_aloud()
    walk.answer("I am Nova.", "I keep you company.")
    walk.after(1.0, walk.played(0, 2, 600.0), walk.fault("audio_gone"))
    assert walk.phase() is Phase.IDLE
    assert walk.reports[0].reply == "I am Nova."


@pytest.mark.parametrize("code", ["microphone_lost", "backlog_dropped"])
def test_a_voice_that_is_lost_in_mid_utterance_leaves_it_listening_at_once(code: str) -> None:
    walk = Walk()
    walk.feed(walk.started())
    walk.feed(walk.fault(code))
    assert walk.phase() is Phase.IDLE
    walk.ask_aloud()
    walk.answer("I am Nova.")
    walk.feed(walk.fault(code))
    assert walk.phase() is Phase.SPEAKING


def test_a_typed_question_is_answered_and_one_while_busy_waits() -> None:
    walk = Walk()
    walk.feed(walk.request("ask", "Who are you?", name="a"))
    assert walk.phase() is Phase.THINKING
    assert walk.feed(walk.request("ask", "And you?", name="b")) == []
    walk.answer("I am Nova.")
    walk.after(1.0, walk.ended(word=2))
    assert walk.phase() is Phase.THINKING
    assert walk.found(TurnOpened)[-1].request == "b"
    assert walk.reports[0].request == "a"
    assert walk.reports[0].ms.voice_to_voice is None


def test_an_answer_that_is_only_shown_closes_with_its_text() -> None:
    walk = Walk()
    walk.feed(walk.request("ask", "Who are you?", aloud=False))
    walk.feed(walk.delta("I am Nova."), walk.delta("", last=True))
    assert walk.reports[0].reply == "I am Nova."
    assert walk.phase() is Phase.IDLE


def test_saying_needs_no_model_and_is_remembered() -> None:
    walk = Walk()
    walk.feed(walk.request("say", "Dinner is ready."))
    assert walk.found(Respond) == []
    walk.feed(walk.written(0, "Dinner is ready."), walk.voiced(0, "Dinner is ready."))
    walk.feed(walk.all_voiced(1), walk.playing())
    walk.after(1.0, walk.ended(word=2))
    assert walk.reports[0].handled_by == "local"
    assert walk.session.history == (Line("assistant", "Dinner is ready."),)


def test_a_reply_with_nothing_to_speak_closes_the_turn() -> None:
    walk = Walk()
    walk.ask_aloud()
    walk.feed(walk.delta("", last=True), walk.all_voiced(0))
    assert walk.phase() is Phase.IDLE
    assert walk.reports[0].reply is None


@pytest.mark.parametrize(("kind", "text", "reason"), [("ask", "  ", "empty"), ("say", "", "empty")])
def test_an_empty_request_is_refused(kind: str, text: str, reason: str) -> None:
    walk = Walk()
    walk.feed(walk.request("ask" if kind == "ask" else "say", text))
    assert [d.reason for d in walk.found(RequestDropped)] == [reason]


def test_more_requests_than_fit_are_refused_and_not_lost() -> None:
    walk = Walk()
    for n in range(12):
        walk.feed(walk.request("ask", "Hello?", name=str(n)))
    assert [d.request for d in walk.found(RequestDropped)] == ["9", "10", "11"]
    assert {d.reason for d in walk.found(RequestDropped)} == {"busy"}


def test_stop_silences_empties_the_queue_and_leaves_it_listening() -> None:
    walk = Walk()
    walk.feed(walk.request("ask", "Who are you?", name="a"))
    walk.feed(walk.request("ask", "And you?", name="b"))
    walk.answer("I am Nova.")
    take = walk.take
    orders = walk.after(1.0, walk.request("stop", name="c"))
    assert Cancel in kinds(orders)
    assert [d.request for d in walk.found(RequestDropped)] == ["b"]
    assert walk.phase() is Phase.IDLE
    walk.feed(walk.ended(completed=False, clause=0, word=0, take=take))
    assert walk.reports[0].reply == "I"
    walk.ask_aloud("Hello.")
    assert walk.phase() is Phase.THINKING


def test_in_push_mode_a_voice_counts_only_after_listen() -> None:
    walk = Walk.ruled(open_microphone=False)
    assert walk.feed(walk.started()) == []
    assert kinds(walk.feed(walk.paused())) == [Settle]
    walk.feed(walk.request("listen", name="l"))
    walk.ask_aloud()
    assert walk.found(TurnOpened)[0].request == "l"
    walk.answer("I am Nova.")
    walk.after(1.0, walk.ended(word=2))
    assert walk.reports[0].request == "l"
    assert walk.feed(walk.started()) == []


def test_listen_speaks_its_prompt_first_and_ends_when_nobody_answers() -> None:
    walk = Walk.ruled(open_microphone=False)
    walk.feed(walk.request("listen", "What shall I buy?", name="l"))
    assert [say.text for say in walk.found(Say)] == ["What shall I buy?"]
    walk.feed(walk.voiced(0, "What shall I buy?"), walk.all_voiced(1), walk.playing())
    walk.after(5.0, walk.ended(word=3))
    assert walk.found(RequestDropped) == []
    walk.after(9.0, walk.tick())
    assert [(d.request, d.reason) for d in walk.found(RequestDropped)] == [("l", "timeout")]


def test_a_file_waits_for_the_conversation_while_a_take_is_open() -> None:
    walk = Walk.ruled(paced=True)
    walk.feed(walk.started())
    assert kinds(walk.feed(walk.paused())) == [Hear]
    assert kinds(walk.feed(walk.silence(300.0))) == [Hear]
    assert Hear not in kinds(walk.feed(walk.silence(608.0)))
    walk.feed(walk.words("Who are you?"))
    walk.answer("I am Nova.")
    orders = walk.after(1.0, walk.ended(word=2))
    assert [k for k in kinds(orders) if k in (Settle, Hear)] == [Settle, Hear]
    assert kinds(walk.feed(walk.source_ended())) == [SessionEnded]


def test_a_file_that_ends_while_the_answer_sounds_ends_the_session_after_it() -> None:
    walk = Walk()
    walk.ask_aloud()
    walk.answer("I am Nova.")
    assert walk.feed(walk.source_ended()) == []
    assert SessionEnded in kinds(walk.after(1.0, walk.ended(word=2)))


def test_facts_of_a_take_that_is_not_the_newest_change_nothing() -> None:
    walk = Walk()
    walk.ask_aloud()
    before = walk.session
    walk.feed(UtteranceTranscribed(session=MAIN, turn=walk.turn, take=TakeId(99), text="x"))
    assert walk.session == before


def test_a_long_history_loses_its_oldest_half_at_once() -> None:
    walk = Walk()
    for n in range(80):
        walk.feed(walk.request("say", f"{n} " + "word " * 20))
        walk.feed(walk.voiced(0, f"{n} " + "word " * 20), walk.all_voiced(1), walk.playing())
        walk.after(1.0, walk.ended(word=20))
    texts = [line.text for line in walk.session.history]
    assert sum(map(len, texts)) <= 5000
    assert texts[-1].startswith("79 ")
    assert [int(t.split()[0]) for t in texts] == list(range(80 - len(texts), 80))


def test_a_listen_that_waits_is_answered_before_another_one_takes_its_place() -> None:
    walk = Walk()
    walk.feed(walk.request("listen", name="first"))
    walk.feed(walk.request("listen", "Well?", name="second"))
    assert [(d.request, d.reason) for d in walk.found(RequestDropped)] == [("first", "stopped")]


def test_the_time_of_listen_begins_when_its_prompt_was_spoken() -> None:
    walk = Walk.ruled(open_microphone=False)
    walk.feed(walk.request("listen", "A very long prompt.", name="l"))
    walk.feed(walk.voiced(0, "A very long prompt."), walk.all_voiced(1), walk.playing())
    walk.after(15.0, walk.ended(word=3))
    walk.after(7.0, walk.tick())
    assert walk.found(RequestDropped) == []
    walk.after(2.0, walk.tick())
    assert [d.reason for d in walk.found(RequestDropped)] == ["timeout"]


def test_a_turn_that_apologised_and_goes_on_is_an_ordinary_turn_again() -> None:
    walk = Walk()
    walk.ask_aloud("Turn on")
    walk.feed(walk.failed())
    walk.after(0.2, walk.resumed())
    walk.after(1.0, walk.paused(), walk.silence(608.0))
    walk.feed(walk.words("Turn on the light."))
    walk.answer("Done.")
    walk.after(1.0, walk.ended(word=0))
    assert (walk.reports[0].handled_by, walk.reports[0].error) == ("model", None)
    assert walk.session.history[-1] == Line("assistant", "Done.")


def test_in_push_mode_a_voice_does_not_cut_a_typed_question() -> None:
    walk = Walk.ruled(open_microphone=False)
    walk.feed(walk.request("ask", "Who are you?"))
    assert walk.feed(walk.started()) == []
    assert walk.phase() is Phase.THINKING


def test_requests_wait_for_sound_that_is_starting_but_not_for_ever() -> None:
    walk = Walk()
    walk.feed(walk.crashed("audio"), walk.request("say", "Dinner.", name="s"))
    assert walk.found(Say) == []
    walk.feed(walk.ready("audio"))
    assert [say.text for say in walk.found(Say)] == ["Dinner."]
    other = Walk()
    other.feed(other.crashed("audio"), other.request("say", "Dinner.", name="s"))
    other.feed(replace(other.crashed("audio"), given_up=True))
    assert [say.text for say in other.found(Say)] == ["Dinner."]


def test_a_question_after_stop_knows_what_was_heard_before_it() -> None:
    walk = Walk()
    walk.ask_aloud()
    walk.answer("I am Nova.", "I keep you company.")
    walk.after(1.0, walk.played(0, 2, 600.0), walk.request("stop", name="x"))
    walk.feed(walk.request("ask", "And then?", name="a"))
    assert walk.found(Respond)[-1].history[-1] == Line("assistant", "I am Nova.")


def test_one_endless_line_cannot_fill_the_prompt() -> None:
    walk = Walk()
    text = "word " * 4000
    walk.feed(walk.request("say", text))
    walk.feed(walk.voiced(0, text), walk.all_voiced(1), walk.playing())
    walk.after(1.0, walk.ended(word=3999))
    assert len(walk.session.history[0].text) < 2100
    assert walk.reports[0].reply == text.strip()
