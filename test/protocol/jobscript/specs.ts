import fc from 'fast-check';
import { unprintableAt } from '../../../src/protocol/jobscript/flaw.ts';
import { literal } from '../../../src/protocol/jobscript/pattern.ts';
import { emptySpec, type JobSpec } from '../../../src/protocol/jobscript/spec.ts';
import { limits } from '../../../src/protocol/limits.ts';

/** Text as people write it, and what looks like a shell's marks. */
const text = (charsMax: number) =>
  fc
    .string({
      unit: fc.oneof(fc.constantFrom(...' \'"\\$`#*~=,%é名👍'), fc.string({ maxLength: 1 })),
    })
    .map((made) => [...made].slice(0, charsMax).join('').trim())
    .filter((made) => unprintableAt(made, false) < 0);
const word = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,20}$/);
const orNot = <T>(made: fc.Arbitrary<T>, not: T) => fc.oneof(fc.constant(not), made);
const count = (min: number, max: number) => fc.integer({ min, max });

const anyPath = text(40).filter((made) => made !== '');
const belowPath = anyPath.filter((made) => !made.split('/').includes('..'));
/** Names that differ in more than dots and slashes, which would make two paths one file. */
const files = fc.uniqueArray(
  fc
    .tuple(text(20), fc.constantFrom('', '*', '[ab]?', '**'))
    .map(([made, wild]) => `${literal(made.replaceAll('/', '-'))}${wild}`)
    .filter((made) => made !== ''),
  { maxLength: 12 },
);

const port = fc.record({
  port: count(1, 65_535),
  protocol: fc.constant('tcp' as const),
  direction: fc.constantFrom('in' as const, 'out' as const),
});

const variable = fc
  .stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,12}$/)
  .filter((name) => !name.startsWith('SWM_') && name !== '__proto__');
const value = fc.string({ unit: 'binary' }).filter((made) => !/[\n\0]/.test(made));

const array = fc
  .record({ first: count(0, 1000), tasks: count(1, 500), step: count(1, 9), limit: count(0, 50) })
  .map(({ first, tasks, step, limit }) => ({ first, last: first + tasks * step, step, limit }));

const dependencies = fc
  .record({ after: ids(), 'after-ok': ids(), 'after-not-ok': ids(), 'after-any': ids() })
  .map((lists) =>
    (['after', 'after-ok', 'after-not-ok', 'after-any'] as const)
      .map((when) => ({ when, jobs: lists[when] }))
      .filter(({ jobs }) => jobs.length > 0),
  );

function ids() {
  const id = fc.oneof(fc.uuid(), fc.stringMatching(/^[0-9a-f]{8}$/));
  return fc.uniqueArray(id, { maxLength: 5 });
}

const secrets = fc.uniqueArray(
  fc
    .tuple(fc.stringMatching(/^[A-Za-z][A-Za-z0-9._-]{0,20}$/), fc.nat(999), fc.boolean())
    .map(([name, at, isFile]) => ({
      name,
      as: isFile ? ('file' as const) : ('env' as const),
      // No other variable of a spec has such a name.
      to: isFile ? `of it/${at}` : `secret_of_it_${at}`,
    })),
  { maxLength: 4, selector: ({ to }) => to },
);

/** Any spec that a script can ask for. */
export const specs: fc.Arbitrary<JobSpec> = fc
  .record({
    name: text(limits.nameCharsMax),
    comment: text(100),
    account: text(20),
    flavor: text(20),
    cloudImage: text(20),
    containerImage: orNot(word, ''),
    containerLogin: orNot(word, ''),
    queue: orNot(word, ''),
    cpus: count(0, limits.cpusMax),
    memoryBytes: orNot(count(limits.memoryBytesMin, limits.memoryBytesMax), 0),
    gpus: count(0, limits.gpusMax),
    nodes: count(1, limits.nodesMax),
    ports: fc.uniqueArray(port, { maxLength: 8, selector: (made) => made.port }),
    submissionAddress: orNot(fc.ipV4(), ''),
    stdin: orNot(belowPath, ''),
    stdout: orNot(belowPath, ''),
    stderr: orNot(belowPath, ''),
    workdir: orNot(belowPath, ''),
    relocatable: fc.boolean(),
    inputFiles: files,
    outputFiles: files.map((made) => made.filter((file) => file !== '..' && file !== '.')),
    storage: fc.uniqueArray(anyPath, { maxLength: 4 }),
    keepResources: fc.boolean(),
    checkpoint: fc.boolean(),
    checkpointDir: orNot(belowPath, ''),
    checkpointIntervalMs: count(0, 1_000_000).map((seconds) => seconds * 1000),
    checkpointSignal: fc.constantFrom('usr1', 'usr2', 'hup', 'int', 'term'),
    walltimeMs: count(0, limits.walltimeMsMax / 1000).map((seconds) => seconds * 1000),
    priority: count(-limits.priorityMax, limits.priorityMax),
    env: fc.dictionary(variable, value, { maxKeys: 6, noNullPrototype: true }),
    secrets,
    array: orNot(array, emptySpec.array),
    after: dependencies,
    budget: orNot(count(1, 1e9), 0).map((cents) => cents / 100),
    maxPrice: orNot(count(1, 1e9), 0).map((cents) => cents / 100),
    deadlineMs: count(0, limits.walltimeMsMax / 1000).map((seconds) => seconds * 1000),
    retries: count(0, limits.retriesMax),
    onNodeLoss: fc.constantFrom('wait' as const, 'requeue' as const),
    ranks: fc.constantFrom('main' as const, 'all' as const),
    hold: fc.boolean(),
    gang: orNot(word, ''),
    gangSize: count(0, limits.gangMax),
    exclusive: fc.boolean(),
    constraint: fc.uniqueArray(word, { maxLength: 4 }),
    gpuKind: orNot(word, ''),
    countables: fc.dictionary(word, count(1, limits.namedCountMax), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
    preemptible: fc.boolean(),
    slurm: fc.boolean(),
    notify: orNot(fc.webUrl({ withQueryParameters: true, withFragments: true }), ''),
  })
  // What says more of something is not there without it.
  .map((spec) => ({
    ...spec,
    gangSize: spec.gang === '' ? 0 : spec.gangSize,
    gpuKind: spec.gpus === 0 ? '' : spec.gpuKind,
  }));
