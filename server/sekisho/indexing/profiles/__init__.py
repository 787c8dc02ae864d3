"""What a corpus is like, looked at before anything is built on it."""
