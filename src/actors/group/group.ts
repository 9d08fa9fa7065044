import { failure } from '../../protocol/errors.ts';
import type { HeadPhase, Invitation } from '../../protocol/head-shapes.ts';
import { limits } from '../../protocol/limits.ts';
import type { Body } from '../../protocol/messages.ts';
import type { UserRole } from '../../protocol/user-shapes.ts';
import type { Behaviour, Effect, Heard, Signal, Step, Told } from '../../runtime/behaviour.ts';

/** A head as the group knows it. They stand in the order in which they were added. */
export type Head = { readonly name: string; readonly address: string; readonly phase: HeadPhase };

/** Who the heads are; who of them votes is for the log to say, and follows from this. */
export type Group = {
  readonly phase: 'on';
  /** Another with each change, so that what is to be done for the heads is begun anew. */
  readonly round: number;
  readonly heads: readonly Head[];
};

/** The head that the group begins with. */
export type GroupArgs = Pick<Head, 'name' | 'address'>;

export const GROUP_HEARS = [
  'head.add',
  'head.remove',
  'head.transfer',
  'head.keys',
  'head.current',
  'node.add',
  'user.add',
] as const;
export type GroupHears = (typeof GROUP_HEARS)[number];
export type GroupEvent = { readonly is: 'again'; readonly head: string };
export type GroupTasks = {
  /** Has the registry expect a node, and gives what it joins by. */
  invite: readonly [
    { readonly name: string; readonly role: 'head' | 'worker'; readonly round: number },
    Invitation,
  ];
  /** Has the registry expect a user, and gives what that one enrols by. */
  inviteUser: readonly [{ readonly name: string; readonly role: UserRole }, Invitation];
  /** Waits until a head is there and has all of the log, and makes it a voter. */
  admit: readonly [string, null];
  /** Takes a head out of the group, and has the registry refuse it. */
  dismiss: readonly [string, null];
  /** Who votes by the log. After a restore these are fewer than the list has. */
  voters: readonly [null, readonly string[]];
  /** Gives the lead to another, and says who has it. */
  transfer: readonly [string, string];
  keys: readonly [null, object];
  /** Up to where what is applied here holds all that was decided. */
  current: readonly [null, number];
};
type GroupEffect = Effect<GroupEvent, GroupTasks>;
type GroupStep = Step<Group, GroupEvent, GroupTasks>;

/** Keeps the list of the heads, and brings the group to what the list says. */
export const group: Behaviour<GroupArgs, Group, GroupHears, GroupEvent, GroupTasks> = {
  init: ({ name, address }) => ({
    phase: 'on',
    round: 1,
    heads: [{ name, address, phase: 'member' }],
  }),

  enter: ({ heads }) => [{ do: 'run', task: 'voters', input: null }, ...heads.flatMap(settle)],

  on(state, event): GroupStep {
    if (event.is === 'told') return told(state, event);
    if (event.is === 'again')
      return [state, state.heads.filter(({ name }) => name === event.head).flatMap(settle)];
    return worked(state, event);
  },
};

/** What is still to be done for a head. */
function settle({ name, phase }: Head): readonly GroupEffect[] {
  if (phase === 'expected') return [{ do: 'run', task: 'admit', key: name, input: name }];
  if (phase === 'leaving') return [{ do: 'run', task: 'dismiss', key: name, input: name }];
  return [];
}

/** Work for whoever asked: it must not be taken for work on a head. */
const forAsk = (ask: number): string => `?${ask}`;
const askOf = (key: string): number => (key.startsWith('?') ? Number(key.slice(1)) : 0);

function told(state: Group, { message: m, ask, who }: Told<GroupHears>): GroupStep {
  const key = forAsk(ask);
  switch (m.name) {
    case 'head.add':
      if (who.door === 'local') return [moved(state, m.body as Body<'head.add'>), []];
      return added(state, m.body as Body<'head.add'>, ask);
    case 'head.remove':
      return removed(state, m.body as Body<'head.remove'>, ask);
    case 'head.transfer':
      return [
        state,
        [{ do: 'run', task: 'transfer', key, input: (m.body as Body<'head.transfer'>).to }],
      ];
    case 'head.keys':
      return [state, [{ do: 'run', task: 'keys', key, input: null }]];
    case 'head.current':
      return [state, [{ do: 'run', task: 'current', key, input: null }]];
    case 'node.add': {
      const { name } = m.body as Body<'node.add'>;
      const input = { name, role: 'worker', round: 0 } as const;
      return [state, [{ do: 'run', task: 'invite', key, input }]];
    }
    case 'user.add': {
      const { name, operator = false } = m.body as Body<'user.add'>;
      const input = { name, role: operator ? 'operator' : 'user' } as const;
      return [state, [{ do: 'run', task: 'inviteUser', key, input }]];
    }
  }
}

