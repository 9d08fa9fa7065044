import type { VerbRow } from './verb.ts';

/** Verbs for who comes from Slurm. */
export const slurmVerbs: readonly VerbRow[] = [
  {
    name: 'slurm',
    args: '<name> [words...]',
    help: 'Do what a command of Slurm’s does: swm slurm squeue -- -u me. docs/slurm.md.',
    flags: [],
    is: 'held',
    load: () => import('./slurm.ts'),
  },
  {
    name: 'slurm-shim',
    args: '<directory>',
    help: 'Write sbatch, squeue, scancel, sinfo, sacct, srun and scontrol into a directory.',
    flags: [],
    is: 'local',
    load: () => import('./slurm-shim.ts'),
  },
];
