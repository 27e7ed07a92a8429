"""Verbs: uploads, their processing, their tweets, their end."""
