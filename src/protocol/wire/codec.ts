import { bodyChecks } from './body-checks.ts';
import { type Codec, codecOf } from './frame.ts';
import { jsonPacking, learningPacking, plainPacking } from './packing.ts';

/**
 * For one link between nodes: both directions learn the keys of objects as they go, so that it must
 * be made anew for each link, and a frame that was not sent must be told by `forget`.
 */
export const meshCodec = (): Codec => codecOf(learningPacking(), bodyChecks);

/** For what terminals send: nothing that does not fit its shape gets past. */
export const plainCodec: Codec = codecOf(plainPacking(), bodyChecks);
export const jsonCodec: Codec = codecOf(jsonPacking, bodyChecks);
