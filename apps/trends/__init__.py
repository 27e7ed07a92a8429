"""What many people suddenly write of."""
