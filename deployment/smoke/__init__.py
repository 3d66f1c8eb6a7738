"""Smoke test: what a deployed chat has to do, as seen by its clients. `tests/localcloud/` runs the same scenarios."""
