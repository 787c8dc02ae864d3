"""`python -m sekisho.cli`: how `sekisho up` starts its children, whatever PATH holds."""

from __future__ import annotations

from sekisho.cli import main

main(prog_name="sekisho")
