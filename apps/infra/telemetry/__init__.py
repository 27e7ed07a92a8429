"""Seeing it: metrics, logs, health."""
