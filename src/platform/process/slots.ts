import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Resources } from '../../actors/ports.ts';
import { limits } from '../../protocol/limits.ts';
import type { Note } from '../../runtime/ports.ts';
import { listenAt } from '../unix-socket.ts';
import { look } from './being.ts';
import { closeFence, confine, type Fence, type Fences, isBurdened, makeFence } from './fence.ts';
import { chooseLauncher, type Launcher, startKeeper } from './launcher.ts';
import { frame, hearLines, hello, type Slot, type SlotNews, slotNews } from './slot.ts';

export type SlotOptions = {
  readonly directory: string;
  /** Slots that stay when there is nothing to do. */
  readonly kept: number;
  readonly fences: Fences;
  readonly launcher: 'perl' | 'node' | 'either';
  readonly leftoverMs: number;
  readonly idleMs: number;
  readonly note: Note;
};

/** What a slot is given to run. */
export type Task = {
  readonly record: string;
  readonly limits: Resources;
  readonly fields: readonly string[];
  /** The slot that took it, and what of the limits it cannot enforce. */
  taken(slot: Slot, unenforced: string): void;
  hear(news: SlotNews): void;
  /** No slot can be had. */
  refused(why: string): void;
};

type Birth = { readonly fence: Fence | undefined; readonly timer: NodeJS.Timeout };

const KEEPERS_MAX = 3;

/** Opens the socket, removes those of earlier lives, and has the kept slots forked. */
export async function openSlots(options: SlotOptions): Promise<Slots> {
  const { directory, leftoverMs } = options;
  for (const name of readdirSync(directory).filter(isDeadSocket))
    rmSync(join(directory, name), { force: true });
  const life = randomBytes(4).toString('hex');
  const socket = `slots.${process.pid}.${look(process.pid)?.start}.${life}.sock`;
  const launcher = await chooseLauncher({ directory, socket, leftoverMs, kind: options.launcher });
  const server = createServer();
  const slots = new Slots(options, launcher, server, life);
  slots.closed = await listenAt(server, directory, socket);
  return slots;
}

/** The socket of a worker that was killed. */
function isDeadSocket(name: string): boolean {
  const [, pid, start] = /^slots\.(\d+)\.(\d+)\..*\.sock$/.exec(name) ?? [];
  return pid !== undefined && look(Number(pid))?.start !== Number(start);
}

/**
 * The slots of this life of the worker: as many as attempts run at once, and some kept. A slot that
 * is killed is replaced by the next that is needed; its attempt runs on, under the keeper.
 */
export class Slots {
  readonly launcher: Launcher;
  readonly all = new Set<Slot>();
  closed: () => void = () => {};
  readonly #options: SlotOptions;
  readonly #server: Server;
  readonly #life: string;
  readonly #births = new Map<string, Birth>();
  readonly #free: Slot[] = [];
  readonly #waiting: Task[] = [];
  readonly #idle: NodeJS.Timeout;
  #keeper: ChildProcess | undefined;
  #keepersLost = 0;
  #born = 0;
  #open = true;

