import { STATUS_CODES } from 'node:http';
import type { FastifyError } from 'fastify';
import { failureOf } from '../../platform/stream.ts';
import { errors, type Failure, failure } from '../../protocol/errors.ts';

/** What is answered instead of what was asked for. */
export type Refused = {
  readonly status: number;
  readonly type: string;
  readonly body: object;
};

/** Why a request fails, by what was thrown: the library's own words say what was malformed. */
export function whyOf(error: unknown): Failure {
  const { statusCode = 500, code = '' } = error as Partial<FastifyError>;
  if (cut.includes(code)) return failure('unreachable', 'the request was cut off');
  if (!code.startsWith('FST_')) return failureOf(error);
  if (statusCode === 413) return failure('too_large', (error as Error).message);
  if (statusCode < 500) return failure('malformed', (error as Error).message);
  return failureOf(error);
}

/** How a body ends whose sender is gone: nobody hears of it. */
const cut: readonly string[] = ['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR'];

/** Codes that tell how a job ended are no answers to a request. */
const statusOf = ({ code }: Failure): number =>
  errors[code].http === 200 ? 500 : errors[code].http;

/** For existing clients: they know `error` alone, and three of its texts. */
export function olderRefusal(why: Failure): Refused {
  const { code, text } = why;
  const told = code === 'unauthorized' || code === 'forbidden' ? { error: code } : undefined;
  const body = told ?? (isNoJob(why) ? { error: 'job not found' } : { error: text, code });
  return { status: statusOf(why), type: 'application/json; charset=utf-8', body };
}

/** All that they may name and that may not be there are jobs. */
const isNoJob = ({ code }: Failure): boolean => code === 'not_found';

/** A problem as RFC 9457 has it, with the code of the table, and what can be done about it. */
export function problem(why: Failure): Refused {
  const status = statusOf(why);
  const { code, text: detail, retry } = why;
  const { mend } = errors[code];
  const title = STATUS_CODES[status] ?? '';
  const body = { type: `urn:swm:error:${code}`, title, status, detail, code, retry, mend };
  return { status, type: 'application/problem+json', body };
}
