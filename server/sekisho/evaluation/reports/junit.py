"""A report as JUnit XML, as the parsers of CI servers read it: one suite of metrics, one of cases. Pure.

A metric is a test: it fails where it got worse than the baseline beyond doubt or a claim of it failed, is an error
where nothing can be said of it, and passes otherwise. A case is a test that fails where it fails a metric, and is
skipped where a metric could not be scored. A file of the worst cases lists those alone and says what it left out; one
of every case (`WholeJUnit`) lists those that are well too, and is written case by case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from sekisho.evaluation.reports import neutral
from sekisho.evaluation.reports.numbers import further
from sekisho.evaluation.reports.shape import CaseView, Report
from sekisho.evaluation.reports.verdict import claimed
from sekisho.evaluation.reports.words import difference, interval, share
from sekisho.kernel.clock import from_epoch_ms, iso

MAX_TEXT: Final = 4_000
_PROPERTIES: Final = (
    *("id", "state", "origin", "project", "suite", "dataset", "subject", "final_digest", "principal", "target"),
)
_TAGS: Final = {"failures": "failure", "errors": "error", "skipped": "skipped"}
_DECLARED: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_HERE: Final = "here"
"""The element in whose place the cases stand."""


def junit_of(report: Report) -> str:
    """The metrics, and those of the report's cases that fail or could not be scored."""
    root, cases = _frame(report)
    for case in report["cases"]:
        if case["failing"] or _missing(case):
            _case(cases, _cases_of(report), case)
    _left_out(cases, report)
    for element in (*root, root):
        _count(element, _tally(element.iter("testcase")))
    return _DECLARED + _text(root)


@dataclass(frozen=True, slots=True)
class WholeJUnit:
    """A file of every case: `of` each case, and when all are through, what stands `around` them.

    Every case is named with its scores; those that are `told` also with question, answer and what was flagged, since a
    hundred thousand answers make a file that no CI server takes.
    """

    report: Report
    told: Container[str]
    _counted: Counter[str] = field(default_factory=Counter, init=False)

    def of(self, case: CaseView) -> str:
        suite = Element("testsuite")
        test = _case(suite, _cases_of(self.report), case, told=case["case"] in self.told)
        self._counted.update(_tally([test]))
        return _text(test, level=2)

    def around(self) -> tuple[str, str]:
        """What stands before the cases and after them, with the totals of those that went through."""
        root, cases = _frame(self.report)
        metrics = _tally(root.iter("testcase"))
        SubElement(cases, _HERE)
        _told_in_full(cases, self.report)
        _count(root[0], metrics)
        _count(cases, self._counted)
        _count(root, metrics + self._counted)
        before, after = _text(root).split(f"    <{_HERE} />\n")
        return _DECLARED + before, after


def _frame(report: Report) -> tuple[Element, Element]:
    """A file with its metrics, and the suite for its cases."""
    run = report["run"]
    suite = f"{run['suite_name']}"
    name = f"sekisho: {run['subject_kind']}/{run['subject_name']} by {suite}"
    root = Element("testsuites", {"name": neutral.xml(name)})
    metrics = _suite(root, f"{suite}: metrics", report)
    for metric in sorted((run.get("summary") or {"metrics": {}})["metrics"]) or [""]:
        _metric(metrics, f"sekisho.{suite}.metrics", metric, report)
    return root, _suite(root, f"{suite}: cases", report)


def _text(element: Element, level: int = 0) -> str:
    indent(element, level=level)
    element.tail = "\n"
    return "  " * level + tostring(element, encoding="unicode")


def _cases_of(report: Report) -> str:
    return f"sekisho.{report['run']['suite_name']}.cases"


def _suite(root: Element, name: str, report: Report) -> Element:
    run = report["run"]
    started = run.get("started_at", run["created_at"])
    suite = SubElement(root, "testsuite", {"name": neutral.xml(name), "timestamp": iso(from_epoch_ms(started))})
    properties = SubElement(suite, "properties")
    known: Mapping[str, Any] = {**run}
    listed = [(f"run.{field}", known[field]) for field in _PROPERTIES if field in known]
    listed += [(f"engine.{part}", version) for part, version in run["engine"].items()]
    listed += [("baseline.id", report["comparison"]["baseline"]["id"])] if "comparison" in report else []
    for fact, value in listed:
        SubElement(properties, "property", {"name": neutral.xml(fact), "value": neutral.xml(str(value))})
    return suite


def _test(suite: Element, classname: str, name: str) -> Element:
    return SubElement(suite, "testcase", {"classname": neutral.xml(classname), "name": neutral.xml(name), "time": "0"})


def _say(test: Element, tag: str, kind: str, message: str, text: str = "") -> None:
    """A failure, an error or a skip of a test."""
    element = SubElement(test, tag, {"type": kind, "message": neutral.xml(neutral.clipped(message, 500))})
    if tag == "skipped":
        del element.attrib["type"]  # the schema that most parsers share gives it none
    if text:
        element.text = neutral.xml(text)


