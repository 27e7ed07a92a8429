"""Archives of X in every form since 2012: files in, neutral records out. Knows no database."""
