/** Bounds of how heads agree, and of what they keep for it; part of all limits. */
export const headLimits = {
  /** consensus: a leader's beats, and how long a follower hears nothing until it stands. */
  raftBeatMs: 50,
  raftElectionMsMin: 200,
  raftElectionMsMax: 400,
  /** consensus: how long a leader reads after a beat that most answered; clocks drift by 10 %. */
  raftLeaseMs: 180,
  /** consensus: appends to one head that may be unanswered, and entries in one of them. */
  raftInFlightMax: 64,
  raftAppendEntriesMax: 256,
  /** consensus: how many entries a learner may be behind when it becomes a voter. */
  raftPromoteLagMax: 1_024,
  /** replica: changes of one entry; more that wait together become several entries. */
  raftEntryBytesMax: 1 << 20,
  /** replica: one batch of a group of several heads: its entry has to fit a frame of the mesh. */
  raftBatchBytesMax: 3 << 20,
  /** replica: entries of one append, in bytes; more are sent as several. */
  raftAppendBytesMax: 1 << 20,
  /** replica: proposals under way before what comes is gathered for the next entry. */
  raftProposalsMax: 2,
  /** replica: entries kept in memory, so that other heads are fed without reading the disk. */
  raftCacheBytesMax: 16 << 20,
  /** replica: applied entries that are kept for heads that lag, in number and in bytes. */
  raftTailEntriesMax: 20_000,
  raftTailBytesMax: 64 << 20,
  /** replica: a loop that is so much late has heard nothing meanwhile, and does not stand. */
  raftLateMs: 100,
} as const;
