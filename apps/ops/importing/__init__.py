"""Bulk imports: files in, batches out, each batch one transaction with its place in the file."""
