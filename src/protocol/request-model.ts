import Type, { type TProperties } from 'typebox';
import { limits } from './limits.ts';

const text = Type.String({ maxLength: 256 });

/** So many nodes, and `each` of them; how long, how soon, and in which queue. */
export const requestOf = <Each extends TProperties>(each: Each) =>
  Type.Object({
    nodes: Type.Integer({ minimum: 0, maximum: limits.nodesMax }),
    flavor: text,
    image: text,
    ...each,
    queue: Type.Optional(text),
    priority: Type.Optional(Type.Integer()),
    /** 0: as long as it likes. */
    walltimeMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 52 })),
  });
