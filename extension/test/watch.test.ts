import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import type { Client, Watching } from '../src/client';
import { Watch } from '../src/watch';

/** A server whose answers come when the test lets them. */
class Server {
  monitor(): Promise<Watching> {
    return new Promise((resolve, reject) => this._asked.push({ resolve, reject }));
  }

  look(): Promise<Watching> {
    return this.monitor();
  }

  async answer(place: number, seen: string | null, isLooking = false): Promise<void> {
    const glance = { model: 'flights', seen: seen === null ? null : { at: seen } };
    this._asked[place].resolve({ glance, is_looking: isLooking, problem: '' } as unknown as Watching);
    await settled();
  }

  async refuse(place: number): Promise<void> {
    this._asked[place].reject(new Error('Alas.'));
    await settled();
  }

  get asked(): number {
    return this._asked.length;
  }

  private _asked: { resolve: (known: Watching) => void; reject: (error: Error) => void }[] = [];
}

async function settled(): Promise<void> {
  await new Promise(resolve => setImmediate(resolve));
}

function watched(): { server: Server; watch: Watch; heard: string[] } {
  const server = new Server();
  const watch = new Watch(server as unknown as Client, () => 'a.ipynb');
  const heard: string[] = [];
  watch.changed.connect(() => heard.push('changed'));
  watch.seenAnew.connect(() => heard.push('seen anew'));
  return { server, watch, heard };
}

test('an answer to what was asked before another notebook came is dropped', async () => {
  const { server, watch, heard } = watched();
  void watch.load();
  watch.forget();
  await server.answer(0, 'monday');
  deepEqual([watch.known, heard], [null, []]);
});

test('of two answers the one to the later question counts, whichever comes first', async () => {
  const { server, watch } = watched();
  void watch.load();
  void watch.load();
  await server.answer(1, 'tuesday');
  await server.answer(0, 'monday');
  equal(watch.known?.glance.seen?.at, 'tuesday');
});

test('what is known stays where the server fails, with its words', async () => {
  const { server, watch } = watched();
  void watch.load();
  await server.answer(0, 'monday');
  void watch.load();
  await server.refuse(1);
  deepEqual([watch.known?.glance.seen?.at, watch.problem], ['monday', 'Alas.']);
});

test('the server is asked again while the monitor looks, and no longer', async context => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { server, watch, heard } = watched();
  void watch.load();
  await server.answer(0, 'monday');
  void watch.look('', '');
  await server.answer(1, 'monday', true);
  context.mock.timers.tick(1000);
  await server.answer(2, 'tuesday');
  context.mock.timers.tick(100_000);
  deepEqual([server.asked, heard], [3, ['changed', 'changed', 'seen anew', 'changed']]);
});
