/** vitest starts on older versions too, and would then fail in strange ways: say why at once. */
export function setup(): void {
  const major = Number.parseInt(process.versions.node, 10);
  if (major < 24)
    throw new Error(
      `tests need Node 24, this is ${process.version}: use npm test or bin/with-node`,
    );
}
