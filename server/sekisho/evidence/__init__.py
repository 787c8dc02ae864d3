"""What the gate reads besides runs: cards, attested documents, licence scans."""
