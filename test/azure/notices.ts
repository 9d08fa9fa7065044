import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An event as Azure tells machines of it. */
export type Announced = {
  readonly EventId: string;
  readonly EventType: string;
  readonly ResourceType: string;
  readonly Resources: readonly string[];
  EventStatus: 'Scheduled' | 'Started';
  /** '' once it has begun. */
  NotBefore: string;
  readonly Description: string;
  readonly EventSource: string;
  readonly DurationInSeconds: number;
};

/** What becomes of an event. */
type Fate = {
  /** Is called when it begins: at its time, or once it may. */
  readonly begins: () => void;
  /** Whether there is nothing more that it could be of. */
  readonly isOver: () => boolean;
};

/** What a question meets instead of its answer. */
export type Trouble = 'error' | 'throttle' | 'gone' | 'garbage' | 'endless' | 'cut';

/** Where machines hear what their site is about to do, their own events and their neighbours'. */
export type Announcements = {
  readonly url: string;
  /** Of all machines; what tests put in is told as it is. */
  readonly events: unknown[];
  /** Ids of events that may begin before their time, each as often as that was said. */
  readonly approved: string[];
  /** How many questions were heard. */
  asked: number;
  /** Each meets one question, the first one first. */
  troubles: Trouble[];
  /** Announces an event `ms` from now. */
  announce(machine: string, type: string, ms: number, fate?: Partial<Fate>): Announced;
  /** It will not happen, or is over. */
  withdraw(event: Announced): void;
  close(): Promise<void>;
};

const VERSION = '2020-07-01';

export async function openAnnouncements(): Promise<Announcements> {
  const fates = new Map<unknown, Fate>();
  const timers = new Set<NodeJS.Timeout>();
  const server = createServer((request, response) => {
    void textOf(request).then((text) => serve(place, fates, request, response, text));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const place: Announcements = {
    url: `http://127.0.0.1:${port}/metadata/scheduledevents`,
    events: [],
    approved: [],
    asked: 0,
    troubles: [],
    announce(machine, type, ms, { begins = () => {}, isOver = () => false } = {}) {
      const event = eventOf(machine, type, ms);
      const begin = (): void => {
        if (event.EventStatus === 'Started' || !place.events.includes(event)) return;
        Object.assign(event, { EventStatus: 'Started', NotBefore: '' });
        begins();
      };
      fates.set(event, { begins: begin, isOver });
      place.events.push(event);
      // Later ones are for tests that move no clock: they never come.
      if (ms < 2 ** 31) timers.add(setTimeout(begin, ms).unref());
      return event;
    },
    withdraw(event) {
      place.events.splice(place.events.indexOf(event), 1);
    },
    async close() {
      for (const timer of timers) clearTimeout(timer);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return place;
}

const eventOf = (machine: string, EventType: string, ms: number): Announced => ({
  EventId: crypto.randomUUID().toUpperCase(),
  EventType,
  ResourceType: 'VirtualMachine',
  Resources: [machine],
  EventStatus: 'Scheduled',
  NotBefore: new Date(Date.now() + ms).toUTCString(),
  Description: '',
  EventSource: 'Platform',
  DurationInSeconds: -1,
});

/** The whole body of a request. */
export async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

function serve(
  place: Announcements,
  fates: ReadonlyMap<unknown, Fate>,
  request: IncomingMessage,
  response: ServerResponse,
  text: string,
): void {
  const say = (status: number, body = ''): void => void response.writeHead(status).end(body);
  place.asked += 1;
  const over = place.events.filter((event) => fates.get(event)?.isOver());
  for (const event of over) place.withdraw(event as Announced);
  const trouble = place.troubles.shift();
  if (trouble === 'error') return say(500);
  if (trouble === 'throttle') return say(429);
  if (trouble === 'gone') return say(410);
  if (trouble === 'garbage') return say(200, '<html>');
  if (trouble === 'cut') return void response.socket?.destroy();
  if (trouble === 'endless') return void response.end(Buffer.alloc(3 << 20, 'x'));
  const query = new URL(request.url ?? '', place.url).searchParams;
  if (request.headers['metadata'] !== 'true' || query.get('api-version') !== VERSION)
    return say(400, 'Bad request. Api version is invalid or was not specified.');
  if (request.method === 'GET')
    return say(200, JSON.stringify({ DocumentIncarnation: 1, Events: place.events }));
  const { StartRequests } = JSON.parse(text) as { StartRequests: { EventId: string }[] };
  for (const { EventId } of StartRequests) {
    const event = place.events.find((each) => (each as Announced).EventId === EventId);
    if (event === undefined) return say(400);
    place.approved.push(EventId);
    fates.get(event)?.begins();
  }
  say(200);
}
