"""`python -m benchmarks [NAME…]`: run all benchmarks or the named ones, and print what they measured."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from benchmarks.figures import NAMES, benchmark, machine, table
from benchmarks.isolation import run


def main(names: Sequence[str]) -> int:
    console = Console()
    if unknown := [name for name in names if name not in NAMES]:
        console.print(f"no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}", style="red")
        return 2
    failed = 0
    for name in names or NAMES:
        before = machine()
        with console.status(f"{name} …"):
            figures, trouble = run(name)
        console.print(table(f"\n{benchmark(name).TITLE} ({before})", figures))
        if trouble:
            console.print(f"{name}: {escape(trouble)}", style="red")
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
