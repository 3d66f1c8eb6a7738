"""What app.py's routes and handlers do, a module for each noun."""

import gc

# Starting makes some hundred thousand objects, which all stay. Looking for garbage among them after every 700 took a
# tenth of a first message's time (benchmarks/README.md).
gc.set_threshold(100_000)
