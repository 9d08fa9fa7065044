import { basename, extname } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import type { Client } from '../client/client.ts';
import { merge } from '../config.ts';
import { type ConfigFile, readConfigFile } from '../config-file.ts';
import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { defaultPolicy, Policy } from '../protocol/policy.ts';
import { policyFlaws } from '../protocol/policy-flaws.ts';
import { type ShapeError, shapeErrors } from '../protocol/shape-errors.ts';
import { readHistory } from '../simulate/history.ts';
import { Machine } from '../simulate/machine.ts';
import { readSwf } from '../simulate/swf.ts';
import type { Fault, Trace } from '../simulate/trace.ts';
import { Usage } from './exits.ts';
import { readGiven } from './given.ts';
import { allJobs } from './jobs.ts';

/** What a simulation is given: a trace, a machine, policies. What is wrong has its place told. */

/** A file in the Standard Workload Format, or our own jobs as JSON; perhaps packed by gzip. */
export async function readTrace(file: string): Promise<Trace> {
  const text = textOf(file, await readGiven(file, limits.traceBytesMax));
  if (!/^\s*\[/.test(text)) {
    const { trace, faults } = readSwf(text);
    return faultless(trace, faults, (line) => `${file}:${line}`);
  }
  const { trace, faults } = readHistory(rowsIn(file, text));
  return faultless(trace, faults, (line) => `${file}: job ${line} of the list`);
}

function rowsIn(file: string, text: string): readonly unknown[] {
  try {
    return JSON.parse(text) as unknown[];
  } catch (error) {
    throw new Usage(`${file}: is no JSON: ${(error as Error).message}`);
  }
}

function textOf(file: string, bytes: Uint8Array): string {
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
  try {
    const plain = isPacked ? gunzipSync(bytes, { maxOutputLength: limits.traceBytesMax }) : bytes;
    return new TextDecoder('utf-8', { fatal: true }).decode(plain);
  } catch (error) {
    throw new Usage(`${file}: cannot be read as text: ${(error as Error).message}`);
  }
}

function faultless(trace: Trace, faults: readonly Fault[], place: (line: number) => string): Trace {
  const told = faults
    .slice(0, limits.faultsTold)
    .map(({ line, text }) => `${place(line)}: ${text}`);
  const more = faults.length - told.length;
  if (more > 0) told.push(`and ${more} more`);
  if (told.length > 0) throw new Usage(told.join('\n'));
  if (trace.jobs.length === 0) throw new Usage('swm: there is no job in it that ever ran');
  return trace;
}

/** Jobs are shown so many at a time. */
const SHOWN = 16;

/** The jobs that the heads keep and that have ended, with the time that each asked for. */
export async function keptJobs(client: Client): Promise<Trace> {
  const { rows } = await allJobs(client, { states: 'FEC', name: '', stale: false });
  const shown: unknown[] = [];
  for (let at = 0; at < rows.length; at += SHOWN)
    shown.push(
      ...(await Promise.all(
        rows.slice(at, at + SHOWN).map(async (row) => {
          try {
            return (await client.call('job.show', { id: row.id })).job;
          } catch (error) {
            // One that was removed meanwhile has said enough.
            if (error instanceof Failed && error.failure.code === 'not_found') return row;
            throw error;
          }
        }),
      )),
    );
  const { trace, faults } = readHistory(shown);
  return faultless(trace, faults, (line) => `swm: job ${line} of the list`);
}

export async function readMachine(path: string): Promise<Machine> {
  const file = await readConfigFile(path, true);
  return shaped<Machine>(file, Machine, { values: file.values, known: { nodes: 0, sites: 0 } });
}

export type NamedPolicy = { readonly name: string; readonly policy: Policy };

/** The section `scheduler` of a configuration, whatever else is in it. */
export async function readPolicy(path: string): Promise<NamedPolicy> {
  const file = await readConfigFile(path, true);
  const { scheduler } = file.values as { readonly scheduler?: unknown };
  if (scheduler === undefined) throw new Usage(`${path}: has no section scheduler`);
  const values = merge(defaultPolicy, scheduler);
  const policy = shaped<Policy>(file, Policy, {
    values,
    known: defaultPolicy,
    above: ['scheduler'],
  });
  refuse(file, ['scheduler'], policyFlaws(policy));
  return { name: basename(path, extname(path)), policy };
}

/** Values, the keys that might have been meant, and where in the file they stand. */
type Shaped = {
  readonly values: unknown;
  readonly known: object;
  readonly above?: readonly string[];
};

function shaped<T>(file: ConfigFile, schema: TSchema, { values, known, above = [] }: Shaped): T {
  if (!Value.Check(schema, values)) refuse(file, above, shapeErrors(schema, values, known));
  return values as T;
}

function refuse(file: ConfigFile, above: readonly string[], errors: readonly ShapeError[]): void {
  const told = errors.map(({ key, text }) => {
    const whole = [...above, ...key];
    return `${file.locate(whole)}: ${whole.join('.')}: ${text}`;
  });
  if (told.length > 0) throw new Usage(told.join('\n'));
}
