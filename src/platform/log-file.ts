import {
  closeSync,
  existsSync,
  fchmodSync,
  fstatSync,
  openSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { limits } from '../protocol/limits.ts';
import { diskFailed } from './disk.ts';

const FILE_MODE = 0o600;

/**
 * Appends lines to a file (0600), once in a turn of the loop; when it is full, it becomes `PATH.1`.
 * A full or broken disk costs notes, never the node; pino's own destination would try for ever,
 * also at the very end of the process.
 */
export class LogFile {
  readonly #path: string;
  readonly #bytesMax: number;
  readonly #complain: (text: string) => void;
  readonly #atExit = (): void => this.flush();
  #fd: number;
  #bytes = 0;
  #waiting: string[] = [];
  #waitingChars = 0;
  #state: 'well' | 'failing' | 'closed' = 'well';

  constructor(path: string, bytesMax: number, complain: (text: string) => void) {
    this.#path = path;
    this.#bytesMax = bytesMax;
    this.#complain = complain;
    try {
      this.#fd = this.#open();
    } catch (error) {
      throw diskFailed(error, path, 'Opening the log');
    }
    process.on('exit', this.#atExit);
  }

  write(line: string): void {
    if (this.#state === 'closed') return;
    if (this.#waiting.length === 0) setImmediate(this.#atExit);
    this.#waiting.push(line);
    this.#waitingChars += line.length;
    if (this.#waitingChars > limits.logTurnCharsMax) this.flush();
  }

  flush(): void {
    if (this.#waiting.length === 0) return;
    const bytes = Buffer.from(this.#waiting.join(''));
    this.#waiting = [];
    this.#waitingChars = 0;
    try {
      if (this.#bytes > this.#bytesMax) this.#turn();
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
      this.#bytes += bytes.length;
      this.#state = 'well';
    } catch (error) {
      if (this.#state === 'well')
        this.#complain(diskFailed(error, this.#path, 'Writing the log').message);
      this.#state = 'failing';
    }
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.flush();
    this.#state = 'closed';
    process.off('exit', this.#atExit);
    closeSync(this.#fd);
  }

  #open(): number {
    const fd = openSync(this.#path, 'a', FILE_MODE);
    try {
      fchmodSync(fd, FILE_MODE);
      this.#bytes = fstatSync(fd).size;
      return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  #turn(): void {
    if (existsSync(this.#path)) renameSync(this.#path, `${this.#path}.1`);
    const old = this.#fd;
    this.#fd = this.#open();
    closeSync(old);
  }
}
