"""What the door promises: invariants of the verdict, bad input, bounds."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.evaluation.grounding import digest, ground
from sekisho.evaluation.grounding.terms import sentences
from tests.evaluation.grounding.contexts import CAFE, JAPANESE, PROSE


@pytest.mark.parametrize("context", [PROSE, JAPANESE])
def test_a_verbatim_copy_is_supported(context: str) -> None:
    """Each sentence of the context, and the whole of it, in both languages."""
    for start, end in sentences(context):
        assert not ground(context[start:end], context, "What is said?").hallucinated
    assert not ground(context, context).hallucinated


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("It carries 42 trains a day over the river Alder.", "It carries 57 trains a day over the river Alder.", "57"),
        (
            "The bridge was opened in 1931 by Clara Whitfield.",
            "The bridge was opened in 1931 by Clara Montague.",
            "Montague",
        ),
        ("The council of Dunmore bought cables.", "The council of Dunmore never bought cables.", ""),
    ],
)
def test_an_altered_number_name_or_polarity_raises_doubt(right: str, wrong: str, said: str) -> None:
    """And what was altered is pointed at, in the answer's own offsets."""
    before, after = ground(right, PROSE), ground(wrong, PROSE)
    assert after.probability >= before.probability
    assert after.sentences[0].probability >= before.sentences[0].probability
    if after.flagged and said:
        assert said in {wrong[span.start : span.end] for span in after.flagged[0].spans}


def test_an_invented_answer_is_flagged_with_its_reasons() -> None:
    """The number and the name that stand nowhere are named."""
    judged = ground("The tower was sold to Admiral Petrov for 900 gold coins.", PROSE)
    assert judged.hallucinated
    told = " ".join(judged.flagged[0].reasons)
    assert "the number 900 stands nowhere in the context" in told
    assert "Petrov" in told


@pytest.mark.parametrize(
    ("right", "wrong", "field"),
    [
        ("The Bluebird Cafe has no WiFi.", "The Bluebird Cafe has free WiFi.", "wifi"),
        ("It accepts reservations.", "It offers outdoor seating.", "outdoor seating"),
        ("It offers street parking.", "It offers valet parking.", "valet"),
    ],
)
def test_a_field_that_says_otherwise_raises_doubt(right: str, wrong: str, field: str) -> None:
    """The object's own values decide, and the reason names the field."""
    assert ground(wrong, CAFE).probability > ground(right, CAFE).probability
    flagged = ground(wrong, CAFE).flagged
    assert flagged
    assert field in " ".join(flagged[0].reasons)


def test_wrong_hours_raise_doubt() -> None:
    """Against the day's own field."""
    right = ground("On Monday it is open from 9 am to 5 pm.", CAFE)
    assert ground("On Monday it is open from 9 am to 8 pm.", CAFE).probability > right.probability


def test_text_list_and_object_are_all_contexts() -> None:
    """A list of passages is its passages joined; JSON text is its object."""
    answer = "It carries 42 trains a day."
    assert ground(answer, [PROSE]) == ground(answer, PROSE)
    assert ground("It has no WiFi.", json.dumps(CAFE)) == ground("It has no WiFi.", CAFE)


def test_japanese_is_judged_and_says_that_it_is_out_of_range() -> None:
    """By a rule, not calibrated; inventions are still flagged."""
    held, invented = ground("免除は30日で失効します。", JAPANESE), ground("東京の気温は明日35度になります。", JAPANESE)
    assert not held.calibrated
    assert "not calibrated" in (held.outside or "")
    assert not held.hallucinated
    assert invented.hallucinated


@pytest.mark.parametrize(
    "answer",
    [
        "Le pont a été ouvert en 1931 par une ingénieure dont personne ne connaît plus vraiment le nom aujourd'hui.",
        "Мост был открыт в 1931 году инженером по имени Клара, о которой мало что известно.",
    ],
)
def test_other_languages_claim_no_calibration(answer: str) -> None:
    """A probability there would be a guess, and is called one."""
    assert not ground(answer, PROSE).calibrated


def test_an_abstention_is_never_hallucinated() -> None:
    """Whatever its words."""
    judged = ground("The passages do not contain this.", PROSE)
    assert judged.verdict == "abstained"
    assert judged.probability == 0.0


@pytest.mark.parametrize("answer", ["…!", "\x00\x00", " \n "])
def test_an_answer_without_words_gives_no_sentences(answer: str) -> None:
    """The caller makes that Unscored."""
    assert ground(answer, PROSE).sentences == ()


def test_nul_bytes_change_nothing_around_them() -> None:
    """Offsets count them."""
    judged = ground("It carries\x00 42 trains a day over the river Alder.", PROSE.replace("1978", "19\x0078"))
    assert not judged.hallucinated


def test_the_same_input_gives_the_same_verdict_from_any_thread() -> None:
    """Eight threads over one context that none of them has seen."""
    context = PROSE + " Thread test."
    answer = "The bridge carries 42 trains. Pigeons own 12 of them."
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(ground(answer, context))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(judged == found[0] for judged in found)


def test_a_book_as_context_takes_bounded_time_and_memory() -> None:
    """200 pages, 100,000 words: seconds of a processor (others may have it meanwhile), and well under a gigabyte."""
    book = " ".join(f"In {1000 + i} the town of Place{i % 997} counted {i} houses." for i in range(12_500))
    tracemalloc.start()
    started = time.process_time()
    judged = ground("In 1500 the town of Place500 counted 500 houses.", book)
    spent, peak = time.process_time() - started, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert not judged.hallucinated
    assert spent < 60
    assert peak < 800_000_000


@pytest.mark.parametrize("answer", ["word " * 4000, "a" * 20_000, "1:1 " * 5000, "Anna " * 4000, "橋" * 20_000])
def test_a_long_answer_takes_bounded_time(answer: str) -> None:
    """20,000 characters without a full stop are one sentence, and still end."""
    started = time.process_time()
    ground(answer, PROSE)
    assert time.process_time() - started < 20


def test_importing_the_scorers_loads_nothing_heavy() -> None:
    """The API process lists scorers, and must stay small."""
    code = (
        "import sys, sekisho.evaluation.scorers; print([m for m in ('numpy', 'torch', 'sklearn') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_digest_names_head_and_vectors() -> None:
    """One string for the run's record."""
    assert digest().startswith("sha256:")
    assert digest() == digest()


@given(st.text(max_size=200), st.text(min_size=1, max_size=200))
@settings(deadline=None, max_examples=50)
def test_any_text_gives_probabilities_and_offsets_that_hold(answer: str, context: str) -> None:
    """Between 0 and 1, spans inside the answer, flagged only below its threshold."""
    judged = ground(answer, context)
    assert 0 <= judged.probability <= 1
    for sentence in judged.sentences:
        assert 0 <= sentence.probability <= 1
        assert answer[sentence.start : sentence.end] == sentence.text
        assert all(0 <= span.start < span.end <= len(answer) for span in sentence.spans)
        assert bool(sentence.reasons) is not sentence.supported
