"""Events of WebSocket connections, and the actions that clients request."""
