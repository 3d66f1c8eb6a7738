"""The scenarios, by subject. The import of a module declares its scenarios."""

from deployment.smoke.scenarios import rooms, messages, owner, hooks, page, limits  # noqa: F401, I001 - as they run
