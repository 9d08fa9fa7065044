import Type, { type TSchema } from 'typebox';
import {
  OlderError,
  OlderFlavor,
  OlderImage,
  OlderJob,
  OlderMetrics,
  OlderNode,
  OlderRemote,
} from './older-shapes.ts';
import { fileSchema, jsonSchema, scriptBodies } from './operations.ts';

const tag = 'older';
const ofJob = { params: { id: Type.String() } };
const limited = { query: { limit: Type.Optional(Type.Integer({ minimum: 0 })) } };

const gives = (operationId: string, summary: string, reply: TSchema, more: object = {}) =>
  jsonSchema({ operationId, summary, tag, ...more }, reply, OlderError);
const lists = (operationId: string, summary: string, item: TSchema) =>
  gives(operationId, summary, Type.Array(item), limited);
const says = (operationId: string, summary: string, more: object = {}) =>
  fileSchema({ operationId, summary, tag, ...more }, 'text/plain', OlderError);
const writes = (operationId: string, summary: string) =>
  fileSchema({ operationId, summary, tag, ...ofJob }, 'application/octet-stream', OlderError);

/** The descriptions of the routes of older installations. */
export const olderSchemas = {
  version: gives(
    'older.version',
    'Tells the version.',
    Type.Object({ api_version: Type.Integer() }),
  ),
  jobs: lists('older.jobs', 'Lists jobs, the newest last.', OlderJob),
  job: gives('older.job', 'Shows a job.', OlderJob, ofJob),
  stdout: writes('older.stdout', 'Gives what a job wrote.'),
  stderr: writes('older.stderr', 'Gives what a job wrote of errors.'),
  metrics: gives('older.metrics', 'Tells what a job used.', OlderMetrics, ofJob),
  submit: { ...says('older.submit', 'Submits a job script; gives its id.'), body: scriptBodies },
  cancel: says('older.cancel', 'Cancels a job.', ofJob),
  purge: says('older.purge', 'Forgets all own jobs that do not run.'),
  requeue: {
    ...says('older.requeue', 'Runs a job again.', ofJob),
    headers: Type.Object({ modification: Type.Literal('requeue') }),
  },
  flavors: lists('older.flavors', 'Lists the flavors of all sites.', OlderFlavor),
  images: lists('older.images', 'Lists the images of all sites.', OlderImage),
  nodes: lists('older.nodes', 'Lists the nodes.', OlderNode),
  remotes: lists('older.remotes', 'Lists the sites.', OlderRemote),
} as const;
