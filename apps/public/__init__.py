"""The public face: feeds, embedding, maps for crawlers, what a browser installs, house pages."""
