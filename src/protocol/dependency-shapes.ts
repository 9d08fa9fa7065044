import Type from 'typebox';
import { uuid } from './model.ts';

/** How a job is, for those that wait for it. */
const standing = {
  started: Type.Boolean(),
  /** How it ended; '' as long as it has not. */
  state: Type.Enum(['', 'F', 'E', 'C']),
  exitcode: Type.Integer(),
  /** Nothing of it is known any more. */
  forgotten: Type.Optional(Type.Boolean()),
};

/** What jobs say to those that wait for them; merged into the shapes of all messages. */
export const dependencyShapes = {
  'job.await': { body: Type.Object({ id: uuid }), reply: Type.Object(standing) },
  'job.moved': { body: Type.Object({ id: uuid, job: uuid, ...standing }), reply: Type.Object({}) },
} as const;
