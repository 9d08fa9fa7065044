import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { present } from '../../src/cli/demo-frame.ts';
import { type Head, startHead } from '../../src/cli/demo-head.ts';
import { play } from '../../src/cli/demo-job.ts';
import { bringScript, props } from '../../src/cli/demo-script.ts';
import type { Stage } from '../../src/cli/demo-stage.ts';
import { tell } from '../../src/cli/demo-tell.ts';
import { observe, type Traces } from '../../src/cli/demo-traces.ts';
import { exits } from '../../src/cli/exits.ts';
import { connectTo } from '../../src/connect.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { diceOf } from '../ports/dice.ts';
import { IMAGE, toolsTar } from './engine.ts';
import { type FakeAzure, openFake } from './fake-azure.ts';
import { nasty } from './manners.ts';
import { directoryOf, freePort, type RealMachines, realMachines } from './real-machines.ts';

/**
 * `npm run demo:azure [-- --seed S]`: the demo's job on a cluster at an Azure of our own, which is
 * slow and fails now and then as the seed says. Its machines are namespaces of this one, with a
 * real OpenSSH each, by which the head makes them workers, and a real Docker, in which the job
 * runs; the head is killed meanwhile, and the next one goes on. Exit 0 if all went well and nothing
 * is left, 1 if not, 2 if it cannot run here.
 */

const HANGS_MS = 110_000;
/** How much later than its machine the SSH of the second one comes. */
const LATE_MS = 1_500;

/** How long a head may take to be back. */
const AWAY_MS = 30_000;

type World = { readonly fake: FakeAzure; readonly machines: RealMachines };
let world: World | undefined;

async function build(root: string, seed: number): Promise<World & { readonly config: string }> {
  const port = await freePort();
  const ailing = (name: string) => (name.endsWith('-1') ? { lateMs: LATE_MS } : undefined);
  const image = await toolsTar(root);
  const machines = realMachines({ root, port, ailing, image });
  const slow = { networkMs: 150, bootMs: 500, removeMs: 300, failedRemovals: 1 };
  const manners = { ...nasty(diceOf(seed)), ...slow };
  const fake = await openFake(manners, machines);
  const key = join(root, 'ssh_key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'demo', '-f', key]);
  const remote = fake.settings({
    dialIn: 'ssh',
    headAddresses: ['127.0.0.1'],
    // Jobs listen on private addresses, which must be there: loopback has enough of them.
    network: '127.96.0.0/12',
    flavors: ['small'],
    flavor: 'small',
    ssh: {
      publicKeyFile: `${key}.pub`,
      privateKeyFile: key,
      login: userInfo().username,
      port,
    },
    worker: { directory: directoryOf(root) },
    pace: { pollMs: 100, retryMs: 50, settleMs: 3_000 },
  });
  const config = join(root, 'swm.yaml');
  // Workers find the head by the tunnels of SSH alone: nobody is where it says that it is.
  const mesh = { advertise: ['127.0.0.1:9'] };
  await writeFile(config, JSON.stringify({ mesh, remotes: [remote] }));
  return { fake, machines, config };
}

async function perform(stage: Stage, seen: Traces, started: (head: Head) => void): Promise<void> {
  const { root } = seen;
  stage.heading('swm: a cluster at an Azure that fails now and then, and nothing left of it');
  const { script: plain, text } = await bringScript(root);
  const script = plain.replace('#SWM nodes 2', `#SWM nodes 2\n#SWM container-image ${IMAGE}`);
  const built = await build(root, seed);
  world = built;
  seen.spools.push(join(root, 'machines/*/disk/*/spool'));
  const begin = async (): Promise<Head> => {
    const head = startHead(root, ['--config', built.config]);
    started(head);
    stage.step('head', `is ready at ${await head.ready}`);
    observe(seen);
    return head;
  };
  stage.step('head', `starts in ${root}, with seed ${seed}`);
  const first = await begin();
  const dead = Promise.withResolvers<never>();
  const isToDie = first.ended.then((why) => {
    if (!isKilled) dead.reject(new Failed('unreachable', why));
  });
  let isKilled = false;
  const restart = async (): Promise<void> => {
    isKilled = true;
    const { pid } = JSON.parse(readFileSync(join(first.spool, 'run/node.json'), 'utf8'));
    process.kill(pid, 'SIGKILL');
    await isToDie;
    stage.step('head', 'was killed while the job runs, and is started again');
    await begin();
  };
  const client = await connectTo({ spool: first.spool }, { connectMs: AWAY_MS });
  const grown = (id: string): void => {
    seen.ids.add(id);
    observe(seen);
  };
  try {
    const acted = play({ client, stage, root, script, grown, meanwhile: restart });
    const played = await Promise.race([acted, dead.promise]);
    tell(stage, played, text);
    stage.step('check', `it ran in containers of ${played.job.spec.containerImage}`);
  } finally {
    client.close();
  }
  const { calls, site } = built.fake;
  const what = `${calls.length} requests, ${site.made.length} things made`;
  stage.step('check', `Azure has seen ${what}, and has ${site.left().length} of them left`);
}

/** Everything at the site, and what its machines are. */
const left = (): readonly string[] => {
  const { fake, machines } = world ?? {};
  return [...(fake?.site.left() ?? []), ...(machines?.left() ?? [])];
};

function unfit(): string {
  if (process.getuid?.() !== 0) return 'machines of its own need root';
  const wanted = ['/usr/sbin/sshd', '/usr/sbin/dockerd', '/bin/busybox', '/usr/bin/perl'];
  const missing = wanted.find((path) => !existsSync(path));
  return missing === undefined ? '' : `no ${missing} here: sh bin/set-up --tests, as root`;
}

function seedOf(args: readonly string[]): number {
  const at = args.indexOf('--seed');
  const given = at < 0 ? 1 : Number(args[at + 1]);
  if (Number.isSafeInteger(given)) return given;
  process.stderr.write('demo: --seed wants a number\n');
  process.exit(exits.usage);
}

const seed = seedOf(process.argv.slice(2));
const why = unfit();
if (why !== '') {
  process.stderr.write(`demo: it cannot run here: ${why}\n`);
  process.exit(exits.usage);
}
const code = await present({
  perform,
  props: [
    ...props,
    'swm.yaml',
    'ssh_key',
    'ssh_key.pub',
    'opt',
    'machines',
    'rootfs',
    'rootfs.tar',
  ],
  left,
  close: async () => world?.fake.close(),
  hangsMs: HANGS_MS,
});
process.exit(code);
