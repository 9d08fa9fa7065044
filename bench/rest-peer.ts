import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** What the bare server shows, asks for, and always answers. */
export type Constant = {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
  readonly answer: string;
};

process.once('message', ({ answer, ...pem }: Constant) => {
  const tls = { ...pem, requestCert: true, rejectUnauthorized: false };
  const server = createServer(tls, (_, response) => {
    response.writeHead(200, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(answer),
    });
    response.end(answer);
  });
  server.listen(0, '127.0.0.1', () => {
    process.send?.((server.address() as AddressInfo).port);
  });
});
