"""Whole flows through real processes."""
