"""Tags of pages that other sites read."""
