"""What keeps the service up when too much is asked of it: limits of how often."""
