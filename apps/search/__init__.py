"""Search: the query language. No table: it knows tweets only as documents."""
