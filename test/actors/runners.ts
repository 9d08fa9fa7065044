import { runner } from '../../src/actors/runner/behaviour.ts';
import type { Runner } from '../../src/actors/runner/runner.ts';
import type { Body } from '../../src/protocol/messages.ts';
import type { Spec } from '../../src/protocol/model.ts';
import { NOW } from './stage.ts';
import { ID, one, spec } from './things.ts';

export const RUNNER = `${ID}.1.0`;

export const orderOf = (
  change: Partial<Body<'runner.order'>> = {},
  asked: Partial<Spec> = {},
): Body<'runner.order'> => ({
  runner: RUNNER,
  node: 'n1',
  job: ID,
  attempt: 1,
  rank: 0,
  go: true,
  spec: spec(asked),
  script: '#!/bin/sh\n',
  scriptBlob: null,
  inputs: [],
  nodes: ['n1'],
  addresses: ['10.0.0.1'],
  resources: one,
  owner: 'ann',
  ...change,
});

export const stopOf = (change: Partial<Body<'runner.stop'>> = {}): Body<'runner.stop'> => ({
  runner: RUNNER,
  node: 'n1',
  job: ID,
  attempt: 1,
  rank: 0,
  failure: null,
  graceMs: 5_000,
  ...change,
});

export const place = { directory: '/j/work', script: '/j/script', stdout: '/j/o', stderr: '/j/e' };

/** A runner in a phase, of which the head has heard all but the last. */
export const aRunner = (
  phase: Runner['phase'],
  change: Partial<Runner> = {},
  asked: Partial<Spec> = {},
): Runner => ({
  ...runner.init(orderOf({}, asked), NOW),
  phase,
  seq: 5,
  taken: 4,
  place: phase === 'staging' ? null : place,
  startedAt: NOW,
  ...change,
});
