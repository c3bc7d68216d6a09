import { SerialQueue } from './serial-queue';

describe('SerialQueue', () => {
  it('runs one at a time, a burst of one id once, and once more what is added while it runs', async () => {
    const log: string[] = [];
    let running = 0;
    const queue: SerialQueue<string> = new SerialQueue(async (id) => {
      expect(++running).toBe(1);
      log.push(id);
      if (log.length === 1) queue.add('a');
      await Promise.resolve();
      running--;
    });
    queue.add('a');
    queue.add('a');
    queue.add('b');
    await queue.idle();
    expect(log.sort()).toEqual(['a', 'a', 'b']);
  });

  it('runs a task of its own between ids, and hands its result or failure back', async () => {
    let running = 0;
    const alone = async <T>(value: T): Promise<T> => {
      expect(++running).toBe(1);
      await Promise.resolve();
      running--;
      return value;
    };
    const queue = new SerialQueue<string>(async () => void (await alone(0)));
    queue.add('a');
    const result = queue.run(() => alone(42));
    queue.add('b');
    await expect(result).resolves.toBe(42);
    await expect(queue.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    const thrown = queue.run(() => {
      throw new Error('at once');
    });
    await expect(thrown).rejects.toThrow('at once');
    await expect(queue.run(() => 43)).resolves.toBe(43);
    await queue.idle();
  });

  it('takes nothing more once it is stopped', async () => {
    const log: string[] = [];
    const queue = new SerialQueue<string>(async (id) => {
      log.push(id);
      await Promise.resolve();
    });
    queue.add('a');
    await queue.stop();
    queue.add('b');
    await queue.idle();
    expect(log).not.toContain('b');
  });
});
