"""The life of a policy: linted, tried, published, activated by two people, shadowed; and which one is in force."""
