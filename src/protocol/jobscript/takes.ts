import type { DependencySpec, JobSpec } from './spec.ts';

type FieldOf<T> = { [K in keyof JobSpec]: JobSpec[K] extends T ? K : never }[keyof JobSpec];
export type TextField = Exclude<FieldOf<string>, TermField>;
export type CountField = FieldOf<number>;
export type FlagField = FieldOf<boolean>;
export type TermField = 'onNodeLoss' | 'ranks' | 'checkpointSignal';
export type ListField = FieldOf<readonly string[]>;

type Term<F extends TermField> = {
  readonly is: 'term';
  readonly field: F;
  readonly of: readonly JobSpec[F][];
};

/** What a directive takes, and the field of the spec that it becomes. */
export type Takes =
  /** Nothing. */
  | { readonly is: 'flag'; readonly field: FlagField }
  /** The rest of the line as it stands, spaces and quotes included. */
  | { readonly is: 'line'; readonly field: TextField; readonly charsMax: number }
  /** One word of letters, digits and the `marks` given. */
  | {
      readonly is: 'word';
      readonly field: TextField;
      readonly marks: string;
      readonly charsMax: number;
    }
  | { readonly is: 'path'; readonly field: TextField }
  | { readonly is: 'url'; readonly field: TextField }
  | { readonly is: 'count'; readonly field: CountField; readonly min: number; readonly max: number }
  | { readonly is: 'bytes'; readonly field: CountField; readonly min: number; readonly max: number }
  | { readonly is: 'time'; readonly field: CountField; readonly min: number; readonly max: number }
  /** A number above 0 that may have a part behind a point. */
  | { readonly is: 'amount'; readonly field: CountField; readonly max: number }
  /** One of some words, or nothing; any of them means yes. */
  | { readonly is: 'choice'; readonly field: FlagField; readonly of: readonly string[] }
  /** One of some words, which is kept. */
  | { [F in TermField]: Term<F> }[TermField]
  | { readonly is: 'names'; readonly field: ListField; readonly max: number }
  /** Paths; `inside`: they stay within the job's working directory. */
  | { readonly is: 'files'; readonly field: ListField; readonly inside: boolean }
  | { readonly is: 'ports' }
  | { readonly is: 'env' }
  | { readonly is: 'secret' }
  | { readonly is: 'gpus' }
  | { readonly is: 'gang' }
  | { readonly is: 'countable' }
  | { readonly is: 'array' }
  | { readonly is: 'jobs'; readonly when: DependencySpec['when'] };

export type Directive = {
  readonly takes: Takes;
  /** The argument as help shows it. */
  readonly argument: string;
  readonly help: string;
  /** It may stand on several lines, which add up. */
  readonly repeatable?: true;
  /**
   * It may stand without a value and then asks for nothing: terminals fill templates with what
   * their user chose, which may be nothing.
   */
  readonly blank?: true;
  /** Other spellings that existing scripts use. */
  readonly also?: readonly string[];
};
