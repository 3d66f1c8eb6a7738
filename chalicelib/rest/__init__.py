"""Requests over HTTP: routes, CORS, ETags, and the web page."""
