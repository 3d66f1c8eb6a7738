/**
 * The codes of the server's error frames, from `invalid_message` to `internal`, and those of this library. A newer server may
 * have further ones.
 */
export type ErrorCode =
  | "invalid_message"
  | "invalid_json"
  | "unknown_action"
  | "rate_limited"
  | "muted"
  | "forbidden"
  | "not_found"
  | "too_large"
  | "not_in_room"
  | "replaced"
  | "too_many_connections"
  | "unauthorized"
  | "unavailable"
  | "internal"
  | "unconfirmed"
  | "discarded"
  | "deleted"
  | "closed"
  | "offline"
  | "network"
  | "wrong_url"
  | "invalid_name"
  | "invalid_key"
  | "invalid_url"
  | "no_websocket"
  | "unknown_message"
  | `http_${number}`;

/** An error of the chat. `code` is stable; `message` is a sentence to show to people. */
export class ChatError extends Error {
  /**
   * For messages, the codes of the server's error frames: `invalid_message`, `rate_limited`, `not_in_room`, `internal`,
   * and further ones. Also: `unconfirmed` (the server did not respond), `discarded`, `deleted` (the message
   * was stored, and then deleted), `closed` (the room has ended), `offline` (there is no connection), `network` (the server
   * could not be reached), and `http_STATUS` for an error response, as in `http_404`.
   */
  readonly code: ErrorCode;
  /** With `rate_limited` and `muted`, the seconds to wait before the next attempt. */
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown; retryAfter?: number | undefined }) {
    super(message, options);
    this.name = "ChatError";
    this.code = code;
    this.retryAfter = options?.retryAfter;
  }
}

/** An error response of the REST API. */
export class ApiError extends ChatError {
  /** The HTTP status code. */
  readonly status: number;
  /** The `Code` of the response, such as `RoomLockedError`; empty if a proxy has responded. */
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(`http_${status}`, message);
    this.name = "ApiError";
    this.status = status;
    this.reason = reason;
  }
}

/** Return an error as a ChatError: any other than these means that the server could not be reached. */
export function toChatError(error: unknown): ChatError {
  return error instanceof ChatError ? error : new ChatError("network", String(error), { cause: error });
}

/** Return a rejected promise that may be ignored. */
export function rejected(error: ChatError): Promise<never> {
  return ignorable(Promise.reject<never>(error));
}

/** Return the promise: a caller who ignores it causes no unhandled rejection, which would end a process of Node.js. */
export function ignorable<Result>(promise: Promise<Result>): Promise<Result> {
  promise.catch(() => {});
  return promise;
}
