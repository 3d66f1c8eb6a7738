"""The chat behind the routes and handlers of app.py. docs/architecture.md describes its modules."""

import gc

# Imports allocate some hundred thousand objects that stay alive. With the default threshold of 700 allocations, garbage
# collection takes a tenth of a cold start (benchmarks/README.md).
gc.set_threshold(100_000)
