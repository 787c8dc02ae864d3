"""The evidence in the gate's input: what was measured, compared, qualified and written down."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from sekisho.gate.scalars import Bp, Closed, Count, Digest, Moment, Origin, Text, Word


class Interval(Closed, frozen=True, kw_only=True):
    """A mean with its confidence interval; the three are absent together, where nothing was scored.

    The pessimistic bounds are those that hold if every case that could not be scored is as bad as it can be.
    """

    n: Count
    mean_bp: Bp | UnsetType = UNSET
    low_bp: Bp | UnsetType = UNSET
    high_bp: Bp | UnsetType = UNSET
    pessimistic_low_bp: Bp | UnsetType = UNSET
    pessimistic_high_bp: Bp | UnsetType = UNSET


class Gap(Closed, frozen=True, kw_only=True):
    """The difference between the best and the worst group of an axis, with its interval."""

    gap_bp: Bp
    low_bp: Bp
    high_bp: Bp
    best: Word
    worst: Word
    n: Count
    paired: bool
    worst_cases: tuple[Word, ...]


class Flips(Closed, frozen=True, kw_only=True):
    """How often a score differs between variants of a case that should change nothing, and how often by itself.

    ``excess_bp`` is the difference, with its interval, over ``n`` of ``pairs`` pairs. Where nothing could be said it is
    absent, and ``unscored`` says why.
    """

    n: Count
    pairs: Count
    flip_bp: Bp | UnsetType = UNSET
    resample_bp: Bp | UnsetType = UNSET
    excess_bp: Bp | UnsetType = UNSET
    low_bp: Bp | UnsetType = UNSET
    high_bp: Bp | UnsetType = UNSET
    worst_pairs: tuple[Word, ...] = ()
    unscored: Text | UnsetType = UNSET


class Metric(Interval, frozen=True, kw_only=True):
    """``slices``: axis → group → interval. ``coverage_bp``: share of cases that could be scored."""

    scorer: Word | UnsetType = UNSET
    """Who gave it; absent where no scorer that is known gives a metric of this name."""
    coverage_bp: Bp
    slices: dict[Word, dict[Word, Interval]]
    gaps: dict[Word, Gap]
    flips: dict[Word, Flips] = msgspec.field(default_factory=dict)
    """By counterfactual axis of the suite; absent where it has none."""


class Controls(Closed, frozen=True, kw_only=True):
    """Cases whose verdict is known beforehand. ``allowed``: how many of them the suite lets a scorer miss."""

    planned: Count
    missed: Count
    allowed: Count
    missed_cases: tuple[Word, ...]


class Instrument(Closed, frozen=True, kw_only=True):
    """What a scorer measured with and can be wrong by itself: a judge with its family, a grounding head."""

    scorer: Word
    digest: Digest
    family: Text | UnsetType = UNSET


class RunBrief(Closed, frozen=True, kw_only=True):
    """What tells whether a run counts. ``suite``, ``dataset``, ``subject`` are digests."""

    id: Word
    suite: Digest
    dataset: Digest
    subject: Digest
    origin: Origin
    producer: Word | UnsetType = UNSET
    """The principal who asked for it, or, where it was not measured here, who brought or attested it."""
    state: Literal["finished", "inconclusive"]
    started_at: Moment | UnsetType = UNSET
    """Absent where no worker began it."""
    finished_at: Moment
    final_digest: Digest
    coverage_bp: Bp
    controls: Controls | UnsetType = UNSET
    """Absent where the suite carries no control cases."""


class RunEvidence(RunBrief, frozen=True, kw_only=True):
    """One evaluation of one version by one suite version."""

    suite_name: Word
    cases: Count
    scored: Count
    engine: dict[Word, Text]
    instruments: tuple[Instrument, ...]
    metrics: dict[Word, Metric]


Level = Annotated[int, Meta(ge=1, le=1_000_000)]
"""The probability, in millionths, that an interval misses the truth."""


class PoolEvidence(Closed, frozen=True, kw_only=True):
    """Several runs of one version by one suite as one estimate; policy checks that ``members`` are those it must be."""

    suite: Digest
    dataset: Digest
    subject: Digest
    members: tuple[Word, ...]
    """Ids of the runs, in the order of their ends; a run that repeats another to the byte is pooled once."""
    level_ppm: Level
    cases: Count
    scored: Count
    coverage_bp: Bp
    metrics: dict[Word, Metric]


class Abandoned(Closed, frozen=True, kw_only=True):
    """A run that ended without a result that counts: whoever decides should see how often it was tried."""

    id: Word
    suite: Digest
    suite_name: Word
    dataset: Digest
    state: Literal["inconclusive", "failed", "cancelled"]
    origin: Origin
    producer: Word
    done: Count
    planned: Count
    ended_at: Moment


class Recorded(Closed, frozen=True, kw_only=True):
    """How many runs of the subject by a suite the ledger says finished, and how many ended otherwise.

    With it, a run that is out of sight is noticed.
    """

    suite: Digest
    finished: Count
    abandoned: Count


class Bounds(Closed, frozen=True, kw_only=True):
    """An interval alone."""

    low_bp: Bp
    high_bp: Bp


class ComparisonEvidence(Closed, frozen=True, kw_only=True):
    """Paired difference under one suite: subject minus ``baseline``, in basis points.

    ``members`` and ``baseline_members`` are the runs of each that were pooled. ``levels`` holds the interval at
    ``level_ppm`` divided by 1, 2 …, the first being that of ``low_bp`` and ``high_bp``: policy takes Holm's steps on
    them. ``mcnemar_p_bp`` is a p-value, ``mde_bp`` the least difference that would have been seen.
    """

    suite: Digest
    baseline: Digest
    metric: Word
    diff_bp: Bp
    low_bp: Bp
    high_bp: Bp
    n: Count
    members: tuple[Word, ...]
    baseline_members: tuple[Word, ...]
    level_ppm: Level
    levels: tuple[Bounds, ...]
    mcnemar_p_bp: Bp | UnsetType = UNSET
    mde_bp: Bp | UnsetType = UNSET


class QualificationEvidence(Closed, frozen=True, kw_only=True):
    """How an instrument did on labelled cases: Cohen's kappa with its interval. ``labels`` is the labels' digest."""

    instrument: Digest
    name: Text
    labels: Digest
    n: Count
    scored: Count
    kappa_bp: Bp
    low_bp: Bp
    high_bp: Bp
    sensitivity_bp: Bp | UnsetType = UNSET
    specificity_bp: Bp | UnsetType = UNSET
    at: Moment
    origin: Origin


class OverlapEvidence(Closed, frozen=True, kw_only=True):
    """How many questions or expected answers of a dataset stand in a prompt, and questions in a corpus, as they are.

    ``dataset``, ``prompt`` and ``corpus`` are digests, ``method`` is that of how they were compared. ``untold`` cases
    are too short to be recognised. ``found`` names some of those that were.
    """

    id: Word
    dataset: Digest
    prompt: Digest
    corpus: Digest
    method: Digest
    origin: Origin
    principal: Word
    at: Moment
    cases: Count
    untold: Count
    in_prompt: Count
    in_corpus: Count
    found: tuple[Word, ...]


class CardFields(Closed, frozen=True, kw_only=True):
    """Which parts of a card are filled."""

    intended_use: bool
    limitations: bool
    risks: bool
    contact: bool
    affected_groups: bool
    evaluation: bool


class CardEvidence(Closed, frozen=True, kw_only=True):
    """A system card; ``subject`` is the digest of the system's version."""

    id: Word
    subject: Digest
    origin: Origin
    principal: Word
    created_at: Moment
    fields: CardFields


