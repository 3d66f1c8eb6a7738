/** The access tokens of the application, asked for one at a time. */

import { ChatError } from "./errors.js";

/** Returns the access token of the user, or null for a guest. */
export type GetToken = () => Promise<string | null> | string | null;

const TIMEOUT_MS = 20_000;
/** The characters of tokens that fit into the Authorization header (RFC 6750). */
const VALID = /^[\w.~+/-]+=*$/;

export class TokenSource {
  readonly #getToken: GetToken;
  readonly #onToken: (token: string | null) => void;
  #asked: Promise<string | null> | undefined;

  /** `onToken` is called with each token before its first use. */
  constructor(getToken: GetToken, onToken: (token: string | null) => void) {
    this.#getToken = getToken;
    this.#onToken = onToken;
  }

  /** Return the current token, or null for a guest. Callers who ask while a response is awaited share it. */
  get(): Promise<string | null> {
    this.#asked ??= this.#ask().finally(() => {
      this.#asked = undefined;
    });
    return this.#asked;
  }

  async #ask(): Promise<string | null> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("getToken did not respond")), TIMEOUT_MS);
    });
    let token: string | null;
    try {
      token = await Promise.race([this.#getToken(), timeout]);
    } catch (cause) {
      throw new ChatError("network", "The access token could not be fetched.", { cause });
    } finally {
      clearTimeout(timer);
    }
    // Checked here: the error of `fetch` would contain the token.
    if (token && !VALID.test(token))
      throw new ChatError("network", "The access token has characters that no token may have.");
    this.#onToken(token || null);
    return token || null;
  }
}
