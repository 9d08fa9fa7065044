import type { BodyChecks } from './envelope-row.ts';
import { type Codec, codecOf } from './frame.ts';
import { jsonPacking, plainPacking } from './packing.ts';

/** A terminal believes the node that it chose: bodies are objects, and that is all it looks at. */
const unchecked: BodyChecks = { body: (_, body) => body, reply: (_, body) => body };

/** For terminals, without the library of shapes, whose loading takes longer than most commands. */
export const plainClientCodec: Codec = codecOf(plainPacking(), unchecked);
export const jsonClientCodec: Codec = codecOf(jsonPacking, unchecked);
