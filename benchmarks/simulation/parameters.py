"""Every number of the simulation: the program's own parameters, AWS's quotas, prices, and assumptions.

The program's parameters are read from its modules, its page and its configuration, so that they cannot differ. A quota
names the title of its AWS page. What neither the program nor AWS states is marked as assumed. Times are in seconds.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from chalicelib import limits, settings
from chalicelib.chat import members, presence, ticks
from chalicelib.delivery import http_connection, http_pool, jobs
from deployment.config import PROJECT, RESOURCES
from deployment.limits import REST_LIMITS, WEBSOCKET_LIMITS


def _client_constant(module: str, name: str) -> int:
    """Return a constant of a module of the client library. It may be a product, such as 4 * 60_000."""
    source = (PROJECT / f"web/client/src/{module}.ts").read_text()
    found = re.search(rf"^const {name} = ([\d_ *]+);", source, re.MULTILINE)
    if found is None:
        raise ValueError(f"expected `const {name} = …;` in web/client/src/{module}.ts")
    return math.prod(int(factor) for factor in found[1].split("*"))


# The program
FANOUT_BATCH = settings.FANOUT_BATCH
PRESENCE_LIMIT = settings.PRESENCE_LIMIT
MAX_CONNECT_SECONDS = limits.MAX_CONNECT_SECONDS
MAX_CONNECTIONS = http_pool.MAX_CONNECTIONS
BROADCAST_TIMEOUT = http_pool.BROADCAST_TIMEOUT_SECONDS
MAX_POST_ATTEMPTS = http_pool.MAX_POST_ATTEMPTS
POST_BACKOFF = http_pool.BACKOFF_SECONDS
MAX_IDLE = http_connection.MAX_IDLE_SECONDS
MAX_BATCH_ATTEMPTS = jobs.MAX_BATCH_ATTEMPTS
BATCH_RETRY_DELAY = jobs.RETRY_DELAY_SECONDS

# scenarios.BEFORE is without ticks and presence frames, and with a client that does not spread its requests.
TICKS = True
FRAME_BYTES = limits.MAX_FRAME_BYTES
TICK_SECONDS = ticks.MIN_INTERVAL_SECONDS
TICK_RATE = ticks.POSTS_PER_SECOND
TICK_PACE = ticks.MAX_RATE
TICK_TAKEOVER = ticks.TAKEOVER_SECONDS
TICK_MESSAGES = limits.MAX_PAGE_SIZE
BATCH_SHARE = 1.0  # share of the connections with batch=1
PRESENCE_SINGLES, PRESENCE_WINDOW = presence.MAX_AT_ONCE, presence.WINDOW_SECONDS
PRESENCE_SLOT = presence.SLOT_SECONDS

_conflict_retry: Any = vars(members.rename)["retry"]
CONFLICT_BACKOFF = float(_conflict_retry.wait.multiplier)
CONFLICT_BACKOFF_LIMIT = float(_conflict_retry.wait.max)
CONFLICT_PATIENCE = float(_conflict_retry.stop.max_delay)

# The client library, with which the page is made
FIRST_PAUSE = _client_constant("backoff", "FIRST_DELAY_MS") / 1000
LONGEST_PAUSE = _client_constant("backoff", "MAX_DELAY_MS") / 1000
OPENING_LIMIT = _client_constant("connection", "OPEN_TIMEOUT_MS") / 1000
STEADY_AFTER = _client_constant("connection", "STEADY_AFTER_MS") / 1000
QUIET_PAUSE = _client_constant("connection", "QUIET_DELAY_MS") / 1000
# Failed handshakes after the first one before the page asks again why it is not admitted.
LOOK_AFTER = _client_constant("connection", "LOOK_AFTER")
INDEX_LAG = _client_constant("room", "INDEX_LAG_MS") / 1000
LATE_READ = _client_constant("room", "LATE_READ_MS") / 1000
WELCOME_TIMEOUT = _client_constant("room", "WELCOME_TIMEOUT_MS") / 1000
MAX_LISTED_MEMBERS = _client_constant("room", "MAX_LISTED_MEMBERS")
GAP_PATIENCE = _client_constant("history", "GAP_DELAY_MS") / 1000
GAP_JITTER = _client_constant("history", "GAP_JITTER_MS") / 1000
FIRST_PAGE = _client_constant("history", "PAGE")
MISSED_PAGE = _client_constant("history", "LONGEST_PAGE")
RECHECK = _client_constant("presence", "RECHECK_MS") / 1000
CROWD_PATIENCE = _client_constant("presence", "CROWD_DELAY_MS") / 1000
CROWD_JITTER = _client_constant("presence", "CROWD_JITTER_MS") / 1000
ECHO_PATIENCE = _client_constant("outbox", "ECHO_TIMEOUT_MS") / 1000
MOST_SENDS = _client_constant("outbox", "MAX_ATTEMPTS")
BEAT_EVERY = _client_constant("heartbeat", "BEAT_EVERY_MS") / 1000
BEAT_JITTER = _client_constant("heartbeat", "BEAT_JITTER_MS") / 1000 / BEAT_EVERY  # a share
SILENCE_LIMIT = _client_constant("heartbeat", "RESPONSE_TIMEOUT_MS") / 1000

# The deployment
REST_RATE, REST_BURST = REST_LIMITS["ThrottlingRateLimit"], REST_LIMITS["ThrottlingBurstLimit"]
WEBSOCKET_RATE, WEBSOCKET_BURST = WEBSOCKET_LIMITS["ThrottlingRateLimit"], WEBSOCKET_LIMITS["ThrottlingBurstLimit"]
_config = json.loads((PROJECT / ".chalice/config.json").read_text())
_functions = _config["lambda_functions"]
MEMORY_MB = {name: int(function["lambda_memory_size"]) for name, function in _functions.items()}
FUNCTION_TIMEOUT = {name: float(function["lambda_timeout"]) for name, function in _functions.items()}
_queue = json.loads((PROJECT / RESOURCES).read_text())["Resources"]["FanoutQueue"]["Properties"]
VISIBILITY_TIMEOUT = float(_queue["VisibilityTimeout"])
MAX_RECEIVES = int(_queue["RedrivePolicy"]["maxReceiveCount"])

# API Gateway. "Amazon API Gateway quotas": requests of all APIs of an account and Region, posts included.
ACCOUNT_RATE, ACCOUNT_BURST = 10_000, 5_000
# "Quotas for configuring and running a WebSocket API in API Gateway". The rate can be raised, the burst cannot.
NEW_CONNECTIONS_RATE, NEW_CONNECTIONS_BURST = 500, 500

# Lambda. "Understanding Lambda function scaling": invocations per second are limited to 10 per unit of concurrency.
# Its limit of 1,000 new environments per function in 10 seconds cannot bind below a concurrency of 1,000.
INVOCATIONS_PER_CONCURRENCY = 10
# "Configure Lambda function memory": 1,769 MB have one vCPU.
MEMORY_OF_ONE_CPU = 1_769
COLD_START = 0.7  # assumed; 0.2 s of it are imports and clients (results.md)

# SQS. "Configuring scaling behavior for SQS event source mappings": batches at a time, growth per second, maximum.
POLLERS, POLLERS_PER_SECOND, MAX_POLLERS = 5, 5, 1_250
# "Error handling for an SQS event source in Lambda": a throttled batch is retried until it becomes visible again.
THROTTLED_BATCH_RETRY = 1.0  # assumed
SQS_SEND, SQS_DELIVERY = 0.01, 0.02  # assumed

# DynamoDB. "Key range throughput exceeded": units per second of one partition key, and so of one item.
PARTITION_WRITES, PARTITION_READS = 1_000, 3_000
READ_UNIT_BYTES = 4_096
WRITE_UNIT_BYTES = 1_024
INDEX_ROW_BYTES, MESSAGE_BYTES = 130, 300  # as docs/scaling.md counts; assumed
PRESENCE_BYTES = 150  # assumed: a join or leave, in the item of its window
REQUEST, TRANSACTION = 0.005, 0.02  # assumed
CONFLICT_WINDOW = 0.01  # assumed: time during which a transaction cancels others on the same item
# botocore's standard mode, with PynamoDB's default number of attempts, for throttled reads.
READ_ATTEMPTS, READ_BACKOFF_LIMIT = 4, 20.0

# A post, and CPU seconds on one vCPU. results.md: 0.027 ms for each member; TLS adds a third (README.md).
POST = 0.01  # assumed, as in the benchmark
CPU_POST = 0.000_036
CPU_TLS = 0.000_83  # README.md: the first broadcast over TLS needs 207 ms more for 250 connections
CPU_INVOCATION = 0.009  # results.md: a message in a room of 1
CPU_INDEX_ROW = 0.000_005  # assumed: connection ids only, without models
CPU_MEMBER = (
    0.000_05  # measured: a PynamoDB model and JSON for each member of the list take 0.036 ms; parsing is assumed
)

# Dollars at the list prices of us-east-1 in 2026; docs/scaling.md names them, too.
PRICE_WEBSOCKET, PRICE_REST, PRICE_CONNECTION_MINUTE = 1.0e-6, 3.5e-6, 0.25e-6
PRICE_INVOCATION, PRICE_QUEUE_REQUEST = 0.2e-6, 0.4e-6
PRICE_GB_SECOND = {"arm64": 13.33e-6, "x86_64": 16.67e-6}[_config["lambda_architecture"]]
PRICE_WRITE_UNIT, PRICE_READ_UNIT = 0.625e-6, 0.125e-6
# "Amazon SQS pricing": each 64 KiB of a message is a request. A full batch has 65 to 112 KiB, most of it the ids of its
# connections: two requests to send it, two to receive it, one to delete it.
QUEUE_REQUESTS_PER_BATCH = 5
QUEUE_REQUESTS_PER_JOB = 3  # a short job: to send, receive and delete it
