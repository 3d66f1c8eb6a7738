"""The chat: rooms, members, messages, moderation, webhooks, and the delivery of frames to a room."""
