import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { news, refusal } from '../../src/actors/lead.ts';
import { isRefused } from '../../src/node/ground.ts';
import { openLed } from '../../src/node/lead.ts';
import type { Links } from '../../src/platform/links.ts';
import type { Spool } from '../../src/platform/spool.ts';
import type { Envelope } from '../../src/protocol/envelope.ts';
import { message } from '../../src/protocol/messages.ts';
import type { Who } from '../../src/protocol/who.ts';

const h2: Who = { door: 'head', id: 'h2' };
const order: Envelope = {
  is: 'call',
  to: '/runners/a.1.0',
  ask: 7,
  message: message('runner.taken', { runner: 'a.1.0', seq: 1 }),
};
const newsOf = (term: number, leader = 'h2') =>
  (news({ leader, term, heads: [] }) as { message: { body: Parameters<Led['heard']>[1] } }).message
    .body;
type Led = Awaited<ReturnType<typeof openLed>>;

let folder = '';
let led: Led;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swm-orders-'));
  await mkdir(join(folder, 'node'));
  led = await openLed({ places: { node: join(folder, 'node') } } as unknown as Spool);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('orders of a head that has just come to lead', () => {
  it('wait until its news are kept, and are taken then, in their order', async () => {
    await led.heard({ door: 'head', id: 'h1' }, newsOf(3, 'h1'));
    const heard = led.heard(h2, newsOf(4));
    expect(refusal(led.lead, h2, order)).toBeDefined();
    const seen: string[] = [];
    const both = new Promise<void>((resolve) => {
      led.settled(() => seen.push(`${refusal(led.lead, h2, order)?.text ?? 'taken'} first`));
      led.settled(() => {
        seen.push('second');
        resolve();
      });
    });
    expect(seen).toEqual([]);
    expect(await heard).toBe(true);
    await both;
    expect(seen).toEqual(['taken first', 'second']);
  });

  it('do not wait where no news are being kept', () => {
    let isCalled = false;
    led.settled(() => (isCalled = true));
    expect(isCalled).toBe(true);
  });

  it('are refused for now only, if they come before its news', () => {
    const sent: unknown[] = [];
    const wire = { send: (to: string, envelope: Envelope) => sent.push([to, envelope]) > 0 };
    const links = { wire } as unknown as Links;
    expect(isRefused(links, { leader: 'h1', term: 3 }, h2, order)).toBe(true);
    const failure = { code: 'refused', text: 'h2 does not lead here in term 3', retry: true };
    expect(sent).toEqual([['h2', { is: 'refused', ask: 7, failure }]]);
    expect(isRefused(links, { leader: 'h2', term: 4 }, h2, order)).toBe(false);
    expect(sent).toHaveLength(1);
  });
});
