import { testRunFd } from '../../bpf/program';

const rounds = 9;
/** Fewer on an emulated machine, whose times mean nothing anyway. */
const repeat = Number(process.env['L3AF_BENCH_REPEAT'] ?? 1_000_000);

/** Nanoseconds per packet of a program, best of several rounds: what disturbs only ever adds. */
export function measure(programFd: number): number {
  const dataIn = Buffer.alloc(64);
  const times = Array.from({ length: rounds }, () => testRunFd(programFd, { dataIn, repeat }).durationNs);
  return Math.min(...times);
}

/** Slope of the line through the points by least squares. */
export function slope(points: readonly { n: number; value: number }[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, one) => sum + one, 0) / values.length;
  const [meanN, meanValue] = [mean(points.map(({ n }) => n)), mean(points.map(({ value }) => value))];
  const above = points.reduce((sum, { n, value }) => sum + (n - meanN) * (value - meanValue), 0);
  const below = points.reduce((sum, { n }) => sum + (n - meanN) ** 2, 0);
  return above / below;
}
