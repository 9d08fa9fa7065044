import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cluster } from '../../src/actors/cluster/behaviour.ts';
import { type Cluster, free, portsOf } from '../../src/actors/cluster/cluster.ts';
import { claimOf, given, hold, MADE, made, member } from './clusters.ts';
import { NOW, Stage, told } from './stage.ts';
import { ID, OTHER, onMade, onNodes } from './things.ts';

const THIRD = '22222222-2222-7333-8444-555555555555';
const on = (state: Cluster) => new Stage<Cluster>(cluster, state);
const claim = (...args: Parameters<typeof claimOf>) => told('cluster.claim', claimOf(...args), 7);
const unclaim = (job: string, attempt: number, of = MADE) =>
  told('cluster.unclaim', { cluster: of, job, attempt }, 8);
const NEWS = [`tell /jobs/${ID} job.cluster`, 'tell /scheduler scheduler.cluster'];
const wide = (cpus: number, ...nodes: string[]) => ({
  ...onNodes(...nodes),
  resources: { cpus, memoryBytes: 0, gpus: 0 },
});

describe('a claim on given nodes', () => {
  it('is a hold once it is saved, and the same again is told how things are', () => {
    const stage = on(given());
    expect(stage.hear(claim(wide(2, 'n1')))).toEqual({
      phase: 'up',
      moved: false,
      effects: ['reply 7 {}', ...NEWS],
    });
    expect(stage.sent('scheduler.cluster').claimed).toEqual({ job: ID, attempt: 1 });
    const before = stage.state;
    expect(stage.hear(claim(wide(2, 'n1'))).effects).toEqual(['reply 7 {}', NEWS[0]]);
    expect(stage.state).toBe(before);
  });

  const held = given({ holds: [hold({ ...onNodes('n1'), ports: [8888] }, { job: OTHER })] });
  it.each([
    ['more than a node has left', held, wide(2, 'n1'), 'full: node n1 has not enough free'],
    [
      'a port that is in use',
      held,
      { ...onNodes('n1'), ports: [80, 8888] },
      'full: port 8888 of node n1 is used by another job',
    ],
    ['a node that is not there', held, onNodes('n9'), 'full: node n9 is not up'],
    [
      'a silent node',
      given({ members: [member('n1', { phase: 'silent', since: NOW - 3_000 })] }),
      onNodes('n1'),
      'full: node n1 is not up',
    ],
    [
      'a node that fell silent just now',
      given({ members: [member('n1', { phase: 'silent', since: NOW - 2_999 })] }),
      onNodes('n1'),
      'busy: node n1 is silent, and may be back at once',
    ],
    [
      'a cluster that was made',
      made('up'),
      { ...onNodes(`${MADE}-0`), cluster: MADE },
      `refused: cluster ${MADE} was made for job ${ID}`,
    ],
  ])('of %s is refused, and changes nothing', (_, state, placement, why) => {
    const stage = on(state);
    const before = stage.state;
    expect(stage.hear(claim(placement, { job: THIRD, attempt: 4 }))).toEqual({
      phase: before.phase,
      moved: false,
      effects: [`refuse 7 ${why}`],
    });
    expect(stage.state).toBe(before);
  });

  it('of the next attempt ends the hold of the one before, whose end was never heard', () => {
    const stage = on(given({ holds: [hold(wide(2, 'n1'))] }));
    expect(stage.hear(claim(wide(2, 'n1'), { attempt: 2 })).effects[0]).toBe('reply 7 {}');
    expect(stage.state.holds.map(({ attempt }) => attempt)).toEqual([2]);
  });

  it('never takes more than there is, in whatever order claims and ends come', () => {
    const some = fc.record({
      ends: fc.boolean(),
      job: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      attempt: fc.integer({ min: 1, max: 3 }),
      cpus: fc.integer({ min: 1, max: 2 }),
      nodes: fc.constantFrom(['n1'], ['n2'], ['n1', 'n2']),
      ports: fc.constantFrom<number[][]>([], [80], [80, 81]),
    });
    fc.assert(
      fc.property(fc.array(some, { maxLength: 40 }), (plays) => {
        const stage = on(given());
        for (const { ends, job, attempt, cpus, nodes, ports } of plays) {
          const placement = { ...wide(cpus, ...nodes), ports };
          const said = ends ? unclaim(job, attempt, 'here') : claim(placement, { job, attempt });
          const [answer = ''] = stage.hear(said).effects;
          expect(answer).toMatch(/^(reply|refuse)/);
          for (const m of stage.state.members) {
            expect(free(stage.state, m).cpus).toBeGreaterThanOrEqual(0);
            const used = portsOf(stage.state, m);
            expect(new Set(used).size).toBe(used.length);
          }
        }
      }),
    );
  });
});

