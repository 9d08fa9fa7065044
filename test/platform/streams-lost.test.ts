import { buffer } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { Failed } from '../../src/protocol/errors.ts';
import { failureOf, failureOfStream, type HubPair, hubPair, serving } from './hub-pair.ts';
import { sleep, until } from './wait.ts';

let pair: HubPair;
const start = (changes?: Parameters<typeof hubPair>[0]): HubPair => {
  pair = hubPair(changes);
  return pair;
};
afterEach(() => pair.end());

test('an unknown kind, a refusal and a bug end their own stream only', async () => {
  start();
  pair.head.serve('no', () => {
    throw new Failed('forbidden', 'not for you');
  });
  pair.head.serve('later', async () => {
    await sleep(1);
    throw new Failed('busy', 'come again');
  });
  pair.head.serve('bug', () => {
    throw new TypeError('secret detail');
  });
  const asked = serving(pair);
  const good = pair.worker.open('test', {});
  expect(await failureOf(pair.worker.open('nobody', {}).accepted())).toMatchObject({
    code: 'not_found',
    text: 'nothing here serves streams of kind nobody',
  });
  expect(await failureOf(pair.worker.open('no', {}).accepted())).toEqual({
    code: 'forbidden',
    text: 'not for you',
    retry: false,
  });
  expect(await failureOf(pair.worker.open('later', {}).accepted())).toMatchObject({
    code: 'busy',
    retry: true,
  });
  const bug = await failureOf(pair.worker.open('bug', {}).accepted());
  expect(bug).toMatchObject({ code: 'bug' });
  expect(JSON.stringify(bug)).not.toContain('secret');
  expect(pair.notes.join()).toContain('secret detail');
  good.end('alive');
  expect(String(await buffer((await asked).stream))).toBe('alive');
});

test('destroying one end resets the other with its reason', async () => {
  start();
  const asked = serving(pair);
  const mine = pair.worker.open('test', {});
  const { stream: theirs } = await asked;
  theirs.destroy(new Failed('disk_full', 'no room in /spool'));
  expect(await failureOfStream(mine)).toMatchObject({
    code: 'disk_full',
    text: 'no room in /spool',
  });
  const second = pair.worker.open('test', {});
  await second.accepted();
  second.destroy();
  await until('it is gone there too', () => pair.head.size === 0);
});

test('a stream whose link does not come back in time is reset on both sides', async () => {
  start({ resumeMs: 40 });
  const asked = serving(pair);
  const mine = pair.worker.open('test', {});
  const { stream: theirs } = await asked;
  pair.cut();
  expect(await failureOfStream(mine)).toMatchObject({ code: 'unreachable', retry: true });
  expect(await failureOfStream(theirs)).toMatchObject({ code: 'unreachable' });
  expect([pair.head.size, pair.worker.size]).toEqual([0, 0]);
});

test('the streams of a process that is gone are reset by its successor', async () => {
  start();
  const asked = serving(pair);
  const mine = pair.worker.open('test', {});
  mine.write('x');
  await mine.accepted();
  (await asked).stream.resume();
  pair.rebornHead();
  pair.relink();
  expect(await failureOfStream(mine)).toMatchObject({ code: 'lost', retry: true });
});

test('a closed hub resets what is open and opens nothing more', async () => {
  start();
  const asked = serving(pair);
  const mine = pair.worker.open('test', {});
  await asked;
  const why = { code: 'stopping', text: 'the head stops', retry: true } as const;
  pair.head.close(why);
  expect(await failureOfStream(mine)).toEqual(why);
  expect(() => pair.head.open('test', {})).toThrow('the head stops');
  expect(await failureOf(pair.worker.open('test', {}).accepted())).toEqual(why);
});
