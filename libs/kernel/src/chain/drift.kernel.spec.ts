import { execFileSync } from 'node:child_process';
import { closeSync, unlinkSync } from 'node:fs';
import { compileBpf, createVethPair, udpPacket, waitFor } from '@l3af/testing';
import {
  detach,
  loadGeneration,
  observeHook,
  readCounters,
  removeInstance,
  setEnabled,
  swapTo,
} from '../index';
import { forceDetach } from '../bpf/link';
import { openPin } from '../bpf/pin';
import { testRunFd } from '../bpf/program';
import { openMapPin } from '../generation/generation';
import { countingKf, hookFixture, kfLoad, u32, xdpPass } from './chain-fixture';
import { generationPaths, linkPath } from '../generation/paths';

describe('what others do to a chain is seen', () => {
  const { pair, target } = hookFixture(createVethPair({ prefix: 'l3afk' }));
  afterAll(() => {
    removeInstance(target.instance);
    pair.stop();
  });
  const object = compileBpf(countingKf(xdpPass));
  let generation = 0;
  beforeEach(async () => {
    detach(target);
    const kfs = ['a', 'b', 'c'].map((name) => kfLoad(name, object));
    await loadGeneration(target, { generation: ++generation, metadata: '', kfs });
    swapTo(target, generation);
    expect(observeHook(target).drift).toEqual([]);
  });

  test('a link that was detached, and is attached again by the next swap', () => {
    const fd = openPin(linkPath(target)) ?? -1;
    forceDetach(fd);
    closeSync(fd);
    expect(observeHook(target)).toMatchObject({ attached: false, drift: [{ kind: 'detached' }] });
    expect(swapTo(target, generation)).toMatchObject({ firstAttach: true });
    expect(observeHook(target)).toMatchObject({ attached: true, drift: [] });
  });

  test('an emptied slot: packets would bypass what follows, and that is counted', () => {
    using programs = openMapPin(generationPaths(target, generation).programs);
    programs.delete(u32(1));
    expect(observeHook(target).drift).toMatchObject([{ kind: 'slot-empty' }]);
    const fd = openPin(generationPaths(target, generation).kfProgram(0, 'a')) ?? -1;
    expect(testRunFd(fd, { dataIn: udpPacket() }).verdict).toBe(xdpPass);
    closeSync(fd);
    // The chain is live, so that packets of the network itself may have met it, too.
    expect(readCounters(target, generation).broken).toBeGreaterThanOrEqual(1);
    expect(readCounters(target, generation).brokenAfter).toBe('a');
    setEnabled(target, generation, { kf: 'b', enabled: true });
    expect(observeHook(target).drift).toEqual([]);
  });

  test('a pin that was removed', () => {
    unlinkSync(generationPaths(target, generation).kfProgram(1, 'b'));
    expect(observeHook(target).drift).toMatchObject([{ kind: 'pin-missing' }]);
  });

  test('a removed interface, and one of the same name that came back', async () => {
    const words = `-n ${pair.netns} link delete ${pair.name}`.split(' ');
    execFileSync('ip', words);
    await waitFor(() => !observeHook(target).attached, 'the link to notice');
    const again = `-n ${pair.netns} link add ${pair.name} type veth peer name other`.split(' ');
    execFileSync('ip', again);
    const [link] = JSON.parse(
      execFileSync('ip', ['-n', pair.netns, '-j', 'link', 'show', pair.name], { encoding: 'utf8' }),
    ) as [{ ifindex: number }];
    const now = { ...target, ifindex: link.ifindex };
    expect(swapTo(now, generation)).toMatchObject({ firstAttach: true });
    expect(observeHook(now)).toMatchObject({ attached: true, live: { generation }, drift: [] });
  });
});
