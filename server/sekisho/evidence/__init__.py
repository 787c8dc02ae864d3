"""What the gate reads besides runs: cards now; assessments, scans and imports will stand here too."""
