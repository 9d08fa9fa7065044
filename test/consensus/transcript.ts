import type { Effect } from '../../src/consensus/events.ts';
import type { Message } from '../../src/consensus/messages.ts';
import type { Members, Position } from '../../src/consensus/model.ts';
import { membersOf, standing } from '../../src/consensus/view.ts';
import type { Line } from './disk.ts';
import type { Head } from './world.ts';

const place = ({ index, term }: Position): string => `${index}@${term}`;

function describeMessage(message: Message): string {
  switch (message.kind) {
    case 'ask': {
      const { pre, term, last, handed } = message;
      const asks = `${pre ? 'would you vote' : 'vote'} in ${term}, log to ${place(last)}`;
      return handed ? `${asks}, handed over` : asks;
    }
    case 'voted': {
      const { pre, term, granted, waitMs } = message;
      const word = granted ? (pre ? 'would vote' : 'votes') : 'no vote';
      return `${word} in ${term}${granted && waitMs > 0 ? `, wait ${waitMs} ms` : ''}`;
    }
    case 'append': {
      const { term, prev, upTo, committed, round } = message;
      const what = upTo === prev.index ? 'beat' : `entries to ${upTo}`;
      return `${what} after ${place(prev)} in ${term}, committed ${committed}, round ${round}`;
    }
    case 'appended': {
      const { term, matched, refused, round } = message;
      const no =
        refused === undefined ? '' : `not after ${refused.prev}, try ${place(refused.hint)}, `;
      return `${no}has ${matched} in ${term}, round ${round}`;
    }
    case 'campaign':
      return `stand after ${message.term}`;
  }
}

/** What a head does, in a line; nothing for what it writes. */
export function describeEffect({ name }: Head, effect: Effect): string {
  switch (effect.kind) {
    case 'persist':
      return '';
    case 'send':
      return `${name}>${effect.to} ${describeMessage(effect.message)}`;
    case 'commit':
      return `${name} commits ${effect.index}`;
    case 'role': {
      const { role, leader, term, ready } = effect;
      const of = role === 'follower' && leader !== '' ? ` of ${leader}` : '';
      return `${name} is ${ready ? 'ready ' : ''}${role}${of} in ${term}`;
    }
    case 'snapshot':
      return `${name} offers ${effect.to} a snapshot`;
    case 'readable':
      return `${name} reads ${effect.id} as of ${effect.index}`;
    case 'unreadable':
      return `${name} cannot read ${effect.id}`;
    case 'refused': {
      const { why, leader } = effect;
      return `${name} refuses: ${why}${leader === '' ? '' : `, ask ${leader}`}`;
    }
  }
}

const describeGroup = ({ voters, learners }: Members): string =>
  `${voters.join('+')}${learners.length === 0 ? '' : ` (${learners.join('+')})`}`;

function describeLine({ index, term, kind, value, members }: Line): string {
  if (kind === 'start') return `${place({ index, term })}:start`;
  if (members !== undefined) return `${place({ index, term })}:[${describeGroup(members)}]`;
  return `${place({ index, term })}:${value}`;
}

/** A head in a line: what it is, what it has, what of it is durable and decided, and its group. */
export function describeHead({ name, raft, disk, memory }: Head): string {
  if (raft === undefined) return `${name} is down, ${disk.lines.map(describeLine).join(' ')}`;
  const { role, term } = standing(raft);
  const base = memory.base.index === 0 ? '' : `…${place(memory.base)} `;
  const lines = base + memory.lines.map(describeLine).join(' ');
  const { committed, durable } = raft;
  const group = describeGroup(membersOf(raft));
  const marks = `durable ${durable.last}, committed ${committed}`;
  return `${name} ${role} ${term} | ${lines} | ${marks} | ${group}`;
}
