import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { playScript } from './script.ts';

const folder = join(import.meta.dirname, 'scenarios');

/** `SWM_SCENARIOS=write` takes what comes of the scripts as what should; read the difference. */
const writes = process.env['SWM_SCENARIOS'] === 'write';

describe('scenarios', () => {
  for (const file of readdirSync(folder).sort()) {
    it(file.replace('.txt', '').replaceAll('-', ' '), () => {
      const path = join(folder, file);
      const text = readFileSync(path, 'utf8');
      const played = playScript(text);
      if (writes) writeFileSync(path, played);
      expect(played).toBe(writes ? played : text);
    });
  }
});
