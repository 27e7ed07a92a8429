"""Tests of apps.trends."""
