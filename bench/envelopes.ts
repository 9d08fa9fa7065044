import { Packr } from 'msgpackr';
import type { Envelope } from '../src/protocol/envelope.ts';
import { limits } from '../src/protocol/limits.ts';
import { type Message, message, messages } from '../src/protocol/messages.ts';
import { meshCodec } from '../src/protocol/wire/codec.ts';
import { type Bench, run } from './rounds.ts';

/**
 * What it costs to write envelopes into frames, and to read and validate them, on one end of a mesh
 * link: beside msgpackr alone, which learns the same keys and believes everything.
 */

const ENVELOPES = 200_000;
const id = '0123abcd-0123-4abc-8abc-0123456789ab';

/** A worker's reports and their acknowledgement are most of what a busy mesh carries. */
const report = (seq: number): Message =>
  message('job.report', {
    job: id,
    node: 'worker-1',
    attempt: 1,
    rank: 0,
    seq,
    phase: 'running',
    detail: '',
    stagedAt: 1_795_000_000_000,
    startedAt: 1_795_000_000_120,
    exitedAt: 0,
    unenforced: [],
    exit: null,
    collected: null,
    failure: null,
    stopped: false,
  });

const taken = (seq: number): Message => message('runner.taken', { runner: `${id}.1.0`, seq });

function framesOf(make: (seq: number) => Message): readonly (readonly Envelope[])[] {
  const size = limits.frameEnvelopesMax;
  return Array.from({ length: Math.ceil(ENVELOPES / size) }, (_, frame) =>
    Array.from({ length: size }, (_, at) => ({
      is: 'call' as const,
      to: `/jobs/${id}`,
      ask: 0,
      message: make(frame * size + at),
    })),
  );
}

const reports = framesOf(report);
const acknowledgements = framesOf(taken);

const rate = (frames: readonly (readonly Envelope[])[], sinceMs: number): number =>
  (frames.length * limits.frameEnvelopesMax * 1000) / (performance.now() - sinceMs);

function ours(frames: readonly (readonly Envelope[])[]): number {
  const here = meshCodec();
  const there = meshCodec();
  const sinceMs = performance.now();
  for (const frame of frames) there.decode(here.encode(frame));
  return rate(frames, sinceMs);
}

function bare(frames: readonly (readonly Envelope[])[]): number {
  const here = new Packr({ sequential: true });
  const there = new Packr({ sequential: true });
  const sinceMs = performance.now();
  for (const frame of frames) {
    const rows = frame.map((each) => {
      const { to, ask, message } = each as Envelope & { is: 'call' };
      return [messages[message.name].code, to, ask, message.body];
    });
    there.unpack(here.pack(rows));
  }
  return rate(frames, sinceMs);
}

const bench: Bench = {
  name: 'envelopes',
  units: { reports: 'envelopes/s', acknowledgements: 'envelopes/s' },
  setup: 'Packr({ sequential: true }), the same rows, 128 a frame, nothing validated',
  ours: {
    name: 'meshCodec, validated',
    run: () => ({ reports: ours(reports), acknowledgements: ours(acknowledgements) }),
  },
  beside: {
    name: 'msgpackr',
    run: () => ({ reports: bare(reports), acknowledgements: bare(acknowledgements) }),
  },
};

await run(bench);
