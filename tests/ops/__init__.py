"""Tests of apps.ops."""
