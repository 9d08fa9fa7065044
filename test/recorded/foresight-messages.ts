import type { foresightShapes } from '../../src/protocol/foresight-shapes.ts';
import type { Body, Reply } from '../../src/protocol/messages.ts';
import { at, id, placement, spec } from './values.ts';

type Asked = keyof typeof foresightShapes;

/** What is asked about what is to come of jobs. */
export const foresightSamples: {
  readonly [N in Asked]: { readonly body: Body<N>; readonly reply: Reply<N> };
} = {
  'job.why': {
    body: { id: id.slice(0, 8) },
    reply: {
      ...{ id, phase: 'queued', waits: true, reasons: ['needs 1 node with 8 cpus; 0 free now'] },
      change: { does: 'ask', directive: 'cpus', value: '4', job: null },
    },
  },
  'job.when': {
    body: { id: id.slice(0, 8) },
    reply: {
      ...{ id, phase: 'queued', waits: true, startedAt: 0 },
      start: { from: at, likely: at + 1, until: null },
    },
  },
  'job.plan': {
    body: { script: '#!/bin/sh\n', file: 'größer.sh' },
    reply: {
      ...{ start: { from: at, likely: at, until: at }, reasons: [], placement },
      ...{ walltimeMs: 60_000, pricePerHour: 0.384, cost: null },
    },
  },
  'scheduler.foresee': {
    body: { job: null, spec, owner: 'ann', wants: 'start' },
    reply: {
      ...{ waits: true, reasons: ['needs 1 node'], placement },
      change: { does: 'cancel', directive: '', value: '', job: id },
      start: { from: null, likely: null, until: null },
    },
  },
};
