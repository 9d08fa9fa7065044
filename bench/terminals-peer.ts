import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

/** What the bare server shows, and what it sends to whom. */
export type Shown = {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
  readonly frame: string;
};
/** To all of its connections, or to the first alone. */
export type Say = 'all' | 'one';

process.once('message', ({ frame, ...pem }: Shown) => {
  const bytes = Buffer.from(frame);
  const server = createServer({ ...pem, requestCert: true, rejectUnauthorized: false });
  const door = new WebSocketServer({ server, perMessageDeflate: false });
  const open: WebSocket[] = [];
  door.on('connection', (ws) => open.push(ws));
  process.on('message', (say: Say) => {
    for (const ws of say === 'all' ? open.slice(1) : open.slice(0, 1)) ws.send(bytes);
  });
  server.listen(0, '127.0.0.1', () => {
    process.send?.((server.address() as AddressInfo).port);
  });
});
