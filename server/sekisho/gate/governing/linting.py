"""What can be said against a policy by reading it, before any engine sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sekisho.gate.catalog import EXTENSIONS, USER
from sekisho.gate.dialect import lint
from sekisho.gate.policies import PolicySet
from sekisho.kernel.errors import FieldError


def faults_of(policies: PolicySet, ours: PolicySet) -> tuple[FieldError, ...]:
    """Every fault of a policy that is to rest on the built-in rules of `ours`, by place.

    Users may add packages and choose parameters; a built-in rule that differs by a byte is a fault. The dialect holds
    for every package, whichever engine decides: trials, flips, shadows and the standby run on the embedded one.
    """
    return (*_touched(policies, ours), *_dialect(policies), *_unknown_rules(policies))


def _touched(policies: PolicySet, ours: PolicySet) -> Iterator[FieldError]:
    for mine, theirs in ((policies.files, ours.files), (policies.tests, ours.tests)):
        yield from _differing(mine, theirs)


def _differing(mine: Mapping[str, bytes], theirs: Mapping[str, bytes]) -> Iterator[FieldError]:
    for path in sorted({path for path in (*mine, *theirs) if not path.startswith(USER) and path != EXTENSIONS}):
        if path not in theirs:
            yield FieldError(path, "is in a package of Sekisho's own: packages of users are user.<name>, under user/")
        elif path not in mine:
            yield FieldError(path, "is a file of Sekisho's own, and is absent")
        elif mine[path] != theirs[path]:
            yield FieldError(
                path, "is a file of Sekisho's own, and was changed: change parameters in data.yaml instead"
            )


def _dialect(policies: PolicySet) -> Iterator[FieldError]:
    for found in lint({**policies.files, **policies.tests}):
        yield FieldError(f"{found.file}:{found.line}", found.message)


def _unknown_rules(policies: PolicySet) -> Iterator[FieldError]:
    """Settings of rules that nobody wrote: a misspelt id would leave the rule meant by it as it was."""
    known, parameters = {entry.id for entry in policies.catalog}, policies.parameters
    for name, stage in parameters.stages.items():
        for rule in sorted(stage.rules.keys() - known):
            yield FieldError(f"$.parameters.stages.{name}.rules.{rule}", "there is no such rule")
    for rule in sorted(set(parameters.waivers.waivable) - known):
        yield FieldError("$.parameters.waivers.waivable", f"there is no rule {rule}")
