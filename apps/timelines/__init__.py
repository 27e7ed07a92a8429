"""Who sees what, in what order. No table: only copies."""
