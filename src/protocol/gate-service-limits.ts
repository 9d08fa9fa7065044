/** Rows of `limits` that the http gate reads. */
export const gateServiceLimits = {
  /** http gate: an answer of a gate service; lists of all that a cloud offers are long. */
  gateReplyBytesMax: 32 << 20,
  /** http gate: how long a question may wait; some services ask the cloud for all they list. */
  gateAnswerMs: 5 * 60_000,
  /** http gate: between two looks at what a gate service is making or removing. */
  gateLookMsMin: 100,
  gateLookMsMax: 5_000,
  /** http gate: how long what a failed request has made all the same may stay unseen. */
  gateSettleMs: 30_000,
  /** http gate: the file with a key and a certificate for a cloud. */
  credentialBytesMax: 64 << 10,
  /** http gate: nodes of a partition, where the service counts all of them. */
  gateNodesMax: 32,
} as const;
