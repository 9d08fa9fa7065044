/** Rows of `limits` that gates read, and what brings workers to the machines of their sites. */
export const siteLimits = {
  /** local gate: from the start of a machine's init to the line that says who it is. */
  machineStartMs: 10_000,
  /** local gate: how long the processes of a machine may take to die once they are killed. */
  machineKillMs: 30_000,
  /** ssh: from the first byte to a session that may be used. */
  sshReadyMs: 15_000,
  /** ssh: how often a peer is asked whether it is there, and how many silences mean no. */
  sshBeatMs: 5_000,
  sshBeatsMax: 3,
  /** ssh: what a command may print. */
  sshAnswerBytesMax: 1 << 20,
  /** ssh: the pause before a host is tried again, at first and at most. */
  sshAgainMsMin: 250,
  sshAgainMsMax: 5_000,
  /** ssh: a private key in its file. */
  sshKeyBytesMax: 64 << 10,
  /** ssh gate: a session with a host that nobody used for so long is ended. */
  sshIdleMs: 15_000,
  /** ssh gate: a host that took so long to say nothing holds nobody up for some time after. */
  sshSlowMs: 3_000,
  sshSilentMs: 30_000,
  /** attachments: a machine stays attached for so long between two phases of its cluster. */
  attachLingerMs: 5_000,
  /** cluster: the pause before a machine is attached again, and one that said no for good. */
  attachAgainMs: 2_000,
  attachRefusedMs: 60_000,
  /** tunnels: between two looks of a worker at the tunnels that lead to heads. */
  tunnelsLookMs: 500,
  /** azure gate: nodes of one cluster. */
  azureNodesMax: 32,
  /** azure gate: requests to one site that are under way at once. */
  azureRequestsMax: 16,
  /** azure gate: how often a request is made again that the site could not answer. */
  azureRetriesMax: 4,
  /** azure gate: a question, and all that has to be asked for its answer. */
  azureQuestionMs: 120_000,
  /** azure gate: one try to remove a cluster; then the same is ordered again. */
  azureRemoveMs: 15 * 60_000,
  /** gate, azure gate: storages that one site has. */
  siteStoragesMax: 100,
  /** azure gate: the token in a file that gives access to a storage. */
  storageTokenCharsMax: 2_000,
  /** azure gate: how old its copy of the price list may be, unless the config says otherwise. */
  pricesMs: 24 * 60 * 60_000,
  /** azure gate: pages of the price list of one location. */
  pricePagesMax: 200,
} as const;
