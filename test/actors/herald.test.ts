import { describe, expect, it } from 'vitest';
import { type Herald, herald } from '../../src/actors/herald/herald.ts';
import { keeping } from '../../src/actors/herald/keeping.ts';
import { heraldTasks, type Posting } from '../../src/actors/herald/tasks.ts';
import { failure } from '../../src/protocol/errors.ts';
import type { JobChange } from '../../src/protocol/job-change.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { Body } from '../../src/protocol/messages.ts';
import { memoryStore } from './memory.ts';
import { done, failed, NOW, Stage, told } from './stage.ts';
import { ID } from './things.ts';

const URL = 'https://hooks.example.org/token-in-the-path';
const change = (seq: number): JobChange => ({
  ...{ seq, at: NOW + seq, name: 'n', state: 'R', phase: 'running', details: '' },
  ...{ exitcode: 0, signal: 0, attempt: 1, run: 1, submittedAt: NOW, startedAt: NOW, endedAt: 0 },
});
const changes = (from: number, to: number): JobChange[] =>
  Array.from({ length: to - from + 1 }, (_, i) => change(from + i));
const body = (list: JobChange[]): Body<'herald.tell'> => ({ job: ID, url: URL, changes: list });
const tell = (...list: JobChange[]) => told('herald.tell', body(list), 5);
const on = () => new Stage<Herald>(herald, herald.init(body([]), NOW));
const refused = failure('refused', 'it answered with status 503', true);
const forbidden = failure('forbidden', 'it may not be told', false);
const seqs = ({ state }: Stage<Herald>) => state.untold.map(({ seq }) => seq);

describe('a herald', () => {
  it('tells each change once, in their order, and then rests', () => {
    const stage = on();
    expect(stage.entered()).toEqual([]);
    expect(stage.hear(tell(change(1), change(2)))).toEqual({
      phase: 'telling',
      moved: true,
      effects: ['reply 5 {"seq":2}', 'run post (1)'],
    });
    // What comes meanwhile waits, and what it knows is nothing new.
    expect(stage.hear(tell(change(2), change(3)))).toEqual({
      phase: 'telling',
      moved: false,
      effects: ['reply 5 {"seq":3}'],
    });
    expect(stage.hear(done('post', null, '1')).effects).toEqual(['run post (2)']);
    expect(stage.hear(done('post', null, '2')).effects).toEqual(['run post (3)']);
    expect(stage.hear(done('post', null, '3'))).toEqual({
      phase: 'idle',
      moved: true,
      effects: [],
    });
    expect(stage.hear(tell(...changes(1, 3)))).toMatchObject({
      moved: false,
      effects: ['reply 5 {"seq":3}'],
    });
  });

  it('tells it again after a restart, and waits no longer than it would have', () => {
    const stage = on();
    stage.hear(tell(change(1)));
    expect(stage.entered()).toEqual(['run post (1)']);
    expect(stage.hear(failed('post', refused, '1')).effects).toEqual(['after 1000 again']);
    expect(stage.entered(400)).toEqual(['after 600 again']);
    expect(stage.entered(1_000)).toEqual(['run post (1)']);
    expect(stage.hear({ is: 'again' }, 1_000).effects).toEqual(['run post (1)']);
  });

  it('tries a change so often and no more, and goes on with the next', () => {
    const stage = on();
    stage.hear(tell(change(1), change(2)));
    const pauses: string[] = [];
    let at = 0;
    for (let tries = 1; tries < limits.heraldTriesMax; tries++) {
      const [effect = ''] = stage.hear(failed('post', refused, '1'), at).effects;
      pauses.push(effect);
      at += Number(effect.split(' ')[1]);
      expect(stage.hear({ is: 'again' }, at).effects).toEqual(['run post (1)']);
    }
    expect(pauses.slice(0, 4)).toEqual([1, 2, 4, 8].map((s) => `after ${s}000 again`));
    expect(pauses.at(-1)).toBe('after 600000 again');
    expect(stage.hear(failed('post', refused, '1'), at).effects).toEqual([
      // Nothing of the URL but its host is for the log.
      `note change 1 of job ${ID} is not told to hooks.example.org: ${refused.text}`,
      'run post (2)',
    ]);
    // The next has all tries again.
    expect(stage.hear(failed('post', refused, '2'), at).effects).toEqual(['after 1000 again']);
  });

  it('gives up sooner what would be told too late, or may not be told', () => {
    const stage = on();
    stage.hear(tell(change(1), change(2)));
    const late = limits.heraldMsMax - 999;
    expect(stage.hear(failed('post', refused, '1'), late).effects.at(-1)).toBe('run post (2)');
    expect(stage.hear(failed('post', forbidden, '2'), late)).toMatchObject({
      phase: 'idle',
      effects: [`note change 2 of job ${ID} is not told to hooks.example.org: ${forbidden.text}`],
    });
  });

  it('keeps so many, the newest, and takes the end of one that is gone for nothing', () => {
    const stage = on();
    const most = limits.heraldChangesMax;
    stage.hear(tell(...changes(1, most)));
    stage.hear(tell(change(most + 1), change(most + 2)));
    expect(seqs(stage)).toEqual(changes(3, most + 2).map(({ seq }) => seq));
    expect(stage.hear(done('post', null, '1')).effects).toEqual(['run post (3)']);
    expect(seqs(stage)).toHaveLength(most);
  });

  it('is live while it has something to tell, and is forgotten when it is long over', () => {
    const stage = on();
    const store = memoryStore();
    const path = `/heralds/${ID}`;
    const index = () => keeping.index(stage.state, path);
    stage.hear(tell(change(1)));
    expect(index()).toEqual(['/live/heralds']);
    store.keep(keeping, path, stage.state);
    const { head } = keeping.split(stage.state) as { head: object };
    expect(keeping.decode('head', keeping.encode('head', head))).toEqual(stage.state);
    const forget = (before: number) => told('herald.forget', { job: ID, before });
    stage.hear(forget(NOW + 10));
    expect(stage.state.erased).toBe(false);
    stage.hear(done('post', null, '1'), 10);
    expect(index()).toEqual([`/tombs/${String(NOW + 10).padStart(15, '0')}`]);
    stage.hear(forget(NOW + 10));
    expect(stage.state.erased).toBe(false);
    stage.hear(forget(NOW + 11));
    expect(keeping.split(stage.state)).toEqual({});
    // Whoever speaks to it meanwhile finds it as if it were new.
    stage.hear(tell(change(4)));
    expect(stage.state).toMatchObject({ phase: 'telling', erased: false });
  });

  it('says what the change was, under a name that it has at each try', async () => {
    const said: Posting[] = [];
    const tasks = heraldTasks({ post: async (posting) => void said.push(posting) });
    const context = { signal: new AbortController().signal, emit: () => {}, path: '' };
    const input = { job: ID, url: URL, change: change(4) };
    await tasks.post(input, context);
    await tasks.post(input, context);
    expect(said[0]).toEqual(said[1]);
    expect(said[0]).toMatchObject({ url: URL, delivery: `${ID}.4` });
    expect(JSON.parse(said[0]!.body)).toEqual({ id: ID, ...change(4) });
  });
});
