import type { FastifyInstance } from 'fastify';

type Spec = {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, Described>>>>;
};

type Described = {
  readonly summary?: string;
  readonly tags?: readonly string[];
};

/** What swm can be asked by requests, for programs and for people. */
export async function describe(app: FastifyInstance, version: string): Promise<void> {
  const { fastifySwagger } = await import('@fastify/swagger');
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'swm',
        version,
        description:
          'Jobs, and the clusters that are made for them. Users are known by their certificates. ' +
          'Below `/user` are the routes of older installations, for programs that use them.',
        license: { name: 'BSD 3-Clause', identifier: 'BSD-3-Clause' },
      },
    },
  });
  const hidden = { schema: { hide: true } } as const;
  app.get('/openapi.json', hidden, () => app.swagger());
  app.get('/docs', hidden, (_, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
      .send(pageOf(app.swagger() as Spec)),
  );
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

/** All routes on one page, which needs nothing from anywhere else. */
function pageOf({ paths = {} }: Spec): string {
  const rows = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { summary = '', tags = [] }]) => {
      const cells = [method.toUpperCase(), path, summary, tags.join(', ')];
      return `<tr>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`;
    }),
  );
  return [
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>swm</title><style>',
    'body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}',
    'table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.3rem;',
    'text-align:left}td:first-child,td:nth-child(2){font-family:monospace}</style>',
    '<h1>swm</h1><p>All that can be asked by requests; programs read',
    ' <a href="/openapi.json">/openapi.json</a>.</p>',
    '<table><tr><th>method<th>path<th>what it does<th>about</tr>',
    ...rows,
    '</table></html>',
  ].join('\n');
}
