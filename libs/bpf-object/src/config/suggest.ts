/** Edit distance with transpositions, given up beyond `max`. */
function distance(a: string, b: string, max: number): number {
  if (Math.abs(a.length - b.length) > max) return max + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const at = (row: number[], j: number): number => row[j] ?? Number.POSITIVE_INFINITY;
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = isSwap ? at(beforeLast, j - 2) + 1 : Number.POSITIVE_INFINITY;
      row.push(Math.min(at(last, j) + 1, at(row, j - 1) + 1, change, swap));
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/** The name that was most likely meant, when one is near enough. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  if (name.length > 100) return undefined;
  const max = Math.max(1, Math.floor(name.length / 3));
  const lower = name.toLowerCase();
  const ranked = known
    .map((candidate) => ({ candidate, far: distance(lower, candidate.toLowerCase(), max) }))
    .filter(({ far }) => far <= max)
    .sort((a, b) => a.far - b.far);
  return ranked[0]?.candidate;
}

const listedMax = 20;

/** The end of an error about an unknown name: what was meant, or what there is. */
export function didYouMean(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  if (near !== undefined) return `did you mean ${JSON.stringify(near)}?`;
  if (known.length === 0) return 'there are none';
  const listed = known.slice(0, listedMax).join(', ');
  return `known: ${listed}${known.length > listedMax ? ', …' : ''}`;
}
