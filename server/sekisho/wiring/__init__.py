"""The one composition root: builds every room's service from the settings, for every door."""
