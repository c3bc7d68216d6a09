import { probeFeatures } from '../index';
import { atLeast } from './kernel';

test('every feature is probed, and none is missing on a kernel that must have it', () => {
  const { probes, supported, kernel } = probeFeatures();
  expect(kernel).toMatch(/^\d+\.\d+/);
  for (const { name, outcome, since, detail } of probes) {
    expect(supported[name]).toBe(outcome === 'supported');
    if (atLeast(since))
      expect({ name, outcome, detail }).toEqual({ name, outcome: 'supported', detail: undefined });
    else expect({ name, outcome }).toEqual({ name, outcome: 'unsupported' });
  }
});
