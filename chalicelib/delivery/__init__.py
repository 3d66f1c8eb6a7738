"""Delivery of one payload to many WebSocket connections. Nothing in this package knows what a room is."""