const changed = (state: Group, heads: readonly Head[]): Group => ({
  ...state,
  heads,
  round: state.round + 1,
});

function refuse(
  state: Group,
  ask: number,
  code: 'refused' | 'not_found' | 'malformed',
  text: string,
): GroupStep {
  return [state, [{ do: 'refuse', ask, failure: failure(code, text) }]];
}

const ADDRESS = /^(?:\[[0-9A-Fa-f:.]+\]|[^:[\]/\s]+):\d{1,5}$/;

/** A head that leads says by which address it is reached now. */
function moved(state: Group, { name, address }: Body<'head.add'>): Group {
  const known = state.heads.find((head) => head.name === name);
  if (known === undefined || known.address === address) return state;
  return {
    ...state,
    heads: state.heads.map((head) => (head === known ? { ...head, address } : head)),
  };
}

/** The same head may be asked for again: it gets the same token, as long as it has not joined. */
function added(state: Group, { name, address }: Body<'head.add'>, ask: number): GroupStep {
  if (!ADDRESS.test(address))
    return refuse(state, ask, 'malformed', `${address} is no host:port that nodes can dial`);
  const known = state.heads.find((head) => head.name === name);
  if (known?.phase === 'member')
    return refuse(state, ask, 'refused', `${name} is a head of this group already`);
  if (known?.phase === 'leaving')
    return refuse(state, ask, 'refused', `${name} is being removed: wait until it is gone`);
  const others = state.heads.filter((head) => head !== known);
  const next =
    known?.address === address
      ? state
      : changed(state, [...others, { name, address, phase: 'expected' }]);
  const input = { name, role: 'head', round: next.round } as const;
  return [next, [{ do: 'run', task: 'invite', key: forAsk(ask), input }]];
}

function removed(state: Group, { name }: Body<'head.remove'>, ask: number): GroupStep {
  const known = state.heads.find((head) => head.name === name);
  if (known === undefined) return refuse(state, ask, 'not_found', `there is no head ${name}`);
  const left = state.heads.filter((head) => head !== known && head.phase === 'member');
  if (left.length === 0)
    return refuse(state, ask, 'refused', `${name} is the last head: add another one first`);
  const leaving: Head = { ...known, phase: 'leaving' };
  const next = changed(
    state,
    state.heads.map((head) => (head === known ? leaving : head)),
  );
  return [known.phase === 'leaving' ? state : next, [{ do: 'reply', ask, body: {} }]];
}

function worked(state: Group, event: Exclude<Heard<never, never, GroupTasks>, never>): GroupStep {
  const signal = event as Signal<GroupTasks>;
  if (signal.is === 'failed') {
    const ask = askOf(signal.key);
    if (ask !== 0) return [state, [{ do: 'refuse', ask, failure: signal.failure }]];
    const again: GroupEvent = { is: 'again', head: signal.key };
    return [state, [{ do: 'after', ms: limits.againMs, event: again }]];
  }
  if (signal.is !== 'done') return [state, []];
  switch (signal.task) {
    case 'admit': {
      const member = (head: Head): Head =>
        head.name === signal.key ? { ...head, phase: 'member' } : head;
      return [changed(state, state.heads.map(member)), []];
    }
    case 'voters': {
      const isThere = ({ name, phase }: Head): boolean =>
        phase !== 'member' || signal.value.includes(name);
      const heads = state.heads.filter(isThere);
      return [heads.length === state.heads.length ? state : changed(state, heads), []];
    }
    case 'dismiss':
      return [
        changed(
          state,
          state.heads.filter(({ name }) => name !== signal.key),
        ),
        [],
      ];
    case 'transfer':
      return [state, [{ do: 'reply', ask: askOf(signal.key), body: { leader: signal.value } }]];
    case 'current':
      return [state, [{ do: 'reply', ask: askOf(signal.key), body: { index: signal.value } }]];
    case 'invite':
    case 'inviteUser':
    case 'keys':
      return [state, [{ do: 'reply', ask: askOf(signal.key), body: signal.value }]];
  }
}
