/** Bounds of clusters and of the sites that make them; `limits` has them too. */
export const clusterLimits = {
  /** cluster: a node of a made cluster silent for so long is given up, and deleted. */
  silentMsMax: 60_000,
  /** cluster: tries to create one before it is given up. */
  createTriesMax: 3,
  /** cluster: how often the site is asked how a creation goes. */
  pollMs: 2_000,
  /** cluster, gate: between two tries to remove what must go. */
  removeAgainMs: 5_000,
  /** cluster: the longest pause between two tries to remove what must go. */
  removeAgainMsMax: 30_000,
  /** cluster: how often in a row its site may not know it: what is new is not in all lists. */
  vanishedMax: 3,
  unlistedMax: 30,
  /** cluster: what a silent node has at least to come back, if its head was away itself. */
  returnMs: 15_000,
  /** cluster: a claim of a node that is silent for no longer is put off, not refused. */
  claimPatienceMs: 3_000,
  /** config, price: the time that a site bills at least, unless it says otherwise. */
  billingUnitMs: 60_000,
  /** config, cluster: how long a cluster is kept after its job by default, and at most. */
  keepMs: 10 * 60_000,
  keepMsMax: 7 * 86_400_000,
  /** gate: between two sweeps. */
  sweepMs: 60_000,
  /** gate: no creation takes longer; a younger stray is left alone. */
  createMsMax: 10 * 60_000,
  /** gate: rows told of what one site has; they fit a frame. */
  siteRowsMax: 5_000,
  /** gate: how old its picture of flavors and images may be. */
  offersMs: 10 * 60_000,
} as const;
