import Type from 'typebox';

/** What a job may cost, and by when it is to be done; 0, or nothing, is no bound. */
export const priceFields = {
  /** What its clusters may cost in one run. */
  budget: Type.Optional(Type.Number({ minimum: 0 })),
  /** What its cluster may cost an hour, all nodes together. */
  maxPrice: Type.Optional(Type.Number({ minimum: 0 })),
  /** So long after its submit it is to have ended. */
  deadlineMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 52 })),
};
