"""Delivery of one payload to many WebSocket connections. This package does not read or change rooms."""
