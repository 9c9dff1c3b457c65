"""The read side over HTTP: query workers, SPARQL Protocol, pages, search."""
