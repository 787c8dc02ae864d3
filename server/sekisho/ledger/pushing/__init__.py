"""Carrying signed checkpoints to places that the server's owner cannot rewrite."""
