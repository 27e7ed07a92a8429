"""What every door to the web shares: edge, handler, errors, paging, pages."""
