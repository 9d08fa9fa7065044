import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterNews, type Lead, NO_LEAD } from '../actors/lead.ts';
import { writeFileDurably } from '../platform/disk.ts';
import type { Spool } from '../platform/spool.ts';
import type { Body } from '../protocol/messages.ts';
import type { Who } from '../protocol/who.ts';

/** Who leads, as a node without a vote knows it. */
export type Led = {
  readonly lead: Lead;
  /** Takes what a head says of who leads; resolves with whether another one leads now. */
  heard(from: Who, news: Body<'node.leader'>): Promise<boolean>;
  /** Calls when all that was heard is kept and believed: at once, unless it is being kept. */
  settled(then: () => void): void;
};

/** Reads whom this node followed last. */
export async function openLed(spool: Spool): Promise<Led> {
  const path = join(spool.places.node, 'lead.json');
  const keep = (lead: Lead): Promise<void> => writeFileDurably(path, JSON.stringify(lead), 0o600);
  return ledFrom(await readLead(path), keep);
}

/** Goes on from whom this node followed last. A newer lead is kept before it is believed. */
export function ledFrom(last: Lead, keep: (lead: Lead) => Promise<void>): Led {
  let lead = last;
  let turn: Promise<unknown> = Promise.resolve();
  let turns = 0;
  const take = async (from: Who, news: Body<'node.leader'>): Promise<boolean> => {
    const next = afterNews(lead, from, news);
    if (next === lead) return false;
    await keep(next);
    lead = next;
    return true;
  };
  return {
    get lead() {
      return lead;
    },
    heard: (from, news) => {
      const taken = turn.then(() => take(from, news));
      const over = (): void => void turns--;
      turns++;
      turn = taken.then(over, over);
      return taken;
    },
    settled: (then) => {
      if (turns === 0) then();
      else void turn.then(then);
    },
  };
}

async function readLead(path: string): Promise<Lead> {
  try {
    const { leader, term } = JSON.parse(await readFile(path, 'utf8')) as Lead;
    return typeof leader === 'string' && Number.isSafeInteger(term) ? { leader, term } : NO_LEAD;
  } catch {
    // None was kept, or half of it: the next that leads says so.
    return NO_LEAD;
  }
}
