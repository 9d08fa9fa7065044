import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import {
  answering,
  busyboxTar,
  ended,
  IMAGE,
  mustHave,
  type RealEngine,
  removeContainers,
  removed,
} from './real-engine.ts';

/** Its limits of files and crun do not work everywhere, nor does it have to be systemd. */
const SETTINGS = `[containers]
default_ulimits = ["nofile=20000:20000", "nproc=30000:30000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
`;

const NEEDED = ['podman', 'runc', 'catatonit', 'busybox'];

export async function startPodman(): Promise<RealEngine> {
  mustHave(NEEDED);
  const folder = mkdtempSync(join(tmpdir(), 'swm-podman-'));
  const socket = join(folder, 'podman.sock');
  const settings = join(folder, 'containers.conf');
  writeFileSync(settings, SETTINGS);
  const env = { ...process.env, CONTAINERS_CONF: settings };
  const own = [`--root=${folder}/root`, `--runroot=${folder}/run`, '--log-level=error'];
  const tar = await busyboxTar(folder);
  execFileSync('podman', [...own, 'import', '--quiet', tar, `docker.io/${IMAGE}`], { env });
  const docker = new Docker({ socketPath: socket });
  const serve = ['system', 'service', '--time=0', `unix://${socket}`];
  const launch = () => {
    const child = spawn('podman', [...own, ...serve], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (part) => (said += part));
    return answering(docker, child, () => said);
  };
  let child = await launch();
  return {
    socket,
    docker,
    restart: async () => {
      await ended(child);
      child = await launch();
    },
    end: async () => {
      await removeContainers(docker);
      await ended(child);
      await removed(folder);
    },
  };
}
