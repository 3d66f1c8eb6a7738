"""Implementation of the chat. app.py contains its routes and handlers; docs/architecture.md describes the modules."""

import gc

# Imports allocate some hundred thousand objects that stay alive. With the default threshold of 700 allocations, garbage
# collection takes a tenth of a cold start (benchmarks/README.md).
gc.set_threshold(100_000)
