import type { Placement, Spec } from '../../protocol/model.ts';
import type { Millis } from '../../runtime/ports.ts';
import {
  type InLine,
  isAhead,
  keyOf,
  type Line,
  type Lines,
  pruned,
  queued,
  withKind,
} from './lines.ts';
import { type Found, type FreeNode, type Open, type Picture, place } from './place.ts';
import { isAsked } from './want.ts';
import { onWarm } from './warm.ts';

export type Proposal = {
  readonly id: string;
  readonly attempt: number;
  readonly placement: Placement;
};

/** What a pass comes to. */
export type Passed = {
  readonly proposals: readonly Proposal[];
  /** The lines without those that were proposed a place. */
  readonly lines: Lines;
  /** By kind: why the first of its line waits on, and so all behind it. */
  readonly refused: ReadonlyMap<string, Refusal>;
};
export type Refusal = Exclude<Found, { readonly placement: Placement }>;

export type Fit = {
  readonly proposals: readonly Proposal[];
  /** For each job that waits on: why, in words for its owner. */
  readonly reasons: Readonly<Record<string, string>>;
  /** Jobs that nothing here could ever run, and why. */
  readonly impossible: Readonly<Record<string, string>>;
};

/**
 * Proposes places to those who wait in line, in order: highest priority first, then first come,
 * first served. What is free only shrinks within a pass, so that a kind that was refused is done
 * with: the cost follows how many are placed, and how many lines there are. A proposal is no
 * promise: the cluster that it names decides.
 */
export function passOver(
  lines: Lines,
  waits: (job: InLine) => boolean,
  free: Omit<Picture, 'waiting'>,
): Passed {
  const room: Open = {
    nodes: free.nodes.map((n) => ({ ...n, ports: [...n.ports] })),
    sites: free.sites.map((s) => ({ ...s })),
    warm: [...free.warm],
    relocate: free.relocate,
  };
  const proposals: Proposal[] = [];
  const refused = new Map<string, Refusal>();
  const left = new Map<string, Line>();
  const open = opened(lines, waits);
  for (let line = open.pop(); line !== undefined; line = open.pop()) {
    const job = headOf(line);
    const found = placed(job, refused.get(job.kind), room);
    if (found.placement === undefined) {
      refused.set(job.kind, found);
      left.set(keyOf(job), line);
      continue;
    }
    proposals.push({ id: job.id, attempt: job.attempt, placement: found.placement });
    const behind = pruned({ ...line, from: line.from + 1 }, waits);
    if (behind !== undefined) putBack(open, behind);
  }
  return { proposals, lines: left, refused };
}

/** Lines of one kind are refused together; but something may be kept for the owner of one. */
function placed(job: InLine, before: Refusal | undefined, room: Open): Found {
  if (before === undefined) return place(job, room);
  const mayBeMade = isAsked(job.spec) || room.relocate === 'when-full';
  return (mayBeMade ? onWarm(job, room) : undefined) ?? before;
}

const headOf = ({ jobs, from }: Line): InLine => jobs[from] as InLine;

/** Lines in which somebody waits, so that the one to serve next is the last. */
function opened(lines: Lines, waits: (job: InLine) => boolean): Line[] {
  const open = [...lines.values()].flatMap((line) => pruned(line, waits) ?? []);
  return open.sort((a, b) => (isAhead(headOf(a), headOf(b)) ? 1 : -1));
}

function putBack(open: Line[], line: Line): void {
  let [low, high] = [0, open.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isAhead(headOf(open[middle] as Line), headOf(line))) high = middle;
    else low = middle + 1;
  }
  open.splice(low, 0, line);
}

export const triesAgain = (notBefore: Millis): string =>
  `tries again at ${new Date(notBefore).toISOString()}`;

/** One pass over jobs in no order, with a word on each. */
export function fit(picture: Picture, now: Millis): Fit {
  const ready = picture.waiting.filter(({ notBefore }) => notBefore <= now).map(withKind);
  const { proposals, refused } = passOver(queued(new Map(), ready), () => true, picture);
  const reasons: Record<string, string> = {};
  const impossible: Record<string, string> = {};
  for (const { id, notBefore } of picture.waiting)
    if (notBefore > now) reasons[id] = triesAgain(notBefore);
  const placed = new Set(proposals.map(({ id }) => id));
  for (const { id, kind } of ready) {
    const found = refused.get(kind);
    if (found === undefined || placed.has(id)) continue;
    (found.never ? impossible : reasons)[id] = found.why;
  }
  return { proposals, reasons, impossible };
}

/** Why nothing here could ever run a job, or '' if something could. */
export const neverFits = (picture: Omit<Picture, 'waiting'>, spec: Spec): string => {
  const job = { id: '', attempt: 1, submittedAt: 0, notBefore: 0, spec };
  return fit({ ...picture, nodes: idle(picture.nodes), waiting: [job] }, 0).impossible[''] ?? '';
};

const idle = (nodes: readonly FreeNode[]): readonly FreeNode[] =>
  nodes.map((n) => ({ ...n, up: true, free: n.total, ports: [] }));