def _metric(suite: Element, classname: str, name: str, report: Report) -> None:
    """The test of one metric; of a run that has no metrics, the test that it has."""
    run = report["run"]
    test = _test(suite, classname, name or "the run was measured")
    if report["verdict"]["outcome"] in {"failed", "cancelled", "running"} or not name:
        _say(test, "error", run["state"], f"the run is {run['state']}: {run.get('reason', 'it has no result')}")
        return
    metric: Mapping[str, Any] = run["summary"]["metrics"][name]
    change: Mapping[str, Any] = report.get("comparison", {"metrics": {}})["metrics"].get(name, {})
    said = {claimed(part) for part in (metric, change)}
    facts = "\n".join(_facts(metric, change, report))
    if "fail" in said:
        _say(test, "failure", "claim", f"{name}: {interval(metric)}, a claim failed", facts)
    elif change.get("change") == "worse":
        _say(test, "failure", "worse", f"{name} got worse: {difference(change)} against the baseline", facts)
    elif "inconclusive" in said or change.get("change") == "unknown" or run["state"] == "inconclusive":
        reason = run.get("reason") or "too little is known to say anything"
        _say(test, "error", "inconclusive", f"{name} is inconclusive: {reason}", facts)
    SubElement(test, "system-out").text = neutral.xml(facts)


def _facts(metric: Mapping[str, Any], change: Mapping[str, Any], report: Report) -> Iterable[str]:
    at = report["methods"]
    yield f"mean {interval(metric)} of {metric['n']} cases ({at['mean']}, {at['interval']})"
    yield f"coverage {share(metric['coverage_bp'])} ({at['coverage']})"
    if "diff_bp" in change:
        yield f"difference {difference(change)} of {change['n']} pairs ({at['paired-difference']})"
    for number in (*further(metric), *further(change)):
        yield f"{number.name} {number.text} ({at[number.anchor]})"
    for axis, gap in metric.get("gaps", {}).items():
        reach = difference({**gap, "diff_bp": gap["gap_bp"]})
        yield f"gap by {axis}: {gap['best']} over {gap['worst']} {reach} ({at['gap']})"


def _missing(case: CaseView) -> Mapping[str, str]:
    """Why there is no score, by metric."""
    return {name: score["unscored"] for name, score in case["scores"].items() if "unscored" in score}


def _case(suite: Element, classname: str, case: CaseView, *, told: bool = True) -> Element:
    test = _test(suite, classname, case["case"])
    if case["failing"]:
        scores = ", ".join(f"{name} {case['scores'][name]['value']:.4g}" for name in case["failing"])
        _say(test, "failure", "score", f"{case['case']}: {scores}", _told(case) if told else "")
    elif missing := _missing(case):
        reasons = "; ".join(f"no {name}: {reason}" for name, reason in missing.items())
        _say(test, "skipped", "unscored", reasons)
    return test


def _told(case: CaseView) -> str:
    lines = [f"question: {case['question']}"]
    if "expected" in case:
        lines.append(f"expected: {case['expected']}")
    if "answer" in case:
        lines.append(f"answer: {case['answer']}")
    lines += [f"unsupported: {flag['text']} ({'; '.join(flag['reasons'])})" for flag in case["flags"]]
    lines += [
        f"passage {passage['rank']}: {passage.get('document', passage.get('chunk', ''))}"
        for passage in case["passages"]
    ]
    return neutral.clipped("\n".join(lines), MAX_TEXT)


def _left_out(suite: Element, report: Report) -> None:
    cut = report["cut"]
    if cut["shown"] < cut["total"]:
        left = cut["total"] - cut["shown"]
        told = f"the {cut['shown']} worst of {cut['total']} cases were looked at, {left} were not; without a number of "
        SubElement(suite, "system-out").text = f"{told}cases asked for (`cases`, `--max-cases`) the file has them all"


def _told_in_full(suite: Element, report: Report) -> None:
    cut = report["cut"]
    if cut["shown"] < cut["total"]:
        told = f"of {cut['total']} cases the {cut['shown']} worst are told with question and answer"
        SubElement(suite, "system-out").text = told


def _tally(tests: Iterable[Element]) -> Counter[str]:
    """How many tests there are, and how many of them failed in each way."""
    found: Counter[str] = Counter()
    for test in tests:
        found["tests"] += 1
        found.update(name for name, tag in _TAGS.items() if test.find(tag) is not None)
    return found


def _count(element: Element, found: Counter[str]) -> None:
    """The totals that a suite states of its tests."""
    for name in (*_TAGS, "tests"):
        element.set(name, str(found[name]))
    element.set("time", "0")
