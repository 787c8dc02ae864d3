"""What every room stands on: errors, references, digests, clock, settings, database, queue."""
