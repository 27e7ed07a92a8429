"""The event log: appending, handing out, delivering, replaying."""
