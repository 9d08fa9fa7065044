import { nearest } from '../didyoumean.ts';
import { limits } from '../limits.ts';
import { type Flaw, flaw, quoted, shifted } from './flaw.ts';
import type { PortSpec } from './spec.ts';
import { isBlank } from './words.ts';

const PORT_MAX = 65_535;
const DIGITS = /^\d{1,6}$/;
const PARTS = ['tcp', 'in', 'out'] as const;

/**
 * Ports as `8888/tcp/in,8081/tcp/out`. Left out, the protocol is tcp and the direction in. A port
 * may stand once only: `in` and `out` of one number would meet on the job's own machine.
 */
export function parsePorts(text: string): readonly PortSpec[] | Flaw {
  const ports: PortSpec[] = [];
  const seen = new Set<number>();
  let from = 0;
  for (const item of text.split(',')) {
    let lead = 0;
    while (lead < item.length && isBlank(item[lead])) lead += 1;
    const at = from + lead;
    const port = parsePort(item.trim());
    if ('flaw' in port) return shifted(port, at);
    if (seen.has(port.port)) return flaw(at, `port ${port.port} is listed twice`);
    if (ports.length === limits.portsMax) return flaw(at, `has more than ${limits.portsMax} ports`);
    seen.add(port.port);
    ports.push(port);
    from += item.length + 1;
  }
  return ports;
}

/** The full form that `parsePorts` reads, which is also what the job finds in its environment. */
export const showPorts = (ports: readonly PortSpec[]): string =>
  ports.map((port) => `${port.port}/${port.protocol}/${port.direction}`).join(',');

function parsePort(text: string): PortSpec | Flaw {
  if (text === '') return flaw(0, 'a port is missing, such as 8888 or 8081/tcp/out');
  const [number = '', ...rest] = text.split('/');
  if (!DIGITS.test(number) || Number(number) < 1 || Number(number) > PORT_MAX) {
    return flaw(0, `wants a port from 1 to ${PORT_MAX}, not ${quoted(number)}`);
  }
  let at = number.length + 1;
  if (rest[0] === 'udp') return flaw(at, 'udp is not forwarded; a port is tcp');
  const [first = 'tcp', second] = rest;
  const direction = second ?? (first === 'tcp' ? 'in' : first);
  if (second !== undefined && first !== 'tcp') return unknownPart(first, at, ['tcp']);
  if (second !== undefined) at += first.length + 1;
  if (direction !== 'in' && direction !== 'out') {
    return unknownPart(direction, at, second === undefined ? PARTS : ['in', 'out']);
  }
  if (rest.length > 2) {
    return flaw(at + direction.length, `a port ends after its direction, as in ${number}/tcp/in`);
  }
  return { port: Number(number), protocol: 'tcp', direction };
}

const unknownPart = (text: string, at: number, known: readonly string[]): Flaw =>
  flaw(at, `wants ${known.join(' or ')}, not ${quoted(text)}`, nearest(text, known));
