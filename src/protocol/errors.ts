/** What went wrong and was expected to: it arrives as an event, and its sender reads it. */
export type Failure = { readonly code: Code; readonly text: string; readonly retry: boolean };

/** What came in and does not fit. `at` is a path such as `$.nodes`, or `FILE:line:column`. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
  readonly at: string;
  constructor(at: string, wanted: string) {
    super(`${at}: ${wanted}`);
    this.at = at;
  }
}

type Row = { readonly http: number; readonly retry: boolean; readonly mend: string };

/**
 * Every code that a user or a peer may be given: its HTTP status, whether the same request may
 * succeed later as it stands, and what the reader can do. Add rows; never change a code's meaning.
 */
export const errors = {
  malformed: { http: 400, retry: false, mend: 'Correct the field that the text names.' },
  bad_script: { http: 400, retry: false, mend: 'Correct the line of the job script it names.' },
  unauthorized: { http: 401, retry: false, mend: 'Use a certificate that this cluster signed.' },
  forbidden: { http: 403, retry: false, mend: 'Ask the owner or an operator.' },
  not_found: { http: 404, retry: false, mend: 'Check the name; `swm jobs` lists what is kept.' },
  outdated: { http: 409, retry: false, mend: 'Look at what it is now, and change that.' },
  wrong_phase: { http: 409, retry: false, mend: 'Look at `swm show` for what is possible now.' },
  key_reused: { http: 409, retry: false, mend: 'Use a new idempotency key for another request.' },
  too_large: { http: 413, retry: false, mend: 'Send less at once; the text names the limit.' },
  busy: { http: 429, retry: true, mend: 'Try again after a moment.' },
  impossible: { http: 422, retry: false, mend: 'Ask for less, or add a flavor or a node.' },
  missing_input: { http: 422, retry: false, mend: 'Check the paths in `input-files`.' },
  input_corrupt: { http: 422, retry: true, mend: 'Submit again; the file changed on the way.' },
  port_busy: { http: 409, retry: true, mend: 'Free the port that the text names, or ask another.' },
  full: { http: 409, retry: true, mend: 'Wait for running jobs to end, or add nodes.' },
  releasing: { http: 409, retry: true, mend: 'Wait until the former cluster is gone.' },
  refused: { http: 409, retry: false, mend: 'Read the text: the other side gave its reason.' },
  quota: { http: 409, retry: true, mend: 'Raise the quota of the site, or choose another flavor.' },
  capacity: { http: 409, retry: true, mend: 'Choose another flavor or site, or wait.' },
  boot_failed: { http: 502, retry: true, mend: 'See the console of the site for its reason.' },
  site_error: { http: 502, retry: true, mend: 'See the site’s own status; swm tries again.' },
  unreachable: { http: 503, retry: true, mend: 'Check that the node is up and can be reached.' },
  timeout: { http: 504, retry: true, mend: 'Try again; the request may have been done.' },
  unknown_outcome: { http: 503, retry: true, mend: 'Ask what became of it before you repeat it.' },
  stopping: { http: 503, retry: true, mend: 'The node is stopping; try another or wait.' },
  disk_full: { http: 507, retry: true, mend: 'Free space on the disk that the text names.' },
  over_walltime: { http: 200, retry: false, mend: 'Ask for more with `#SWM time`.' },
  over_budget: {
    http: 200,
    retry: false,
    mend: 'Ask for more with `#SWM budget`, or a cheaper flavor.',
  },
  out_of_memory: { http: 200, retry: false, mend: 'Ask for more with `#SWM memory`.' },
  killed: { http: 200, retry: false, mend: 'A signal that swm did not send ended the job.' },
  lost: { http: 200, retry: true, mend: 'The node died under the job; submit it again.' },
  evicted: { http: 200, retry: true, mend: 'The site took its machine; it runs again by itself.' },
  preempted: { http: 200, retry: true, mend: 'A job of a higher priority took its place.' },
  no_user: { http: 200, retry: false, mend: 'Set jobs.user to an account that exists.' },
  start_failed: { http: 200, retry: false, mend: 'Read the text: the system refused the start.' },
  no_image: { http: 200, retry: false, mend: 'Check `container-image`, and who may pull it.' },
  output_missing: { http: 200, retry: false, mend: 'The job did not make the file it promised.' },
  dependency: {
    http: 200,
    retry: false,
    mend: 'Requeue the job that the text names, then this one; or submit it without that line.',
  },
  no_secret: { http: 422, retry: false, mend: 'Set it by `swm secret set`, or correct its name.' },
  wrong_version: { http: 426, retry: false, mend: 'Upgrade the older side.' },
  in_use: { http: 409, retry: false, mend: 'End the process that the text names first.' },
  corrupt: { http: 500, retry: false, mend: 'Restore what the text names from a backup.' },
  disk_error: { http: 500, retry: false, mend: 'Check the disk that the text names.' },
  bug: { http: 500, retry: true, mend: 'Report it with the log of the node.' },
} as const satisfies Record<string, Row>;

export type Code = keyof typeof errors;

export const isCode = (code: unknown): code is Code =>
  typeof code === 'string' && Object.hasOwn(errors, code);

/** A failure of a known code; whether to retry is the table's word unless its caller knows. */
export const failure = (code: Code, text: string, retry = errors[code].retry): Failure => ({
  code,
  text,
  retry,
});

/** A failure on its way through promises: tasks throw it, and the actor hears `failed`. */
export class Failed extends Error {
  override readonly name = 'Failed';
  readonly failure: Failure;
  constructor(code: Code, text: string, retry: boolean = errors[code].retry) {
    super(text);
    this.failure = failure(code, text, retry);
  }
}
