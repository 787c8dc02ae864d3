"""What is governed: typed manifests, immutable versions, their registrations, lineage and stages."""
