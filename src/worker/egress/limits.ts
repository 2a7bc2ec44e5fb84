/** What the proxy of one attempt takes, and how long it waits. */
export interface ProxyLimits {
  /** Connections of clients at one time; one more is closed at once. */
  readonly connectionsMax: number;
  /** Request line and headers together. */
  readonly headerBytesMax: number;
  /** From the first byte of a connection to the end of its headers. */
  readonly headersMs: number;
  /** To a far end that does not answer. */
  readonly connectMs: number;
  /** Without a byte in either direction. */
  readonly idleMs: number;
}

export const PROXY_LIMITS: ProxyLimits = {
  connectionsMax: 256,
  headerBytesMax: 16_384,
  headersMs: 10_000,
  connectMs: 30_000,
  idleMs: 600_000,
};

/** Names that are looked up at one time: each takes one of the few threads with which the worker also reads files. */
export const LOOKUPS_MAX = 2;
/** Requests that wait for them are as many as connections; answers hold at most this many addresses. */
export const ADDRESSES_MAX = 16;
/** Different hosts, ports and verdicts that are told of one attempt; the rest is only counted. */
export const DESTINATIONS_MAX = 200;
/** Of these, so many stand in the remark about what was denied. */
export const DENIED_SHOWN_MAX = 10;
