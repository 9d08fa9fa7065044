/** Rows of `limits` for what machines hear of their sites. */
export const noticeLimits = {
  /** notices: between two looks at what a machine's site has announced. */
  noticesLookMs: 1_000,
  /** notices: how long an answer may take; the first one, for which Azure begins to gather them. */
  noticesMs: 5_000,
  noticesFirstMs: 150_000,
  /** notices: what is announced earlier than so long before is heeded only then. */
  noticeLeadMs: 120_000,
  /** notices: what is read of an answer. */
  noticesBytesMax: 1 << 20,
  /** worker: how long a head may take to hear of one. */
  noticeHeardMs: 5_000,
} as const;