class LicenceFinding(Closed, frozen=True, kw_only=True):
    """What one place says of a licence. ``alternatives``: sets of SPDX licences that hold together, of which one set is
    enough; empty where nobody can say which licence ``said`` is. ``count`` places say the same, ``place`` is the first.
    """

    source: Literal["manifest", "document", "file", "package", "host"]
    place: Text
    said: Text
    alternatives: tuple[tuple[Word, ...], ...]
    count: Count


class LicenceEvidence(Closed, frozen=True, kw_only=True):
    """What a licence scan found about one version of the closure, ``subject``."""

    id: Word
    subject: Digest
    origin: Origin
    scanner: Word
    at: Moment
    findings: tuple[LicenceFinding, ...]


class AttestedEvidence(Closed, frozen=True, kw_only=True):
    """The newest document of a type about one version. ``has_role``: its giver still has the role he gave it in.

    ``content`` is the document's digest. ``licence`` is what a document of the type ``licence`` confirms, as
    alternatives of SPDX licences.
    """

    id: Word
    type: Word
    subject: Digest
    origin: Origin
    principal: Word
    role: Word
    has_role: bool
    at: Moment
    expires_at: Moment
    withdrawn: bool
    content: Digest
    licence: tuple[tuple[Word, ...], ...] = ()


class Evidence(Closed, frozen=True, kw_only=True):
    """What was measured, compared and written down. ``hash`` is what an approval must name.

    ``runs`` are all of the subject that came to a result, oldest first, whether they count or not.
    """

    hash: Digest
    runs: tuple[RunEvidence, ...]
    pools: tuple[PoolEvidence, ...]
    abandoned: tuple[Abandoned, ...]
    recorded: tuple[Recorded, ...]
    baseline_runs: tuple[RunBrief, ...]
    qualifications: tuple[QualificationEvidence, ...]
    comparisons: tuple[ComparisonEvidence, ...]
    cards: tuple[CardEvidence, ...]
    overlaps: tuple[OverlapEvidence, ...] = ()
    licences: tuple[LicenceEvidence, ...] = ()
    attested: tuple[AttestedEvidence, ...] = ()
