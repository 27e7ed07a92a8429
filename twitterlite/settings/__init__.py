"""Settings per environment; `base` holds everything they share."""