describe('a claim that has a cluster made', () => {
  it.each(['creating', 'joining', 'up', 'releasing'] as const)(
    'waits for the former one of that name, which is %s',
    (phase) => {
      const stage = on(made(phase, { holds: [], left: [{ job: ID, attempt: 1 }] }));
      expect(stage.hear(claim(onMade(), { attempt: 2 })).effects).toEqual([
        `refuse 7 releasing: cluster ${MADE} of another attempt is not gone yet`,
      ]);
    },
  );

  it('begins anew where the former one is gone, with nothing of it left', () => {
    const failure = { code: 'lost', text: '', retry: true } as const;
    const left = [{ job: ID, attempt: 1 }];
    const stage = on(made('gone', { life: 4, externalId: '/id/1', failure, left, tries: 2 }));
    expect(stage.hear(claim(onMade(2), { attempt: 2 })).phase).toBe('creating');
    expect(stage.state).toMatchObject({
      life: 5,
      externalId: '',
      failure: null,
      left: [],
      hashes: null,
      expected: [],
      tries: 0,
      createdAt: NOW,
    });
    expect(stage.state.holds.map(({ attempt }) => attempt)).toEqual([2]);
    expect(stage.state.members.map(({ phase }) => phase)).toEqual(['expected', 'expected']);
  });

  it('of another job that has the same first digits is refused while it lasts', () => {
    const stage = on(made('up'));
    expect(stage.hear(claim(onMade(), { job: OTHER })).effects).toEqual([
      `refuse 7 refused: the name ${MADE} is taken by job ${ID}`,
    ]);
    expect(stage.hear(unclaim(OTHER, 1))).toEqual({
      phase: 'up',
      moved: false,
      effects: ['reply 8 {"gone":true}'],
    });
  });

  it('of the next attempt releases the one before, whose end was never heard', () => {
    const stage = on(made('up'));
    expect(stage.hear(claim(onMade(), { attempt: 2 }))).toEqual({
      phase: 'releasing',
      moved: true,
      effects: [
        `refuse 7 releasing: cluster ${MADE} of another attempt is not gone yet`,
        'tell /scheduler scheduler.cluster',
        'run remove',
      ],
    });
  });
});

describe('the end of a hold', () => {
  it.each(['creating', 'joining', 'up'] as const)('releases a cluster that is %s', (phase) => {
    const stage = on(made(phase));
    expect(stage.hear(unclaim(ID, 1))).toEqual({
      phase: 'releasing',
      moved: true,
      effects: ['reply 8 {"gone":false}', ...NEWS, 'run remove'],
    });
  });

  it('is over only when all of it is gone, however often it is asked', () => {
    const stage = on(made('releasing'));
    stage.hear(unclaim(ID, 1));
    const before = stage.state;
    expect(stage.hear(unclaim(ID, 1))).toEqual({
      phase: 'releasing',
      moved: false,
      effects: ['reply 8 {"gone":false}'],
    });
    expect(stage.state).toBe(before);
    expect(on(made('gone')).hear(unclaim(ID, 1)).effects).toEqual(['reply 8 {"gone":true}']);
  });

  it('on given nodes is over at once', () => {
    const stage = on(given({ holds: [hold(onNodes('n1'))] }));
    expect(stage.hear(unclaim(ID, 1, 'here')).effects).toEqual([
      'reply 8 {"gone":true}',
      'tell /scheduler scheduler.cluster',
    ]);
    expect(stage.hear(unclaim(ID, 1, 'here')).effects).toEqual(['reply 8 {"gone":true}']);
  });
});

describe('news of a hold', () => {
  const ask = (attempt: number) => told('cluster.news', { cluster: MADE, job: ID, attempt }, 9);
  const phaseTold = (state: Cluster, attempt: number) => {
    const stage = on(state);
    expect(stage.hear(ask(attempt)).effects).toEqual(['reply 9 {}', NEWS[0]]);
    return stage.sent('job.cluster').phase;
  };

  it('are told again to who asks', () => {
    expect(phaseTold(made('up'), 1)).toBe('up');
    expect(phaseTold(made('releasing', { holds: [], left: [{ job: ID, attempt: 1 }] }), 1)).toBe(
      'releasing',
    );
  });

  it('say gone of an attempt whose cluster is another by now', () => {
    expect(phaseTold(made('up', { holds: [hold(onMade(), { job: OTHER })], job: OTHER }), 1)).toBe(
      'gone',
    );
    expect(phaseTold(given(), 1)).toBe('up');
  });
});
