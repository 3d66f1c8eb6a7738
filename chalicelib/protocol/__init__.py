"""The JSON of the REST and WebSocket APIs."""
