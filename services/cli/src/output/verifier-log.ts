const closing = [
  /^processed \d+ insns/,
  /^verification time \d+/,
  /^stack depth /,
  /^insns processed /,
  /^peak_states /,
  /^max_states_per_insn/,
  /^-- (BEGIN|END) PROG LOAD LOG --/,
  /^libbpf: /,
];

/** The line of a verifier's log that says why: the last one that is neither blank nor statistics. */
export function lastUsefulLine(lines: readonly string[]): string | undefined {
  const useful = lines.map((line) => line.trim()).filter((line) => line !== '');
  return useful.reverse().find((line) => !closing.some((pattern) => pattern.test(line)));
}
