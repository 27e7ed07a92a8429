"""Archives of X (Twitter) that people bring along: reading, taking in, giving back."""
