import Type from 'typebox';
import { Places, Results } from './array-model.ts';
import { limits } from './limits.ts';
import { count, Failure, list, name, uuid } from './model.ts';

/** What heads and workers say about tasks of arrays; merged into the shapes of all messages. */

const places = list(Places, limits.arrayRangesMax);
const bytes = count(2 ** 52);
const number = count(2 ** 31);

const news = {
  attempt: count(1_000_000),
  /** From where on, and to where, its list of results was read: what lies before is taken. */
  from: bytes,
  to: bytes,
  results: list(Results, limits.arrayRangesMax),
  /** The last grant that it has. */
  granted: count(2 ** 40),
  wants: count(limits.arrayGrantMax),
};

const work = Type.Object({
  /** Up to where its results are taken. */
  heard: bytes,
  /** Its last grant; and, unless it has that already, of what. */
  grant: count(2 ** 40),
  places,
  /** Those it has that are wanted no more. */
  cancelled: places,
  /** There is nothing more for it: it ends after what it has. */
  over: Type.Boolean(),
});

export const arrayShapes = {
  'shift.next': { body: Type.Object({ job: uuid, node: name, ...news }), reply: work },
  'array.work': {
    /** `losses`: how many of its attempts were lost, and not only moved. */
    body: Type.Object({ job: uuid, shift: uuid, number, losses: count(1_000_000), ...news }),
    reply: work,
  },
  'array.left': {
    body: Type.Object({
      job: uuid,
      shift: uuid,
      number,
      isCancelled: Type.Boolean(),
      failure: Type.Union([Type.Null(), Failure]),
      cost: Type.Number({ minimum: 0 }),
      coreMs: Type.Number({ minimum: 0 }),
    }),
    reply: Type.Object({}),
  },
} as const;
