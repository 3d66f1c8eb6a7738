"""Discrete-event simulation of the chat on AWS: what its parameters and AWS's quotas yield past one machine."""
