import type { Body, Reply } from '../../src/protocol/messages.ts';
import type { userShapes } from '../../src/protocol/user-shapes.ts';
import { at, hash, id, node, owner, publicKey } from './values.ts';

/** The messages about users. */
export const userSamples: {
  readonly [N in keyof typeof userShapes]: { readonly body: Body<N>; readonly reply: Reply<N> };
} = {
  'user.list': {
    body: {},
    reply: { users: [{ id: owner, name: 'ann', role: 'user', phase: 'active', since: at }] },
  },
  'user.add': {
    body: { name: 'ann', operator: true },
    reply: { heads: ['10.0.0.1:8443'], caFingerprint: hash, token: 'secret', name: 'ann' },
  },
  'user.revoke': { body: { user: 'ann' }, reply: { id: owner, name: 'ann' } },
  'user.renew': { body: { csr: 'request' }, reply: { certificate: 'pem', chain: 'pem' } },
  'audit.list': {
    body: { since: at, user: 'ann', limit: 10 },
    reply: {
      head: node,
      rows: [
        {
          at,
          who: owner,
          door: 'terminal',
          from: '10.1.2.3',
          what: 'job.submit',
          of: id,
          result: 'done',
        },
      ],
    },
  },
  'user.expect': {
    body: { user: owner, name: 'ann', role: 'operator', expiresAt: at, tokenHash: hash },
    reply: {},
  },
  'user.enrol': {
    body: { user: owner, publicKey, tokenHash: hash },
    reply: { name: 'ann', role: 'user' },
  },
  'user.rekey': { body: { user: owner, publicKey }, reply: { name: 'ann' } },
  'user.drop': {
    body: { user: owner, name: 'ann', role: 'user' },
    reply: { id: owner, name: 'ann' },
  },
};
