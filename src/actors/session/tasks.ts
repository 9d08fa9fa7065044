import { Failed } from '../../protocol/errors.ts';
import { formatScriptError, parseScript } from '../../protocol/jobscript/jobscript.ts';
import { limits } from '../../protocol/limits.ts';
import type { Body, Message, Reply } from '../../protocol/messages.ts';
import type { Spec } from '../../protocol/model.ts';
import type { Who } from '../../protocol/who.ts';
import type { Tasks } from '../../runtime/family.ts';
import type { Millis, Records } from '../../runtime/ports.ts';
import { find, load } from '../../runtime/record.ts';
import { costAt, overspent } from '../account/account.ts';
import { keeping as accountKeeping } from '../account/keeping.ts';
import { SHORT } from '../job/keeping.ts';
import { hasOut } from '../job/out-target.ts';
import type { Seal } from '../safe/safe.ts';
import { isAsked } from '../scheduler/want.ts';
import { vouch } from './admins.ts';
import { unableInArrays } from './arrays.ts';
import { dependencies } from './dependencies.ts';
import { entryMessage } from './entries.ts';
import { planOf } from './foresight.ts';
import { type JobIds, jobIdOf } from './job-id.ts';
import { type Reading, read } from './read.ts';
import { scheduleMessage } from './schedules.ts';
import { checkSecrets, secretMessage } from './secrets.ts';
import type { SessionTasks } from './session.ts';
import { userMessage } from './users.ts';

export type SessionPorts = Reading &
  JobIds & {
    readonly store: Records;
    readonly seal: Seal;
    readonly digest: (request: string) => string;
    readonly hasBlob: (sha256: string) => Promise<boolean>;
    readonly readBlob: (sha256: string) => Promise<Uint8Array>;
    readonly keepBlob: (bytes: Uint8Array) => Promise<{ sha256: string; bytes: number }>;
    /** The first time that a cron pattern means, after an instant. Throws `Failed`. */
    readonly nextTick: (cron: string, zone: string, after: Millis) => Millis | undefined;
    /** Why nothing here could ever run it, or ''; and how long its queue lets it run. */
    readonly checked: (spec: Spec, owner: string) => Promise<Reply<'scheduler.check'>>;
    /** Throws `Failed` if its `out` ports may not lead to where they would. */
    readonly checkOut: (spec: Spec, from: string) => Promise<void>;
    /** Throws `Failed` if nobody may be told of jobs at that URL. */
    readonly checkNotify: (url: string) => Promise<void>;
    /** Why no new job can be taken now, or ''. */
    readonly closed: () => string;
    /** How long a job may run that does not say it itself, ms; 0: as long as it likes. */
    readonly walltimeMs?: number;
    /** How long one that says `on-node-loss requeue` may run unasked, ms. */
    readonly leaseMs?: number;
  };

type Submit = Body<'job.submit'>;

export function sessionTasks(ports: SessionPorts): Tasks<never, SessionTasks> {
  return {
    admit: (input) => admit(ports, input),
    resolve: async ({ user, message }) =>
      secretMessage(ports.seal, user, message) ??
      userMessage(ports.people, user, message) ??
      (await scheduleMessage(ports, user, message, admit)) ??
      (await entryMessage(ports, user, message)) ??
      resolve(ports, message),
    vouch: async ({ user, message }) => ({ user: await vouch(ports, user, message), message }),
    read: ({ user, message }) =>
      message.name === 'job.plan' ? plan(ports, user, message.body) : read(ports, user, message),
  };
}

async function admit(
  ports: SessionPorts,
  { user, from, body }: SessionTasks['admit'][0],
): Promise<Body<'job.create'>> {
  const closed = ports.closed();
  if (closed !== '') throw new Failed('disk_full', closed);
  const script = await scriptOf(ports, body);
  const asked = specOf(script, body.file ?? 'script');
  const after = [...asked.after, ...(body.after ?? [])];
  if (after.length > 0) await ports.current();
  const spec = wholeOf(ports, {
    ...asked,
    after: dependencies(ports.store, user, after),
    hold: asked.hold === true || body.hold === true,
    ...(body.dag && { dag: body.dag }),
  });
  refuseUnable(spec);
  if (hasOut(spec)) await ports.checkOut(spec, from);
  if (spec.notify !== '') await ports.checkNotify(spec.notify);
  await checkSecrets(ports, user, spec);
  refuseOverspent(ports, spec);
  const inputs = await checkInputs(ports, spec, body);
  const walltimeMs = await possible(ports, user.id, spec, asked);
  const long = new TextEncoder().encode(script);
  const blob = long.byteLength > limits.scriptInlineBytesMax ? await ports.keepBlob(long) : null;
  return {
    id: jobIdOf(ports, user.id, body.key),
    owner: user.id,
    spec: { ...spec, walltimeMs },
    script: blob === null ? script : '',
    scriptBlob: blob,
    inputs,
    digest: ports.digest(requestText(script, inputs, body)),
    from,
    ...(body.tied === true && { tied: true }),
  };
}

