import type { Envelope } from '../../src/protocol/envelope.ts';
import { Malformed } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { Who } from '../../src/protocol/who.ts';
import { meshCodec } from '../../src/protocol/wire/codec.ts';
import type { Wire } from '../../src/runtime/ports.ts';
import type { World } from './world.ts';

/** A life of a node, as the network knows it. */
export type Port = {
  readonly name: string;
  readonly door: 'head' | 'worker';
  /** Whether a node of that name may have a link, asked at each handshake. */
  readonly admits: (name: string) => boolean;
  readonly receive: (who: Who, envelope: Envelope) => void;
  readonly up: (peer: string) => void;
  readonly down: (peer: string, why: string) => void;
};

/** One end of a link. */
type End = {
  readonly port: Port;
  readonly codec: ReturnType<typeof meshCodec>;
  peer: End | undefined;
  /** Whether its node believes in the link. */
  up: boolean;
  /** Nothing that is sent to it arrives any more; what is on its way does until then. */
  deaf: boolean;
  hearsUntil: number;
  /** Links keep the order. */
  lastArrival: number;
};

const SOON_MS = 50;

/**
 * Links as TCP gives them: ordered and whole while they are up, cut at any time with nobody knowing
 * what of the last words arrived, and noticed by each end in its own time.
 */
export class Network {
  readonly #world: World;
  readonly #latencyMs: number;
  readonly #ports = new Map<string, Port>();
  readonly #ends = new Map<string, End>();
  readonly #blocked = new Set<string>();

  /** `latencyMs`: the longest that a word takes; most take far less. */
  constructor(world: World, latencyMs = 40) {
    this.#world = world;
    this.#latencyMs = latencyMs;
  }

