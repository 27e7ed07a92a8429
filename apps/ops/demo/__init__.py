"""The demo world: made-up people who say something worth reading."""
