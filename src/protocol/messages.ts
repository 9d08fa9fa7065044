import type { Static } from 'typebox';
import type { shapes } from './shapes.ts';
import type { Door } from './who.ts';

/** A row of the table: what may cross a socket, or go from one actor to another. */
export type Row = {
  /** Its number on the wire, for ever. Numbers below 16 belong to the envelope. */
  readonly code: number;
  /** The doors by which it may come in; `local` actors may always send it. */
  readonly from: readonly Exclude<Door, 'local'>[];
  /** Who gets it: a path, in which `{field}` is a field of the body, or `session`: its own. */
  readonly to: string;
  /** Whether it is answered; a call without an answer is a tell. */
  readonly reply: boolean;
  /** One line of help, for terminals. */
  readonly help: string;
};

const users = ['terminal', 'operator'] as const;
const operators = ['operator'] as const;
const heads = ['head'] as const;
const workers = ['worker', 'head'] as const;
const nobody = [] as const;

const call = (code: number, to: string, from: Row['from'], help: string): Row => ({
  code,
  from,
  to,
  reply: true,
  help,
});
const tell = (code: number, to: string, from: Row['from'], help: string): Row => ({
  code,
  from,
  to,
  reply: false,
  help,
});

/**
 * Everything that actors and terminals say to each other. Terminal calls, their help and their
 * routes derive from these rows. Add rows; never change a code, nor use a retired one again.
 */
