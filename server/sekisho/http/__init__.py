"""The REST door: assembles the rooms' controllers and maps errors to problem details."""
