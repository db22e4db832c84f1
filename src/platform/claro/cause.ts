/** What went wrong with a call to Claro, in a word that logs can be searched for. It holds nothing of what Claro sent. */
export type CallCause =
  /** The status says it all. */
  | "status"
  /** No connection: refused or unreachable, no address, no TLS session. */
  | "connect"
  | "dns"
  | "tls"
  | "timeout"
  | "connection_lost"
  /** A body that Claro's API did not write: a page, or the error of the proxy in front of it. */
  | "html"
  | "fault"
  /** A body that cannot be used. */
  | "empty_body"
  | "bad_json"
  | "bad_encoding"
  | "too_long"
  | "no_score"
  | "bad_score"
  | "no_token"
  | "bad_token";

/** The same with the call for our access token told apart, and with what no call was made for. */
export type ClaroCause =
  | CallCause
  | `token_${CallCause}`
  /** Tokens were renewed too often of late. */
  | "token_renewed_too_often"
  /** The object that keeps our token could not be asked. */
  | "token_unavailable"
  /** The time budget ended before anything was sent. */
  | "no_time_left"
  /** Our own code failed. */
  | "exception";