export const messages = {
  // what terminals ask
  'job.submit': call(16, 'session', users, 'Submits a job script.'),
  'job.list': call(17, 'session', users, 'Lists jobs, the newest last.'),
  'job.show': call(18, 'session', users, 'Shows all that is kept of a job.'),
  'job.cancel': call(19, '/jobs/{id}', users, 'Cancels a job, whatever phase it is in.'),
  'job.requeue': call(20, '/jobs/{id}', users, 'Runs a job again under the same id.'),
  'node.list': call(21, 'session', users, 'Lists the nodes.'),
  'cluster.list': call(22, 'session', users, 'Lists the clusters that exist.'),
  'flavor.list': call(23, 'session', users, 'Lists the flavors of all sites.'),
  'image.list': call(24, 'session', users, 'Lists the images of all sites.'),
  'remote.list': call(25, 'session', users, 'Lists the sites.'),
  'node.status': call(26, 'session', users, 'Tells how this node and its leader are.'),
  'user.show': call(27, 'session', users, 'Tells who you are here.'),
  'job.purge': call(28, '/jobs/{id}', users, 'Forgets a job that has ended.'),
  'node.gone': call(29, '/nodes/{node}', operators, 'Gives up a node, and what ran there.'),
  'head.list': call(30, 'session', users, 'Lists the heads.'),
  'head.add': call(31, '/group', operators, 'Expects a head, and gives what it joins by.'),
  'head.remove': call(32, '/group', operators, 'Takes a head out of the group.'),
  'head.transfer': call(33, '/group', operators, 'Lets another head lead.'),
  'secret.set': call(39, 'session', users, 'Keeps a secret for jobs, or another in its place.'),
  'secret.list': call(40, 'session', users, 'Lists the names of secrets.'),
  'secret.remove': call(41, 'session', users, 'Removes a secret.'),
  'head.backup': call(35, 'session', operators, 'Makes a copy of all records, to be fetched.'),
  'job.checkpoint': call(36, '/jobs/{id}', users, 'Has a job save itself now.'),
  'job.hold': call(121, '/jobs/{id}', users, 'Gives a job that waits no place for now.'),
  'job.release': call(122, '/jobs/{id}', users, 'Lets a job that is held have a place again.'),
  'job.update': call(123, '/jobs/{id}', users, 'Changes what a job that waits asks for.'),
  'job.why': call(180, 'session', users, 'Says why a job waits, and what would start it.'),
  'job.when': call(181, 'session', users, 'Says when a job that waits is likely to start.'),
  'job.plan': call(182, 'session', users, 'Says what would become of a script; keeps nothing.'),
  'job.tie': call(149, '/jobs/{id}', users, 'Says that the terminal of a job is still there.'),
  'account.list': call(150, 'session', operators, 'Lists what accounts have cost.'),
  'usage.list': call(124, 'session', users, 'Sums up what the jobs used that are kept.'),
  'schedule.add': call(165, 'session', users, 'Submits a script again and again.'),
  'schedule.list': call(166, 'session', users, 'Lists the schedules.'),
  'schedule.set': call(167, 'session', users, 'Pauses a schedule, lets it go on, or removes it.'),
  'node.drain': call(37, '/nodes/{node}', operators, 'Gives a node no new jobs.'),
  'node.resume': call(38, '/nodes/{node}', operators, 'Gives a drained node jobs again.'),
  'node.add': call(34, '/group', operators, 'Expects a worker, and gives what it joins by.'),
  'gate.list': call(44, '/gate-{remote}', operators, 'Lists what a site has, and whose it is.'),
  'sweep.confirm': call(45, '/sweeper', operators, 'Lets sites be swept after a restore.'),
  'user.list': call(112, 'session', operators, 'Lists the users.'),
  'user.add': call(113, '/group', operators, 'Expects a user, and gives what it enrols by.'),
  'user.revoke': call(114, 'session', operators, 'Refuses a user from now on.'),
  'user.renew': call(115, 'session', users, 'Gives you another certificate.'),
  'audit.list': call(116, 'session', operators, 'Lists what users changed by this head.'),
  'entry.list': call(171, 'session', operators, 'Lists what is entered beside configurations.'),
  'entry.check': call(172, 'session', operators, 'Says whether a change of entries would do.'),
  'entry.change': call(173, 'session', operators, 'Changes entries, all of them or none.'),

  // between the actors of the control tree
  'job.create': call(48, '/jobs/{id}', heads, 'Makes a job.'),
  'job.place': tell(49, '/jobs/{id}', nobody, 'Proposes a place.'),
  'job.cluster': tell(50, '/jobs/{job}', nobody, 'Tells how its cluster is.'),
  'job.report': tell(51, '/jobs/{job}', workers, 'Tells how an attempt is on one node.'),
  'job.lease': call(72, '/jobs/{job}', workers, 'Asks whether an attempt may go on.'),
  'shift.next': call(135, '/jobs/{job}', workers, 'Tells how tasks ended, and wants more.'),
  'array.work': call(136, '/jobs/{job}', nobody, 'Tells that of a shift, and wants more for it.'),
  'array.left': call(137, '/jobs/{job}', nobody, 'A shift of an array has ended.'),
  'job.secrets': call(73, '/jobs/{job}', workers, 'Asks for the secrets of an attempt.'),
  'secret.keep': call(74, '/safes/{owner}', heads, 'Keeps a sealed secret.'),
  'schedule.keep': call(168, '/schedules/{schedule}', heads, 'Keeps a schedule.'),
  'schedule.turn': call(169, '/schedules/{schedule}', heads, 'Turns a schedule on, or off.'),
  'secret.drop': call(75, '/safes/{owner}', heads, 'Drops a secret.'),
  'user.expect': call(117, '/users/{user}', nobody, 'Says who may enrol, by what token.'),
  'user.enrol': call(118, '/users/{user}', heads, 'Spends a token on a public key.'),
  'user.rekey': call(119, '/users/{user}', heads, 'Lets another key speak for a user.'),
  'user.drop': call(120, '/users/{user}', heads, 'Revokes a user.'),
  'job.await': call(163, '/jobs/{id}', nobody, 'Says how a job is, and has it tell its end.'),
  'job.moved': tell(164, '/jobs/{id}', nobody, 'A job that it waits for has started, or ended.'),
  'cluster.claim': call(52, '/clusters/{cluster}', nobody, 'Holds nodes for an attempt.'),
  'cluster.unclaim': call(53, '/clusters/{cluster}', nobody, 'Ends a hold.'),
  'cluster.node': call(54, '/clusters/{cluster}', nobody, 'Tells how one of its nodes is.'),
  'scheduler.job': tell(55, '/scheduler', nobody, 'A job waits, or waits no more.'),
  'scheduler.cluster': tell(56, '/scheduler', nobody, 'What a cluster has free.'),
  'scheduler.site': tell(57, '/scheduler', nobody, 'What a site offers.'),
  'node.expect': call(58, '/nodes/{node}', nobody, 'Says which node may join, by what token.'),
  'node.join': call(59, '/nodes/{node}', heads, 'Spends a token on a public key.'),
  'node.link': tell(60, '/nodes/{node}', nobody, 'A link to a node is up, or down.'),
  'node.remove': call(61, '/nodes/{node}', nobody, 'Refuses the node from now on.'),
  'scheduler.why': call(62, '/scheduler', heads, 'Says why jobs wait.'),
  'scheduler.foresee': call(183, '/scheduler', heads, 'Says what is to come of a job.'),
  'scheduler.check': call(64, '/scheduler', heads, 'Says whether a job could ever run.'),
  'cluster.condemn': tell(63, '/clusters/{cluster}', nobody, 'Has a stray removed.'),
  'gate.offer': tell(65, '/gate-{remote}', nobody, 'Wants to hear what the site offers.'),
  'cluster.news': call(66, '/clusters/{cluster}', nobody, 'Wants the news of a hold again.'),
  'cluster.forget': tell(67, '/clusters/{cluster}', nobody, 'Forgets a cluster long gone.'),
  'node.forget': tell(68, '/nodes/{node}', nobody, 'Forgets a node long gone.'),
  'head.keys': call(69, '/group', heads, 'Gives a head what it needs to lead.'),
  'head.current': call(71, '/group', heads, 'How far the log is decided.'),
  'scheduler.policy': call(125, '/scheduler', heads, 'Who goes first from now on, and where.'),
  'scheduler.offers': call(70, '/scheduler', heads, 'What all sites offer.'),
  'scheduler.repute': tell(188, '/scheduler', nobody, 'How it went at a site before.'),
  'repute.tried': tell(187, '/reputes/{remote}', nobody, 'What came of an order at a site.'),
  'account.charge': call(77, '/accounts/{account}', nobody, 'Counts what a cluster costs.'),
  'account.look': tell(175, '/accounts/{account}', nobody, 'Its budget may be another.'),
  'entry.put': call(174, '/entries', heads, 'Changes entries as of a revision.'),
  'cluster.overspent': tell(78, '/clusters/{cluster}', nobody, 'Its account is over its budget.'),
  'job.overspent': tell(79, '/jobs/{job}', nobody, 'Its account is over its budget.'),
  'herald.tell': call(155, '/heralds/{job}', nobody, 'Has changes of a job told.'),
  'herald.forget': tell(156, '/heralds/{job}', nobody, 'Forgets what was told long ago.'),

  'job.preempt': tell(126, '/jobs/{job}', nobody, 'Has it make room for another job.'),

  // over the mesh
  'runner.order': call(80, '/runners/{runner}', heads, 'Orders one process of an attempt.'),
  'runner.go': tell(81, '/runners/{runner}', heads, 'Lets a staged process start.'),
  'runner.stop': call(82, '/runners/{runner}', heads, 'Ends an attempt, also one never seen.'),
  'runner.taken': tell(83, '/runners/{runner}', heads, 'A report was taken.'),
  'node.hello': call(84, '/nodes/{node}', workers, 'What a node is and has.'),
  'node.evicted': call(147, '/nodes/{node}', workers, 'Its site takes the node back.'),
  'node.leader': tell(86, '/', heads, 'Which head leads.'),
  'runner.checkpoint': tell(87, '/runners/{runner}', heads, 'Has a job save itself now.'),
  'runner.forget': tell(85, '/runners/{runner}', nobody, 'Forgets an attempt long over.'),

  // between the heads, about the log
  'raft.ask': tell(96, '/raft', heads, 'Asks for a vote.'),
  'raft.voted': tell(97, '/raft', heads, 'Gives a vote, or does not.'),
  'raft.append': tell(98, '/raft', heads, 'Entries of the log, or a beat.'),
  'raft.appended': tell(99, '/raft', heads, 'Up to where the log is kept.'),
  'raft.campaign': tell(100, '/raft', heads, 'Hands over the lead.'),
  'raft.offer': tell(101, '/raft', heads, 'There is a snapshot to fetch.'),
} as const satisfies Record<string, Row>;

