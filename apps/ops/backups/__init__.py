"""Backups: taking one of the running service, verifying it, restoring it."""
