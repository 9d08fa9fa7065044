import { arrayLimits } from './array-limits.ts';
import { clusterLimits } from './cluster-limits.ts';
import { dependencyLimits } from './dependency-limits.ts';
import { entryLimits } from './entry-limits.ts';
import { execLimits } from './exec-limits.ts';
import { gateServiceLimits } from './gate-service-limits.ts';
import { headLimits } from './head-limits.ts';
import { heraldLimits } from './herald-limits.ts';
import { inputLimits } from './input-limits.ts';
import { logLimits } from './log-limits.ts';
import { noticeLimits } from './notice-limits.ts';
import { policyLimits } from './policy-limits.ts';
import { requestLimits } from './request-limits.ts';
import { secretLimits } from './secret-limits.ts';
import { shellLimits } from './shell-limits.ts';
import { siteLimits } from './site-limits.ts';
import { tieLimits } from './tie-limits.ts';
import { traceLimits } from './trace-limits.ts';
import { usedLimits } from './used-limits.ts';
import { userLimits } from './user-limits.ts';
import { watchLimits } from './watch-limits.ts';

/** Every bound of swm, and who reads it. Bytes, milliseconds and counts are in the names. */
export const limits = {
  ...arrayLimits,
  ...clusterLimits,
  ...dependencyLimits,
  ...entryLimits,
  ...execLimits,
  ...gateServiceLimits,
  ...headLimits,
  ...inputLimits,
  ...logLimits,
  ...noticeLimits,
  ...heraldLimits,
  ...policyLimits,
  ...requestLimits,
  ...siteLimits,
  ...secretLimits,
  ...tieLimits,
  ...traceLimits,
  ...shellLimits,
  ...usedLimits,
  ...userLimits,
  ...watchLimits,
  /** transport, envelope: a message frame. What is larger goes as a stream. */
  frameBytesMax: 4 << 20,
  /** transport: a frame of a stream on a bulk link, header included. */
  streamFrameBytesMax: 256 << 10,
  /** envelope, transport: messages that ride in one frame. */
  frameEnvelopesMax: 128,
  /** transport: bytes waiting for a slow peer before `send` says no. */
  outboxBytesMax: 32 << 20,
  /** envelope: an actor's path. */
  pathCharsMax: 200,
  /** actor: letters waiting in the normal lane. */
  mailboxMax: 100_000,
  /** actor: letters played before the loop is handed back. */
  drainMax: 256,
  /** actor: saves in flight before an actor plays no further letter. */
  savesInFlightMax: 64,
  /** asks: questions in flight on one node. */
  asksMax: 1_000_000,
  /** jobscript: a script; existing terminals send no longer ones. */
  scriptBytesMax: 16_000_000,
  /** jobscript, records: a script kept in the job's record; a longer one is a blob. */
  scriptInlineBytesMax: 64 << 10,
  /** jobscript: a line of a directive. */
  directiveCharsMax: 16_384,
  /** jobscript: errors reported of one script. */
  scriptErrorsMax: 20,
  /** jobscript: input or output files of one job. */
  filesMax: 1_000,
  /** jobscript: ports of one job. */
  portsMax: 64,
  /** jobscript: nodes of one job. */
  nodesMax: 1_024,
  /** streams: bytes sent and not yet credited. */
  streamWindowBytes: 1 << 20,
  /** streams: how long a cut stream waits for a new link. */
  streamResumeMs: 10 * 60_000,
  /** streams: streams open on one link. */
  streamsMax: 4_096,
  /** blobs: a part of a blob as it is read from disk. */
  blobChunkBytes: 128 << 10,
  /** config: a log kept for one attempt, unless it says otherwise; the log tells of its hit. */
  logBytesMax: 256 << 20,
  /** store: the store refuses new jobs when the disk has less than this. */
  diskReserveBytes: 64 << 20,
  /** transport: silence after which a peer is taken as down; beats come three times as often. */
  silenceMsMax: 6_000,
  beatMs: 2_000,
  /** transport: a handshake, hello included. */
  handshakeMsMax: 10_000,
  /** join: attempts of one address in a minute. */
  joinsPerMinute: 60,
  /** session: calls of one terminal in flight. */
  callsMax: 4_096,
  /** session: rows of one page of a list. */
  pageMax: 1_000,
  /** session: how long a terminal's call may wait for its answer. */
  callMs: 30_000,
  /** store: a key in UTF-8; LMDB takes no longer one at its usual page size. */
  keyBytesMax: 1_978,
  /** store: a commit that takes longer is taken as lost, and the node with it. */
  commitMsMax: 30_000,
  /** store: pages looked at before a store is opened; all of them if its file is too short. */
  checkPagesMax: 4_096,
  /** stream-frame: the body of an open or accept, with its kind. */
  streamBodyBytesMax: 16 << 10,
  /** streams: the largest window that one end may ask for; long fat links need more than usual. */
  streamWindowBytesMax: 16 << 20,
  /** streams: ended streams whose last word is kept for a peer that missed it in a cut. */
  streamGravesMax: 1_024,
  /** certificates: how long an authority's, a node's and a user's certificate is good. */
  authorityDaysMax: 7_300,
  nodeDaysMax: 3_650,
  userDaysMax: 1_825,
  /** certificates: a request for a certificate, as PEM. */
  requestCharsMax: 8_192,
  /** join: the body of a request to join, and of its answer. */
  joinBytesMax: 16 << 10,
  /** join: addresses whose attempts are counted at once. */
  joinAddressesMax: 4_096,
  /** link: how long a closed link may take to say goodbye before it is cut. */
  goodbyeMsMax: 2_000,
  /** link: pieces and fragments that one frame may arrive in. */
  framePiecesMax: 16_384,
  frameFragmentsMax: 1_024,
  /** tls-server: connections that are not yet, or will never be, links. */
  handshakesMax: 4_096,
  /** credentials: how long a TLS session may be resumed; the registry is asked each time. */
  sessionSecondsMax: 86_400,
  /** credentials: peers whose TLS session is kept. */
  sessionsMax: 1_024,
  /** redial: the wait before dialling again, at first and at most. */
  redialMsMin: 100,
  redialMsMax: 5_000,
  /** as-head: the longest wait of a head that dials another, for few do and the group needs it. */
  redialHeadMsMax: 400,
  /** jobscript: characters of a job's name. */
  nameCharsMax: 64,
  /** jobscript: characters of another name: an account, a flavor, a queue, a storage. */
  wordCharsMax: 256,
  /** jobscript: characters of a container image's name, its registry and digest included. */
  imageCharsMax: 1_024,
  /** jobscript: characters of any other text of a directive: a comment, a path, a URL. */
  textCharsMax: 4_096,
  /** jobscript: variables of `env`, and the bytes of all of them. */
  envMax: 256,
  envBytesMax: 64 << 10,
  /** jobscript: paths of one list as UTF-8, joined; they must fit one variable of 128 KiB. */
  fileListBytesMax: 100_000,
  /** jobscript: storages of one job. */
  storagesMax: 16,
  /** jobscript: what a job may ask of each node. */
  cpusMax: 4_096,
  gpusMax: 256,
  memoryBytesMin: 1 << 20,
  memoryBytesMax: 2 ** 50,
  /** jobscript: walltime, and the time between two checkpoints. */
  walltimeMsMax: 366 * 86_400_000,
  /** jobscript: the highest priority; the lowest is its negative. */
  priorityMax: 1_000,
  /** jobscript: retries of one job. */
  retriesMax: 100,
  /** job: how long a question to its cluster or its runner may wait before it is put again. */
  claimMs: 10_000,
  /** job, cluster: the pause before something refused is tried again. */
  againMs: 1_000,
  /** job: how often an attempt's runners are reminded, in case a message was lost. */
  nudgeMs: 5_000,
  /** job, cluster: a cluster that is not up by then is given up. */
  provisionMsMax: 20 * 60_000,
  /** job: attempts of one run that infrastructure may cost it. */
  attemptsMax: 3,
  /** job: between TERM and KILL. */
  graceMs: 5_000,
  /** job: what the worker's own clock is given before the head ends an attempt over walltime. */
  walltimeSlackMs: 30_000,
  /** job: a live attempt that will not be ended on a made cluster loses the cluster then. */
  stopMsMax: 60_000,
  /** job: marks of one timeline; the oldest go first. */
  marksMax: 200,
  /** job: former runs that are kept in its record. */
  runsMax: 20,
  /** cluster, node: a join token's life. */
  tokenMs: 60 * 60_000,
  /** scheduler: news are gathered for so long before a pass. */
  passMs: 2,
  /** scheduler: a proposal that nobody answered is made again. */
  proposalMs: 5_000,
  /** runner: an unacknowledged report is sent again. */
  reportMs: 2_000,
  /** runner: tries to stage or to collect before the pause grows no more. */
  transferPauseMsMax: 30_000,
  /** runner: tries to stage. */
  stageTriesMax: 5,
  /** runner: progress is told no more often. */
  progressMs: 500,
  /** perform: what is told to others of a bug; the log has all of it. */
  whyCharsMax: 500,
  /** cell: cells that play between two looks at I/O, each up to `drainMax` letters. */
  cellsPerTurnMax: 64,
  /** process: processes and threads of one attempt on one node. */
  jobProcessesMax: 16_384,
  /** process: a slot that has nothing to do for so long goes, unless it is one of those kept. */
  slotIdleMs: 10_000,
  /** process: how long a keeper may take until the slot that it forks says hello. */
  slotBirthMs: 10_000,
  /** process: a slot whose cgroup still holds more than this is not used again. */
  slotResidueBytesMax: 32 << 20,
  /** process: attempts that a slot runs before it is replaced, so that nothing in it grows. */
  slotRunsMax: 10_000,
  /** process: slots that are killed under one order before it starts, until it is given up. */
  slotsLostMax: 5,
  /** process: what a job leaves running may finish for so long after its main process. */
  leftoverMs: 200,
  /** process: between two looks at a process that no slot of ours watches. */
  livenessMs: 250,
  /** process: between two looks at the size of the logs. */
  logCheckMs: 1_000,
  /** process: how long an attempt that was forgotten is refused; no order travels for longer. */
  forgottenMs: 30 * 24 * 60 * 60_000,
  /** process: how long an account's numbers are believed. */
  accountMs: 60_000,
  /** watch: changes that wait for a terminal that reads too slowly. */
  watchRowsMax: 10_000,
  /** transfer: bytes of a blob under way; enough for 100 MB/s over 80 ms. */
  blobWindowBytes: 8 << 20,
  /** transfer: tries in a row that got no further, after which the last failure is final. */
  transferTriesMax: 12,
  /** follow: between two looks at a file of whose growth the system does not tell. */
  followLookMs: 1_000,
  /** forwards: how long a connection waits for the link to the job's node, and for its answer. */
  forwardOpenMs: 10_000,
  /** forwards: how long a worker tries to connect to a job that does not listen yet. */
  forwardListenMs: 3_000,
  /** forwards: connections of one job at once. */
  forwardConnectionsMax: 1_024,
  /** job: the longest pause before a job that a site or cluster refused is tried again. */
  refusedMsMax: 5 * 60_000,
  /** runner: tries to collect the files of an attempt that is being ended. */
  collectTriesMax: 5,
  /** housekeeper: how long what is left of a purged job, or of something gone, is kept. */
  tombstoneMs: 7 * 24 * 60 * 60_000,
  /** housekeeper: between two looks at what is old, at least and at most. */
  housekeepMsMin: 1_000,
  housekeepMsMax: 60_000,
  /** session: ids that are tried for a job, lest two share their first eight digits. */
  idTriesMax: 4,
  /**
   * streams: a frame of data as it is sent. With the eight bytes that a WebSocket puts before it,
   * it fills one TLS record, which its reader then gets in one piece and need not copy.
   */
  streamFrameBytes: (16 << 10) - 8,
  /** transfer: bytes of an arriving blob that are written to disk at once. */
  blobWriteBytes: 512 << 10,
  /** link: bytes of its messages read in one turn, about as many as an actor plays letters. */
  turnBytesMax: 24 << 10,
  /** watch: lists watched over one link, and rows read of one before others have a turn. */
  watchesMax: 32,
  watchRowsPerTurn: 64,
  /** client: a head that has not answered by then is not waited for alone: another is asked too. */
  hedgeMs: 200,
  /** client: questions of one client that are with two heads at once. */
  hedgesMax: 1_024,
  /** client: a line that is used and says nothing for so long is asked, and given up if silent. */
  clientSilentMs: 2_000,
  clientProbeMs: 1_000,
  /** config, job: how long an attempt that has a lease runs after it asked; at least, at most. */
  leaseMs: 15_000,
  leaseMsMin: 1_000,
  leaseMsMax: 86_400_000,
  /** containers: how long an engine may take for all that it does but waiting and pulling. */
  engineMs: 120_000,
  /** leases: between two looks of a guard, and how long it may take to be there. */
  guardMs: 200,
  guardBirthMs: 10_000,
  /** runner, job: how long one that is to be ended may take until its checkpoint is there. */
  checkpointMsMax: 30_000,
  /** runner: before the end of its walltime a job makes its last checkpoint; half of it at most. */
  checkpointLeadMs: 60_000,
  /** workplace: a checkpoint that says nothing is whole once it has not changed for so long. */
  checkpointQuietMs: 1_000,
  /** workplace: between two looks at a checkpoint that is being made, and its files. */
  checkpointLookMs: 100,
  checkpointFilesMax: 1_000,
  /** sweep: how often heads look for files that nobody names, and how old those are; workers. */
  headSweepMs: 6 * 60 * 60_000,
  headBlobMs: 24 * 60 * 60_000,
  workerSweepMs: 10 * 60_000,
  workerBlobMs: 60 * 60_000,
  /** named: records that are read in one turn of the loop. */
  sweepPageMax: 500,
  /** copies: how long a blob counts as held by others before they are asked again. */
  blobSettledMs: 12 * 60 * 60_000,
  /** cluster: how often a site that may take machines back is asked whether it does. */
  evictionPollMs: 2_000,
} as const;