/** All that makes one request another, so that a key is not used for two. */
function requestText(
  script: string,
  inputs: Submit['inputs'],
  { after, hold, dag }: Submit,
): string {
  const more = after || hold || dag ? [{ after, hold, dag }] : [];
  return JSON.stringify([script, inputs, ...more]);
}

/** A job's wishes with what is usual here where it says nothing. */
const wholeOf = (ports: SessionPorts, asked: Spec): Spec => ({
  ...asked,
  walltimeMs: asked.walltimeMs || (ports.walltimeMs ?? 0),
  checkpoint: asksForCheckpoints(asked),
  ...(asked.onNodeLoss === 'requeue' && { leaseMs: ports.leaseMs ?? limits.leaseMs }),
});

/** Throws if nothing here could ever run it; else how long it may run, perhaps by its queue. */
async function possible(
  ports: SessionPorts,
  owner: string,
  spec: Spec,
  { walltimeMs: askedMs }: Spec,
): Promise<Millis> {
  const asked = { ...spec, walltimeMs: askedMs };
  const { impossible, walltimeMs = spec.walltimeMs } = await ports.checked(asked, owner);
  if (impossible !== '') throw new Failed('impossible', impossible);
  return walltimeMs;
}

/** What would become of a script; of its files and secrets nobody looks whether they are there. */
async function plan(
  ports: SessionPorts,
  user: Who,
  { script, file = 'script' }: Body<'job.plan'>,
): Promise<Reply<'job.plan'>> {
  const asked = specOf(script, file);
  const spec = wholeOf(ports, asked);
  refuseUnable(spec);
  refuseOverspent(ports, spec);
  const walltimeMs = await possible(ports, user.id, spec, asked);
  return planOf(ports, { ...spec, walltimeMs }, user.id);
}

/** Whoever says where, how often or by what means that as well. */
const asksForCheckpoints = (spec: Spec): boolean =>
  spec.checkpoint ||
  spec.checkpointDir !== '' ||
  spec.checkpointIntervalMs > 0 ||
  (spec.checkpointSignal ?? 'usr1') !== 'usr1';

/** What scripts may ask for and swm cannot do yet, and how one sees that a script asks for it. */
export const unable: Readonly<Record<string, (spec: Spec) => boolean>> = {
  ...unableInArrays,
  'ranks main with container-image': ({ ranks, containerImage }) =>
    ranks === 'main' && containerImage !== '',
};

/** Nothing that a script asks for is passed over in silence. */
function refuseUnable(spec: Spec): void {
  const asked = Object.keys(unable).filter((name) => unable[name]?.(spec));
  if (asked.length === 0) return;
  const text = `this swm cannot do yet what the script asks for: ${asked.join('; ')}`;
  throw new Failed('impossible', text);
}

/** Nothing is made for an account that has nothing left. */
function refuseOverspent({ store, budgets, now }: SessionPorts, spec: Spec): void {
  const budget = budgets?.get(spec.account);
  if (budget === undefined || !isAsked(spec)) return;
  const account = load(store, accountKeeping, `/accounts/${spec.account}`)?.state;
  if (account === undefined || costAt(account, now()) < budget) return;
  const text = overspent(account, budget, now());
  throw new Failed(text.code, text.text);
}

async function scriptOf(ports: SessionPorts, body: Submit): Promise<string> {
  if (body.scriptBlob === undefined) return body.script;
  const { sha256 } = body.scriptBlob;
  if (!(await ports.hasBlob(sha256)))
    throw new Failed('missing_input', 'the script was not uploaded');
  return new TextDecoder().decode(await ports.readBlob(sha256));
}

function specOf(script: string, file: string): Spec {
  const parsed = parseScript(script, file);
  if ('errors' in parsed)
    throw new Failed('bad_script', parsed.errors.map((e) => formatScriptError(file, e)).join('\n'));
  return parsed.spec as Spec;
}

/** A job is acknowledged after its inputs are here: each named file, and each as a whole. */
async function checkInputs(
  ports: SessionPorts,
  spec: Spec,
  body: Submit,
): Promise<Submit['inputs']> {
  for (const { path, sha256 } of body.inputs)
    if (!(await ports.hasBlob(sha256)))
      throw new Failed('missing_input', `input file ${path} was not uploaded`);
  if (spec.inputFiles.length > 0 && body.inputs.length === 0)
    throw new Failed('missing_input', `input file ${spec.inputFiles[0]} was not uploaded`);
  return body.inputs;
}

function resolve({ store }: SessionPorts, asked: Message): Message {
  const id = 'id' in asked.body ? asked.body.id : undefined;
  const short = String(id).toLowerCase();
  if (!/^[0-9a-f-]{4,36}$/.test(short))
    throw new Failed('not_found', `${JSON.stringify(id)} is no job id`);
  const { paths } = find(store, `${SHORT}/${short}`, 3);
  const ids = paths.map((path) => path.slice('/jobs/'.length));
  if (ids.length === 0) throw new Failed('not_found', `no job has an id that begins with ${short}`);
  if (ids.length > 1)
    throw new Failed('not_found', `several jobs have ids that begin with ${short}`);
  return { ...asked, body: { ...asked.body, id: ids[0] } } as Message;
}
