"""Pictures: upload, processing, variants."""
