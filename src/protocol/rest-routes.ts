import type { Name } from './messages.ts';

/**
 * The route by which a plain request makes a call of the table, as its method and path: `{id}` is a
 * field of the body. What else the body has comes as a query, or as JSON. Routes never change.
 */
export const restRoutes = {
  'job.submit': 'POST /v1/jobs',
  'job.list': 'GET /v1/jobs',
  'job.show': 'GET /v1/jobs/{id}',
  'job.cancel': 'POST /v1/jobs/{id}/cancel',
  'job.requeue': 'POST /v1/jobs/{id}/requeue',
  'job.hold': 'POST /v1/jobs/{id}/hold',
  'job.release': 'POST /v1/jobs/{id}/release',
  'job.tie': 'POST /v1/jobs/{id}/tie',
  'job.update': 'POST /v1/jobs/{id}/update',
  'job.purge': 'DELETE /v1/jobs/{id}',
  'node.list': 'GET /v1/nodes',
  'node.gone': 'POST /v1/nodes/{node}/gone',
  'node.add': 'POST /v1/nodes',
  'cluster.list': 'GET /v1/clusters',
  'flavor.list': 'GET /v1/flavors',
  'image.list': 'GET /v1/images',
  'remote.list': 'GET /v1/remotes',
  'head.list': 'GET /v1/heads',
  'head.add': 'POST /v1/heads',
  'head.remove': 'DELETE /v1/heads/{name}',
  'head.transfer': 'POST /v1/leader',
  'head.backup': 'POST /v1/backups',
  'node.status': 'GET /v1/status',
  'user.show': 'GET /v1/user',
  'user.list': 'GET /v1/users',
  'user.add': 'POST /v1/users',
  'user.revoke': 'DELETE /v1/users/{user}',
  'user.renew': 'POST /v1/user/certificate',
  'audit.list': 'GET /v1/audit',
  'account.list': 'GET /v1/accounts',
  'usage.list': 'GET /v1/usage',
  'entry.list': 'GET /v1/entries',
  'entry.check': 'POST /v1/entries/check',
  'entry.change': 'POST /v1/entries',
} as const satisfies Partial<Record<Name, string>>;