export type Name = keyof typeof messages;

/** The body of a message, or of the answer to it, as its shape has it. */
export type Body<N extends Name> = Static<(typeof shapes)[N]['body']>;
export type Reply<N extends Name> = Static<(typeof shapes)[N]['reply']>;

export type Message = {
  readonly [N in Name]: { readonly name: N; readonly body: Body<N> };
}[Name];

export const message = <N extends Name>(name: N, body: Body<N>): Message =>
  ({ name, body }) as unknown as Message;

export const byCode: ReadonlyMap<number, Name> = new Map(
  (Object.keys(messages) as Name[]).map((name) => [messages[name].code, name]),
);

/** Whether a message may come in by a door. */
export const welcome = (name: Name, door: Door): boolean =>
  door === 'local' || (messages[name] as Row).from.includes(door);

type Target = { readonly head: string; readonly field: string; readonly tail: string };

/** The paths taken apart once, since every message that comes in is held against its own. */
const targets: ReadonlyMap<Name, Target> = new Map(
  (Object.keys(messages) as Name[]).map((name) => {
    const [head = '', field = '', tail = ''] = messages[name].to.split(/[{}]/);
    return [name, { head, field, tail }];
  }),
);

/** The path of the actor that a message is for, from its body; undefined for a session's own. */
export function addressee(name: Name, body: object): string | undefined {
  const { head, field, tail } = targets.get(name) as Target;
  if (head === 'session') return undefined;
  if (field === '') return head;
  return `${head}${(body as Record<string, unknown>)[field] ?? ''}${tail}`;
}
