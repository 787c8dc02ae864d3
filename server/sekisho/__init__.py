"""Sekisho: the checkpoint between an LLM change and production.

The rooms of the package follow the life of a change and import only to their left::

    kernel <- ledger <- identity <- registry <- inference <- indexing <- evaluation
           <- evidence <- gate <- monitoring <- wiring <- http, web, worker, cli

``client`` stands apart: it is the light SDK that talks to a server.
"""

__version__ = "0.1.0"
