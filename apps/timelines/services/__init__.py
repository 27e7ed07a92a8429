"""Verbs that change home timelines: fan out, rebuild, drop, repeat invalidations."""
