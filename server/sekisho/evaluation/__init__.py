"""Suites, scorers, statistics, the runner, reports: what a version does, measured case by case."""
