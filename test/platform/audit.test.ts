import { appendFile, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { auditedBy } from '../../src/api/audited.ts';
import { type Audit, openAudit } from '../../src/platform/audit.ts';
import { failure } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import { type Message, message } from '../../src/protocol/messages.ts';
import type { AuditRow } from '../../src/protocol/user-shapes.ts';
import type { Answer } from '../../src/runtime/asks.ts';

let home: string;
let file: string;
let audit: Audit;
const open = (): Audit =>
  openAudit(file, (_level, _path, text) => {
    throw new Error(text);
  });
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'swm-audit-'));
  file = join(home, 'audit.jsonl');
  audit = open();
});
afterEach(async () => {
  audit.close();
  await rm(home, { recursive: true });
});

const row = (at: number, more: Partial<AuditRow> = {}): AuditRow => ({
  ...{ at, who: 'ann', door: 'terminal', from: '10.0.0.1', what: 'job.cancel', of: 'x' },
  result: 'done',
  ...more,
});
const all = () => true;

describe('the audit', () => {
  it('has what was noted, of this life and of the one before, for its owner alone', async () => {
    audit.note(row(1));
    audit.note(row(2));
    audit.close();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    // Cut by a crash.
    await appendFile(file, '{"at":3,"wh\n');
    audit = open();
    audit.note(row(4));
    expect(await audit.rows(all, 10)).toEqual([row(1), row(2), row(4)]);
    expect(await audit.rows(all, 2)).toEqual([row(2), row(4)]);
    expect(await audit.rows(({ at }) => at < 4, 1)).toEqual([row(2)]);
  });

  it('goes on in a new file when one is full, and reads the old one too', async () => {
    audit.note(row(1));
    expect(await audit.rows(all, 10)).toEqual([row(1)]);
    const blank = `${' '.repeat(1_023)}\n`;
    await appendFile(file, blank.repeat(limits.auditFileBytesMax / 1_024));
    audit.close();
    audit = open();
    audit.note(row(2));
    expect(await audit.rows(all, 10)).toEqual([row(1), row(2)]);
    expect(await readdir(home)).toEqual(['audit.jsonl', 'audit.jsonl.1']);
    expect(await readFile(file, 'utf8')).toBe(`${JSON.stringify(row(2))}\n`);
  });
});

describe('what is noted of a call', () => {
  const speaker = {
    user: { door: 'terminal', id: 'ann' },
    from: '10.0.0.1',
    session: 's',
  } as const;
  const noted = (asked: Message, answer: Answer): readonly AuditRow[] => {
    const rows: AuditRow[] = [];
    auditedBy(
      (row) => void rows.push(row),
      () => 7,
    )(
      speaker,
      asked,
    )?.(answer);
    return rows;
  };
  const ok = (body: object): Answer => ({ ok: true, body }) as Answer;

  it('is nothing if it only reads, or says that a terminal is there', () => {
    const reads = ['job.list', 'job.show', 'node.status', 'user.show', 'gate.list'] as const;
    for (const name of [...reads, 'job.tie'] as const)
      expect(noted(message(name, {} as never), ok({}))).toEqual([]);
  });

  it.each<[Message, Answer, Partial<AuditRow>]>([
    [
      message('job.submit', { script: '#!/bin/sh\n', inputs: [] }),
      ok({ id: 'whole' }),
      { what: 'job.submit', of: 'whole' },
    ],
    [
      message('job.cancel', { id: 'who' }),
      ok({ id: 'whole', phase: 'ended' }),
      { what: 'job.cancel', of: 'whole' },
    ],
    [
      message('node.gone', { node: 'w1' }),
      { ok: false, failure: failure('forbidden', 'no') },
      { what: 'node.gone', of: 'w1', result: 'forbidden' },
    ],
    [message('sweep.confirm', {}), ok({}), { what: 'sweep.confirm', of: '' }],
  ])('is %o', (asked, answer, more) => {
    expect(noted(asked, answer)).toEqual([row(7, more)]);
  });

  it('is no secret, neither one that is set nor a token that is given out', () => {
    const set = message('secret.set', { name: 'db', secret: 'hidden' });
    const add = message('user.add', { name: 'ben' });
    const token = { heads: [], caFingerprint: '', token: 'hidden', name: 'ben' };
    expect([...noted(set, ok({ name: 'db' })), ...noted(add, ok(token))]).toEqual([
      row(7, { what: 'secret.set', of: 'db' }),
      row(7, { what: 'user.add', of: 'ben' }),
    ]);
  });

  it('is cut where somebody says too much', () => {
    const long = 'x'.repeat(limits.auditCharsMax + 1);
    const [first] = noted(message('job.cancel', { id: long }), ok({}));
    expect(first?.of).toBe(long.slice(1));
  });
});
