"""Fixed limits of the chat and of API Gateway. `settings.py` has the configurable ones, such as the rate limit."""

MAX_ROOM_NAME_LENGTH = 80
MAX_DISPLAY_NAME_LENGTH = 40
MAX_MESSAGE_LENGTH = 4_000
"""In characters. With 4 bytes for each, a message and its frame must fit into MAX_FRAME_BYTES."""

MAX_MESSAGE_PARTS = 4
"""Maximum number of messages in which a longer text of a webhook is sent."""

MAX_CLIENT_ID_LENGTH = 64
MAX_ACTION_NAME_LENGTH = 64

MAX_KEEP_DAYS = 30
"""Longest time, in days, that a room is kept while nobody is in it."""

MAX_WEBHOOKS = 20
"""Maximum number of webhooks of a room."""

MAX_PAGE_SIZE = 100
"""Maximum number of rooms or messages in one response."""

MAX_READ_REQUESTS = 12
"""Maximum number of requests to DynamoDB for one page of the history or of the list of rooms."""

ADMISSION_REQUESTS = 2
"""Of these, the requests that are left for the authorization of the reader."""

MAX_READ_SECONDS = 5
"""Time after which a page of the history ends early. API Gateway waits for 29 seconds, a client not as long."""

SETTLE_SECONDS = 300
"""Age of a message from which no lower sequence can still get a message. A sequence is taken before a higher one is
stored, and used within MAX_FUNCTION_SECONDS; the rest allows for clock skew."""

MAX_SEQUENCE = 999_999_999_999_999
"""15 digits, as in the sort key of a message."""

MAX_FRAME_BYTES = 32_768
"""Maximum size of a WebSocket frame ("Quotas for configuring and running a WebSocket API in API Gateway").
API Gateway joins the frames of a longer message, up to 128 KB, into one event."""

MAX_BODY_BYTES = 65_536
"""Maximum size of the body of an HTTP request. The longest message, with each character escaped, needs less."""

MAX_WEBHOOK_BODY_BYTES = 262_144
"""Maximum size of the message of a webhook. A text of MAX_MESSAGE_PARTS, with each character escaped, needs less."""

CONNECTION_TTL_SECONDS = 7_800
"""Lifetime of a connection row. API Gateway closes every connection after 2 hours (same AWS page); ten more minutes
allow for clock skew."""

SOURCE_TTL_SECONDS = 3_600
"""Lifetime of the counters of a source address after its last request."""

FORMER_OWNER_SECONDS = 600
"""Time for which a replaced owner's token can still request another one: the frame with the new one may be lost."""

MAX_REMOVED_MEMBERS = 25
"""Maximum number of members that one action removes."""

MAX_MUTE_SECONDS = 86_400
"""Longest time for which a member can be muted."""

MAX_SLOW_SECONDS = 120
"""Longest time between two messages of a connection that a room in slow mode demands."""

MAX_MODERATORS = 20
"""Maximum number of moderators of a room."""

MAX_MENTIONS = 10
"""Maximum number of members that a message mentions."""

MAX_REACTION_LENGTH = 16
"""In code points. The emoji of a family of four has seven, some flags have fourteen."""

MAX_REACTION_KINDS = 12
"""Maximum number of different reactions to one message."""

MAX_REACTIONS = 1_000
"""Maximum number of reactions to one message, of all members together."""

MAX_LISTED_REACTIONS = 20
"""Maximum number of members that a summary lists for one reaction."""

MAX_SIGNAL_NAME_LENGTH = 32
MAX_SIGNAL_BYTES = 1_024
MAX_SIGNALS_PER_WINDOW = 10
"""Signals, and separately read marks, that a process accepts from a connection in WINDOW_SECONDS."""

MAX_UNREAD_ROOMS = 50
"""Maximum number of rooms in one request for unread rooms."""

MAX_REPORTS_PER_MINUTE = 5
MAX_REASON_LENGTH = 200

ERASED_AT_ONCE = 100
"""Number of messages of a removed member that the removal itself deletes. The queue deletes the others."""

BAN_SECONDS = 3_600
"""Time for which a member that the owner has removed cannot come back."""

LOCK_MIN_MEMBER_SECONDS = 300
"""Time before the lock of a room by which a member must have joined it to come back, unless connected at the lock."""

MAX_CONNECTIONS_PER_MEMBER = 20
"""Maximum number of connections of one member, such as tabs of a browser. Another one closes the oldest."""

MAX_CONNECT_SECONDS = 30
"""Maximum duration of `$connect`: API Gateway's integration timeout is 29 seconds (same AWS page)."""

MAX_FRAMES_PER_WINDOW = 500
"""Frames of all kinds that a process accepts from a connection in WINDOW_SECONDS before it closes the connection."""

MAX_RATE_LIMIT_WARNINGS = 5
"""Consecutive rate-limit errors that a client may ignore before its connection is closed."""

MAX_REFUSED_FRAMES = 100
"""Refused frames that a process accepts from a connection without an accepted one before it closes the connection."""

IDEMPOTENCY_TTL_SECONDS = 600
"""Time during which a repeated clientId returns the stored message instead of storing another."""

MEMBER_TTL_SECONDS = 2_764_800
"""Time for which a member may come back to a locked room after joining it: 32 days, longer than a room stays empty."""

CLOSED_ROOM_TTL_SECONDS = 86_400
"""Time for which the state of a closed room is stored: longer than any request to it or connection in it."""

MAX_FUNCTION_SECONDS = 30
"""More than the timeout of every function in .chalice/config.json: no invocation writes for longer."""

WEBHOOK_TTL_SECONDS = 31_536_000
"""Lifetime of a webhook after its creation or its last message: one year."""

SEQUENCE_TTL_SECONDS = 31_536_000
"""Lifetime of a room's sequence counter after its last message: one year. A room that is used for longer without a
message starts again at 1. It must be longer than MESSAGE_RETENTION_SECONDS."""