  /** A node's life begins; it has no links yet. */
  attach(port: Port): Wire {
    this.#ports.set(port.name, port);
    return { send: (to, envelope) => this.#send(port, to, envelope) };
  }

  /** A node's life is over. With its power gone nothing tells the others but its silence. */
  detach(port: Port, power: 'on' | 'off'): void {
    if (this.#ports.get(port.name) === port) this.#ports.delete(port.name);
    for (const [key, end] of [...this.#ends]) {
      if (end.port !== port) continue;
      this.#ends.delete(key);
      end.up = false;
      const { peer } = end;
      if (peer !== undefined) this.#fallSilent(peer, power === 'on' ? 'soon' : 'late');
    }
  }

  /** Tries to make a link; `done` hears whether there is one. */
  dial(from: Port, to: string, done: (up: boolean) => void): void {
    const { dice } = this.#world;
    this.#world.in(dice.skewed(2, 200), () => {
      const other = this.#ports.get(to);
      const here = this.#ports.get(from.name) === from;
      const welcome = here && !this.isCut(from.name, to) && other?.admits(from.name) === true;
      if (!welcome || other === undefined) return done(false);
      this.#link(from, other);
      done(true);
    });
  }

  /** Cuts the link between two nodes, and keeps the way blocked for that long. */
  cut(a: string, b: string, how: 'reset' | 'silent' | 'one-way', blockMs: number): void {
    this.#block(a, b, blockMs);
    if (how !== 'one-way') this.#block(b, a, blockMs);
    const [first, second] = [this.#ends.get(`${a}>${b}`), this.#ends.get(`${b}>${a}`)];
    if (first === undefined || second === undefined) return;
    this.#world.tell(`cut ${a} ${b} ${how}`);
    if (how === 'one-way') {
      // What `a` says is heard no more; `b` hangs up, and `a` hears of that.
      this.#fallSilent(second, 'late', () => this.#fallSilent(first, 'soon'));
      return;
    }
    for (const end of [first, second]) this.#fallSilent(end, how === 'reset' ? 'soon' : 'late');
  }

  /** Whether nothing gets through between two nodes, one way or the other. */
  isCut(a: string, b: string): boolean {
    return this.#isBlocked(a, b) || this.#isBlocked(b, a);
  }

  isLinked(a: string, b: string): boolean {
    return this.#ends.has(`${a}>${b}`);
  }

  /** Whom a node has a link to, as far as it knows. */
  linksOf(name: string): readonly string[] {
    const keys = [...this.#ends.keys()].filter((key) => key.startsWith(`${name}>`));
    return keys.map((key) => key.slice(name.length + 1));
  }

  links(): readonly (readonly [string, string])[] {
    return [...this.#ends.keys()].map((key) => key.split('>') as [string, string]);
  }

  #block(from: string, to: string, ms: number): void {
    const key = `${from}>${to}`;
    this.#blocked.add(key);
    this.#world.in(ms, () => void this.#blocked.delete(key));
  }

  #isBlocked(from: string, to: string): boolean {
    return this.#blocked.has(`${from}>${to}`);
  }

  #link(from: Port, to: Port): void {
    const [near, far] = [from, to].map(
      (port): End => ({
        port,
        codec: meshCodec(),
        peer: undefined,
        up: true,
        deaf: false,
        hearsUntil: 0,
        lastArrival: 0,
      }),
    ) as [End, End];
    near.peer = far;
    far.peer = near;
    // A link that one end has not missed yet is missed now: a newer one takes its place.
    for (const end of [far, near]) {
      const key = keyOf(end);
      const older = this.#ends.get(key);
      if (older !== undefined) this.#goDown(older, 'a newer link took its place');
      this.#ends.set(key, end);
    }
    this.#world.tell(`link ${from.name} ${to.name}`);
    to.up(from.name);
    from.up(to.name);
  }

  #send(port: Port, to: string, envelope: Envelope): boolean {
    const end = this.#ends.get(`${port.name}>${to}`);
    const peer = end?.peer;
    if (end === undefined || peer === undefined || end.port !== port || !end.up) return false;
    const frame = isBeat(envelope) ? envelope : end.codec.encode([envelope]);
    if (peer.deaf) return true;
    const { now, dice } = this.#world;
    peer.lastArrival = Math.max(peer.lastArrival, now + dice.skewed(0, this.#latencyMs));
    this.#world.in(peer.lastArrival - now, () => this.#arrive(peer, end.port, frame));
    return true;
  }

  #arrive(end: End, from: Port, frame: Uint8Array | Envelope): void {
    if (!end.up || (end.deaf && this.#world.now > end.hearsUntil)) return;
    try {
      for (const envelope of 'is' in frame ? [frame] : end.codec.decode(frame)) {
        const said = say(envelope);
        if (said !== '') this.#world.tell(`${from.name}>${end.port.name} ${said}`);
        end.port.receive({ door: from.door, id: from.name }, envelope);
      }
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      this.#world.violate('what is sent is well formed', `from ${from.name}: ${error.message}`);
    }
  }

  /** Nothing reaches it any more, and some time later it notices. */
  #fallSilent(end: End, when: 'soon' | 'late', then = (): void => {}): void {
    const { dice } = this.#world;
    const ms =
      when === 'soon' ? dice.between(0, SOON_MS) : dice.between(SOON_MS, limits.silenceMsMax);
    if (!end.deaf) {
      end.deaf = true;
      end.hearsUntil = this.#world.now + dice.between(0, Math.min(ms, SOON_MS));
    }
    this.#world.in(ms, () => {
      this.#goDown(end, when === 'soon' ? 'reset' : 'silent');
      then();
    });
  }

  #goDown(end: End, why: string): void {
    if (!end.up) return;
    end.up = false;
    const key = keyOf(end);
    if (this.#ends.get(key) === end) this.#ends.delete(key);
    const peer = end.peer as End;
    if (peer.up && !peer.deaf) this.#fallSilent(peer, 'soon');
    this.#world.tell(`${end.port.name} lost ${peer.port.name}: ${why}`);
    end.port.down(peer.port.name, why);
  }
}

const keyOf = (end: End): string => `${end.port.name}>${end.peer?.port.name}`;

/** What heads say all the time; it need not be put into bytes each time. */
const isBeat = (envelope: Envelope): boolean =>
  envelope.is === 'call' &&
  (envelope.message.name === 'raft.appended' ||
    (envelope.message.name === 'raft.append' && envelope.message.body.entries.length === 0));

function say(envelope: Envelope): string {
  switch (envelope.is) {
    case 'call':
      if (envelope.message.name.startsWith('raft.append')) return '';
      return `${envelope.message.name} ${envelope.to} ${envelope.ask}`;
    case 'reply':
    case 'refused':
      return `${envelope.is} ${envelope.ask}`;
    default:
      return `${envelope.is} ${envelope.watch}`;
  }
}
