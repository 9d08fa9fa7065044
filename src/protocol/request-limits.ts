/** Bounds of what users’ programs may ask of a head by plain requests; part of all limits. */
export const requestLimits = {
  /** tls-server: connections of one address that are not links. */
  addressConnectionsMax: 1_024,
  /** tls-server: how long nothing is heard until a peer's machine is asked whether it is there. */
  keepAliveMs: 30_000,
  /** rest: what a form may have around the script in it. */
  formBytesMax: 64 << 10,
  /** rest: bodies of all requests that are held at once; what comes beyond is refused. */
  bodiesBytesMax: 256 << 20,
  /** rest: what is read of a body that is too large, so that its sender reads the refusal. */
  bodyDrainedBytesMax: 64 << 20,
  /** rest: calls of one user that are not answered yet. */
  restCallsMax: 1_024,
  /** rest: how long it may take to find out whether a head is ready. */
  readyMsMax: 1_000,
  /** metrics: how old counts of jobs may be, and records looked at before others have a turn. */
  jobCountsMs: 5_000,
  jobCountsPerTurn: 500,
  /** metrics: connections of the port that asks for no certificate. */
  metricsConnectionsMax: 16,
  /** rest: how long a reader may take nothing of an answer that is there. */
  stalledMs: 60_000,
  /** rest: how long a request waits until some head leads; existing clients give up after 5 s. */
  leaderMsMax: 3_000,
  /** known-peers: certificates that are read once; one is about 3 KiB. */
  knownPeersMax: 4_096,
  /** node-addresses: how long the addresses of nodes are believed while no node changes. */
  nodeAddressesMs: 1_000,
} as const;
