"""The foundation: engines, stores, event log, telemetry. It knows no tweet and no user."""
