import { tryRemedies } from './remedies.ts';

/** Tries what `swm why` names in as many worlds as are asked for; 10,000 unless said. */
const worlds = Number(process.argv[2] ?? 10_000);
const began = performance.now();
const { waited, named, kinds, wrong } = await tryRemedies(1, worlds + 1);
const seconds = ((performance.now() - began) / 1_000).toFixed(1);
const of = [...kinds].sort(([, a], [, b]) => b - a).map(([kind, count]) => `${kind} ${count}`);
process.stdout.write(
  `${worlds} worlds in ${seconds} s: ${waited} jobs waited, for ${named} a change was named ` +
    `(${of.join(', ')}), and ${named - wrong.length} of those started by it.\n`,
);
for (const text of wrong) process.stderr.write(`${text}\n`);
process.exitCode = wrong.length === 0 ? 0 : 1;