  constructor(options: SlotOptions, launcher: Launcher, server: Server, life: string) {
    this.#options = options;
    this.#server = server;
    this.#life = life;
    this.launcher = launcher;
    server.on('connection', (socket) => this.#connected(socket));
    server.unref();
    this.#idle = setInterval(() => this.#shrink(), options.idleMs / 2).unref();
    this.#grow(options.kept);
  }

  /** Runs it in a free slot, or in a new one. */
  run(task: Task): void {
    const slot = this.#free.pop();
    if (slot) return this.#give(slot, task);
    this.#waiting.push(task);
    this.#grow(this.#waiting.length);
  }

  /** Lets go of all slots: those that run something end after it. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    clearInterval(this.#idle);
    this.#server.close(() => this.closed());
    for (const slot of this.all) {
      slot.hears = undefined;
      slot.socket.destroy();
    }
    this.#keeper?.stdin?.destroy();
    this.#keeper?.stderr?.destroy();
    for (const task of this.#waiting.splice(0)) task.refused('the worker is closing');
    for (const id of [...this.#births.keys()]) this.#stillborn(id);
  }

  #give(slot: Slot, task: Task): void {
    if (slot.runs >= limits.slotRunsMax || (slot.fence && isBurdened(slot.fence))) {
      slot.socket.destroy();
      return this.run(task);
    }
    const fence = slot.fence;
    const unenforced = confine(this.#options.fences, fence, task.limits);
    slot.runs++;
    slot.hears = (news) => task.hear(news);
    const { record, fields } = task;
    slot.socket.write(frame([record, fence?.name ?? '-', unenforced || '-', ...fields]));
    task.taken(slot, unenforced);
  }

  /** Asks the keeper for as many slots as are wanted and not yet on their way. */
  #grow(wanted: number): void {
    for (let missing = wanted - this.#births.size; missing > 0; missing--) {
      const keeper = this.#ensureKeeper();
      const id = `${this.#life}.${++this.#born}`;
      const fence = this.launcher.shared ? undefined : makeFence(this.#options.fences, id);
      const timer = setTimeout(() => keeper.kill('SIGKILL'), limits.slotBirthMs).unref();
      this.#births.set(id, { fence, timer });
      keeper.stdin?.write(frame([id, fence?.oomFile ?? '', ...(fence?.procs ?? [])]));
    }
  }

  #ensureKeeper(): ChildProcess {
    if (this.#keeper) return this.#keeper;
    const keeper = startKeeper(this.launcher, this.#options.directory);
    this.#keeper = keeper;
    let ended = false;
    const end = (why: string) => {
      if (ended) return;
      ended = true;
      this.#keeperEnded(keeper, why);
    };
    keeper.on('error', (error) => end(error.message));
    keeper.on('exit', (code, signal) => end(signal ?? `exit ${code}`));
    keeper.stderr?.on('data', (text) =>
      this.#options.note('warn', 'process', 'the keeper complains', { text: String(text).trim() }),
    );
    return keeper;
  }

  /** Its slots live on; what it had not yet forked is asked of the next one. */
  #keeperEnded(keeper: ChildProcess, why: string): void {
    if (this.#keeper === keeper) this.#keeper = undefined;
    for (const id of [...this.#births.keys()]) this.#stillborn(id);
    if (!this.#open) return;
    this.#options.note('warn', 'process', 'the keeper of slots ended', { why });
    if (++this.#keepersLost <= KEEPERS_MAX) return this.#grow(this.#waiting.length);
    this.#keepersLost = 0;
    for (const task of this.#waiting.splice(0)) task.refused(`no slot could be made: ${why}`);
  }

  #stillborn(id: string): void {
    const birth = this.#births.get(id);
    this.#births.delete(id);
    clearTimeout(birth?.timer);
    if (birth?.fence) closeFence(this.#options.fences, birth.fence);
  }

  #connected(socket: Socket): void {
    let slot: Slot | undefined;
    socket.on('error', () => {});
    socket.on('close', () => slot && this.#gone(slot));
    hearLines(socket, (line) => {
      if (slot) return this.#heard(slot, line);
      slot = this.#welcome(socket, line);
      if (!slot) socket.destroy();
    });
  }

  #welcome(socket: Socket, line: string): Slot | undefined {
    const told = hello(line);
    const birth = told && this.#births.get(told.id);
    if (!told || !birth) return undefined;
    this.#births.delete(told.id);
    clearTimeout(birth.timer);
    this.#keepersLost = 0;
    if (birth.fence && !told.fenced) closeFence(this.#options.fences, birth.fence);
    const fence = told.fenced ? birth.fence : undefined;
    const { id, being } = told;
    const slot: Slot = { id, socket, being, fence, hears: undefined, freeSince: 0, runs: 0 };
    this.all.add(slot);
    socket.unref();
    this.#freed(slot);
    return slot;
  }

  #heard(slot: Slot, line: string): void {
    const news = slotNews(line);
    const hears = slot.hears;
    if (!news || !hears) return void slot.socket.destroy();
    if (news.is === 'pid' || news.is === 'failed') return hears(news);
    slot.hears = undefined;
    hears(news);
    this.#freed(slot);
  }

  #freed(slot: Slot): void {
    const next = this.#waiting.shift();
    if (next) return this.#give(slot, next);
    slot.freeSince = performance.now();
    this.#free.push(slot);
  }

  /** The cgroups of one that ran something belong to that attempt until it ends. */
  #gone(slot: Slot): void {
    this.all.delete(slot);
    const at = this.#free.indexOf(slot);
    if (at >= 0) this.#free.splice(at, 1);
    const hears = slot.hears;
    slot.hears = undefined;
    if (slot.fence) closeFence(this.#options.fences, slot.fence);
    hears?.({ is: 'gone' });
    if (this.#open && this.#waiting.length > 0) this.#grow(this.#waiting.length);
  }

  /** The longest unused go first; the rest are warm. */
  #shrink(): void {
    const before = performance.now() - this.#options.idleMs;
    while (this.all.size > this.#options.kept && (this.#free[0]?.freeSince ?? before) < before) {
      const slot = this.#free.shift();
      if (slot) this.all.delete(slot);
      slot?.socket.destroy();
    }
  }
}
