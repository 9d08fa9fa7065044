import { describe, expect, it } from 'vitest';
import { type Session, session } from '../../src/actors/session/session.ts';
import { failure } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { Message } from '../../src/protocol/messages.ts';
import { answered, done, failed, NOW, Stage, told, unanswered } from './stage.ts';
import { ANN, ID, OPERATOR, submitted } from './things.ts';

const on = (user: Session['user'] = ANN) =>
  new Stage<Session>(session, session.init({ user }, NOW));

describe('a session', () => {
  it('has a submission checked, makes the job of it, and gives its answer', () => {
    const stage = on();
    expect(stage.hear(told('job.submit', { script: 'x', inputs: [] }, 7)).effects).toEqual([
      'run admit (7)',
    ]);
    expect(stage.hear(done('admit', submitted(), '7')).effects).toEqual([
      `ask /jobs/${ID} job.create (7)`,
    ]);
    expect(stage.raw[0]).toMatchObject({ as: ANN, ms: limits.callMs });
    expect(stage.hear(answered('job.create', { id: ID }, '7')).effects).toEqual([
      `reply 7 {"id":"${ID}"}`,
    ]);
    expect(stage.state.calls).toBe(0);
  });

  it('says of a submission where it came from, whatever its terminal says', () => {
    const from = '10.0.0.9';
    const stage = new Stage<Session>(session, session.init({ user: ANN, from }, NOW));
    const body = { script: 'x', inputs: [], from: 'elsewhere' };
    stage.hear(told('job.submit', body, 7));
    expect(stage.raw[0]).toMatchObject({ input: { user: ANN, from, body } });
  });

  it.each(['job.checkpoint', 'job.tie', 'job.purge'] as const)('brings %s to its job', (name) => {
    const stage = on();
    expect(stage.hear(told(name, { id: ID }, 7)).effects).toEqual([`ask /jobs/${ID} ${name} (7)`]);
    expect(stage.raw[0]).toMatchObject({ as: ANN });
    expect(stage.hear(unanswered(failure('forbidden', 'no'), '7')).effects).toEqual([
      'refuse 7 forbidden: no',
    ]);
  });

  const forAdmins = ['job.cancel', 'job.requeue', 'job.hold', 'job.release', 'job.update'] as const;
  it.each(forAdmins)('has looked up what its user is to the job, and brings %s to it', (name) => {
    const stage = on();
    expect(stage.hear(told(name, { id: ID }, 7)).effects).toEqual(['run vouch (7)']);
    const asked = { name, body: { id: ID } } as Message;
    expect(stage.raw[0]).toMatchObject({ input: { user: ANN, message: asked } });
    const as = { ...ANN, adminOf: 'lab' };
    expect(stage.hear(done('vouch', { user: as, message: asked }, '7')).effects).toEqual([
      `ask /jobs/${ID} ${name} (7)`,
    ]);
    expect(stage.raw[0]).toMatchObject({ as });
    // It holds for that call alone.
    expect(stage.state).toEqual({ phase: 'open', user: ANN, from: '', calls: 1 });
    expect(stage.hear(answered(name, { id: ID }, '7')).effects).toEqual([`reply 7 {"id":"${ID}"}`]);
    expect(on(OPERATOR).hear(told(name, { id: ID }, 7)).effects).toEqual([
      `ask /jobs/${ID} ${name} (7)`,
    ]);
  });

  it('has the beginning of an id made whole first', () => {
    const stage = on();
    expect(stage.hear(told('job.cancel', { id: '0197' }, 7)).effects).toEqual(['run resolve (7)']);
    const whole = { name: 'job.cancel', body: { id: ID } } as Message;
    expect(stage.hear(done('resolve', whole, '7')).effects).toEqual(['run vouch (7)']);
    expect(stage.raw[0]).toMatchObject({ input: { user: ANN, message: whole } });
    stage.hear(told('job.show', { id: '0197' }, 8));
    const show = { name: 'job.show', body: { id: ID } } as Message;
    expect(stage.hear(done('resolve', show, '8')).effects).toEqual(['run read (8)']);
  });

  it.each([
    ['secret.set', { name: 'db', secret: 'value' }, 'secret.keep', { sealed: 'v1.x' }],
    ['secret.remove', { name: 'db' }, 'secret.drop', {}],
  ] as const)('brings %s to the safe of its user, and no value', (name, body, said, more) => {
    const stage = on();
    expect(stage.hear(told(name, body, 7)).effects).toEqual(['run resolve (7)']);
    expect(stage.raw[0]).toMatchObject({ input: { user: ANN, message: { name, body } } });
    const resolved = { name: said, body: { owner: ANN.id, name: 'db', ...more } } as Message;
    expect(stage.hear(done('resolve', resolved, '7')).effects).toEqual([
      `ask /safes/${ANN.id} ${said} (7)`,
    ]);
    expect(stage.raw[0]).toMatchObject({ as: ANN });
    expect(JSON.stringify([stage.state, stage.raw])).not.toContain('value');
    expect(stage.hear(answered(said, { name: 'db' }, '7')).effects).toEqual([
      'reply 7 {"name":"db"}',
    ]);
  });

  it('has a change of entries judged, and brings it to who keeps them', () => {
    const stage = on(OPERATOR);
    const changes = [{ kind: 'account', name: 'lab', fields: {}, revision: 0 } as const];
    expect(stage.hear(told('entry.change', { changes: [...changes] }, 7)).effects).toEqual([
      'run resolve (7)',
    ]);
    const put = { name: 'entry.put', body: { changes, seen: 3 } } as unknown as Message;
    expect(stage.hear(done('resolve', put, '7')).effects).toEqual(['ask /entries entry.put (7)']);
    expect(stage.raw[0]).toMatchObject({ as: OPERATOR, message: put });
  });

  it('has the rest read', () => {
    const stage = on();
    expect(stage.hear(told('job.list', {}, 7)).effects).toEqual(['run read (7)']);
    expect(stage.hear(done('read', { jobs: [], next: '' }, '7')).effects).toEqual([
      'reply 7 {"jobs":[],"next":""}',
    ]);
    stage.hear(told('node.status', {}, 8));
    expect(stage.hear(failed('read', failure('not_found', 'no'), '8')).effects).toEqual([
      'refuse 8 not_found: no',
    ]);
  });

  it('brings an operator’s word on a node to it, under the operator’s name', () => {
    const stage = on(OPERATOR);
    expect(stage.hear(told('node.gone', { node: 'n1' }, 7)).effects).toEqual([
      'ask /nodes/n1 node.gone (7)',
    ]);
    expect(stage.raw[0]).toMatchObject({ as: OPERATOR });
  });

  it('answers each call by itself, in whatever order answers come', () => {
    const stage = on();
    stage.hears(told('job.list', {}, 7), told('job.cancel', { id: ID }, 8));
    expect(stage.hear(answered('job.cancel', { id: ID }, '8')).effects).toEqual([
      `reply 8 {"id":"${ID}"}`,
    ]);
    expect(stage.hear(done('read', { jobs: [] }, '7')).effects).toEqual(['reply 7 {"jobs":[]}']);
    expect(stage.state.calls).toBe(0);
  });

  it('takes no more calls at once than it may', () => {
    const stage = new Stage<Session>(session, {
      ...session.init({ user: ANN }, NOW),
      calls: limits.callsMax,
    });
    expect(stage.hear(told('job.list', {}, 7)).effects).toEqual([
      `refuse 7 busy: more than ${limits.callsMax} calls at once`,
    ]);
    stage.hear(done('read', {}, '1'));
    expect(stage.hear(told('job.list', {}, 7)).effects).toEqual(['run read (7)']);
  });
});
